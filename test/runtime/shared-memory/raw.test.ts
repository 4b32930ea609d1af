import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { isMain, RuntimeError } from "heddle";
import { Process, RawArray, RawValue, ShareableList, SharedMemory } from "heddle/multiprocessing";
import { ProcessPoolExecutor, ThreadPoolExecutor } from "heddle/futures";
import { Queue } from "heddle/queue";
import { Thread } from "heddle/threading";
`;
const options = { timeout: 50_000 };

describe("RawValue and RawArray", () => {
  it("wrap integers to the width of every type code, and refuse other kinds", () =>
    expectScript(
      `${head}
const integers = { b: [8, true], B: [8, false], h: [16, true], H: [16, false], i: [32, true], I: [32, false], l: [32, true], L: [32, false] } as const;
for (const [code, [bits, signed]] of Object.entries(integers)) {
  const value = new RawValue(code as "i");
  const array = new RawArray(code as "i", 1);
  assert.equal(value.value, 0);
  assert.equal(array.view.BYTES_PER_ELEMENT * 8, bits);
  for (const n of [0, 1, -1, 2 ** (bits - 1), 2 ** (bits - 1) - 1, 2 ** bits, 2 ** bits + 5, -(2 ** bits) - 3, 2 ** 60 + 2 ** 12]) {
    const wrapped = Number(signed ? BigInt.asIntN(bits, BigInt(n)) : BigInt.asUintN(bits, BigInt(n)));
    value.value = n;
    array[0] = n;
    assert.deepEqual([value.value, array[0], new RawValue(code as "i", n).value, new RawArray(code as "i", [n])[0]], [wrapped, wrapped, wrapped, wrapped]);
    array.set([n]);
    assert.equal(array[0], wrapped);
  }
  for (const wrong of [1.5, NaN, Infinity, 1n, "1", null, true, {}]) {
    assert.throws(() => { value.value = wrong as never; }, TypeError);
    assert.throws(() => { array[0] = wrong as never; }, TypeError);
    assert.throws(() => new RawArray(code as "i", [wrong as never]), TypeError);
    assert.throws(() => new RawValue(code as "i", wrong as never), TypeError);
  }
}
for (const code of ["q", "Q"] as const) {
  const value = new RawValue(code, 2n ** 64n + 5n);
  assert.equal(value.value, 5n);
  value.value = -1n;
  assert.equal(value.value, code === "q" ? -1n : 2n ** 64n - 1n);
  assert.throws(() => { value.value = 1 as never; }, TypeError);
}
const single = new RawValue("f", 0.1), double = new RawValue("d", 0.1);
assert.deepEqual([single.value, double.value], [Math.fround(0.1), 0.1]);
double.value = NaN;
assert.ok(Number.isNaN(double.value));
assert.throws(() => { double.value = 1n as never; }, TypeError);
const byte = new RawValue("c", "\\xff"), point = new RawValue("u", "\\u{1f600}");
assert.deepEqual([byte.value, point.value, new RawValue("c").value], ["\\xff", "\\u{1f600}", "\\0"]);
for (const wrong of ["", "ab", "\\u0100", 5]) assert.throws(() => { byte.value = wrong as never; }, TypeError);
for (const wrong of ["", "ab", 5]) assert.throws(() => { point.value = wrong as never; }, TypeError);
for (const code of ["x", "", "ii", "toString", undefined, 5]) {
  assert.throws(() => new RawValue(code as never), TypeError);
  assert.throws(() => new RawArray(code as never, 1), TypeError);
}
console.log("done");`,
      options,
    ));

  it("arrays: size, values, index, at, slices, set, iteration", () =>
    expectScript(
      `${head}
const a = new RawArray("i", 10);
assert.deepEqual([a.length, [...a]], [10, Array(10).fill(0)]);
a.set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
assert.deepEqual([a[3], a.at(3), a.at(-1), a.at(-10)], [3, 3, 9, 0]);
for (const index of [10, -11]) assert.throws(() => a.at(index), RangeError);
for (const index of [10, -1]) {
  assert.throws(() => a[index], RangeError);
  assert.throws(() => { a[index] = 1; }, RangeError);
}
const all = Array.from({ length: 10 }, (_, i) => i);
for (const start of [undefined, 0, 3, -3, 10, 99, -99]) for (const end of [undefined, 0, 5, -2, 10, 99, -99]) {
  assert.deepEqual(a.slice(start, end), all.slice(start, end), \`\${start} \${end}\`);
}
assert.deepEqual(a.slice(0, 6, 2), [0, 2, 4]);
assert.deepEqual(a.slice(1, undefined, 3), [1, 4, 7]);
assert.deepEqual(a.slice(undefined, undefined, -1), [...all].reverse());
assert.deepEqual(a.slice(8, 2, -2), [8, 6, 4]);
assert.deepEqual(a.slice(-2, -5, -1), [8, 7, 6]);
assert.deepEqual(a.slice(99, -99, -4), [9, 5, 1]);
assert.deepEqual(a.slice(2, 8, -1), []);
assert.throws(() => a.slice(0, 1, 0), RangeError);
a.set([100, 101], 8);
assert.deepEqual(a.slice(7), [7, 100, 101]);
for (const [values, offset] of [[[1, 2], 9], [[1], 10], [[1], -1], [Array(11).fill(1), 0]] as const) {
  assert.throws(() => a.set(values, offset), RangeError);
}
assert.throws(() => a.set([1, "x" as never]), TypeError);
assert.deepEqual(a.slice(7), [7, 100, 101], "nothing was written");
assert.equal(a[0], 0);
a.set(new Set([5, 6]));
a.view[2] = 77;
assert.deepEqual(a.slice(0, 3), [5, 6, 77]);
assert.ok(a.view instanceof Int32Array && a instanceof RawArray);
assert.throws(() => new RawArray("i", -1), RangeError);
for (const wrong of [1.5, null, undefined, {}]) assert.throws(() => new RawArray("i", wrong as never), TypeError);
assert.throws(() => new RawArray("d", 2 ** 52), RangeError);
assert.equal(new RawArray("d", 0).length, 0);
assert.deepEqual([...new RawArray("Q", [1n, -1n])], [1n, 2n ** 64n - 1n]);
assert.deepEqual([...new RawArray("d", new Float64Array([1.5, 2]))], [1.5, 2]);
console.log("done");`,
      options,
    ));

  it("arrays of characters have text, and bytes have raw", () =>
    expectScript(
      `${head}
const c = new RawArray("c", 5);
c.value = "hey";
assert.equal(c.value, "hey");
assert.deepEqual([...c.raw], [104, 101, 121, 0, 0]);
c.value = "fiver";
assert.equal(c.value, "fiver");
c.value = "ab";
assert.deepEqual([c.value, [...c.raw]], ["ab", [97, 98, 0, 101, 114]], "as in C, what is behind the NUL stays");
assert.throws(() => { c.value = "sixsix"; }, RangeError);
assert.throws(() => { c.value = "\\u0100"; }, TypeError);
assert.throws(() => { c.value = 5 as never; }, TypeError);
assert.equal(c.value, "ab");
c.raw = new Uint8Array([120, 0, 121]);
assert.deepEqual([c.value, [...c.raw]], ["x", [120, 0, 121, 101, 114]]);
assert.throws(() => { c.raw = new Uint8Array(6); }, RangeError);
c.raw[0] = 1;
assert.equal(c.value, "x", "raw is a copy");
assert.equal(new RawArray("c", "abc").at(-1), "c");
const u = new RawArray("u", 4);
u.value = "\\u{1f600}\\u00e9";
assert.deepEqual([u.value, u[0], u.length], ["\\u{1f600}\\u00e9", "\\u{1f600}", 4]);
assert.throws(() => { u.value = "12345"; }, RangeError);
u.view[0] = 0xffffffff;
assert.equal(u[0], "\\ufffd");
const i = new RawArray("i", 1) as any;
assert.deepEqual([i.value, i.raw], [undefined, undefined]);
assert.throws(() => { i.value = "x"; }, TypeError);
console.log("done");`,
      options,
    ));

  it("are the same memory in threads, processes, tasks and queues, small or large", () =>
    expectScript(
      `${head}
function write(all: Map<string, unknown>, at: number) {
  const { small, large, value } = Object.fromEntries(all) as { small: RawArray<"i">; large: RawArray<"d">; value: RawValue<"u"> };
  small[at] = at;
  large[large.length - at] = at / 2;
  value.value = "\\u{1f601}";
}
function make(size: number) { const made = new RawArray("i", size); made[size - 1] = 5; return [made, made] as const; }
function deep(value: RawValue<"i">, depth: number) {
  value.value++;
  if (depth === 0) return;
  const child = new Process({ target: deep, args: [value, depth - 1] });
  child.start();
  child.joinSync();
}
if (isMain) {
  const small = new RawArray("i", 10), large = new RawArray("d", 1_000_000), value = new RawValue("u");
  const all = new Map<string, unknown>([["small", small], ["large", large], ["value", value]]);
  const tellers = [new Thread({ target: write, args: [all, 1] }), new Process({ target: write, args: [all, 2] })];
  for (const it of tellers) it.start();
  for (const it of tellers) await it.join();
  const queue = new Queue<any>();
  await queue.put(all);
  write(await queue.get(), 5);
  {
    await using threads = new ThreadPoolExecutor({ maxWorkers: 1 });
    await using processes = new ProcessPoolExecutor({ maxWorkers: 1 });
    await threads.submit(write, all, 3);
    await processes.submit(write, all, 4);
    for (const executor of [threads, processes]) for (const size of [3, 100_000]) {
      const [made, again] = await (executor as ThreadPoolExecutor).submit(make, size);
      assert.deepEqual([made.length, made.at(-1)], [size, 5]);
      made[0] = 8;
      assert.equal(again[0], 8);
    }
  }
  assert.deepEqual(small.slice(0, 6), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(large.slice(-5), [2.5, 2, 1.5, 1, 0.5]);
  assert.equal(value.value, "\\u{1f601}");
  const counter = new RawValue("i");
  deep(counter, 2);
  assert.equal(counter.value, 3, "also what was handed on and on");
  console.log("done");
}`,
      options,
    ));

  it("two processes and a thread lose none of their atomic additions", () =>
    expectScript(
      `${head}
function add(words: RawArray<"i">, wide: RawArray<"q">) {
  for (let i = 0; i < 200_000; i++) {
    Atomics.add(words.view, 0, 1);
    Atomics.add(wide.view, 1, 1n);
    for (;;) {
      const old = Atomics.load(words.view, 1);
      if (Atomics.compareExchange(words.view, 1, old, old + 1) === old) break;
    }
  }
}
if (isMain) {
  const words = new RawArray("i", 2), wide = new RawArray("q", 2);
  const all = [new Process({ target: add, args: [words, wide] }), new Process({ target: add, args: [words, wide] }), new Thread({ target: add, args: [words, wide] })];
  for (const it of all) it.start();
  for (const it of all) await it.join();
  assert.deepEqual([...words, ...wide], [600_000, 600_000, 0n, 600_000n]);
  console.log("done");
}`,
      options,
    ));

  it("live as long as anybody has them, and no longer", () =>
    expectScript(
      `${head}
import { readdirSync, readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
function hold(value: RawArray<"i">, gate: RawArray<"i">) {
  gate[0] = 1;
  while (gate[1] === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  gate[2] = value[0]!;
}
if (isMain) {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  const mapped = () => readFileSync("/proc/self/maps", "utf8").split("\\n").filter((line) => line.includes("/memfd:heddle")).length;
  const files = () => readdirSync("/proc/self/fd").length;
  const until = async (holds: () => boolean) => {
    for (let i = 0; i < 500 && !holds(); i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
    assert.ok(holds(), \`\${mapped()} mappings, \${files()} descriptors\`);
  };
  const gate = new RawArray("i", 3);
  // One whose maker has lost it before the child has read its message, and keeps only a view of.
  const view = (() => {
    const array = new RawArray("i", 50_000);
    array[0] = 42;
    const child = new Process({ target: hold, args: [array, gate] });
    child.start();
    void child.join();
    return array.view.subarray(1);
  })();
  for (let i = 0; i < 20; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 1)); }
  view[0] = 6;
  while (gate[0] === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  gate[1] = 1;
  while (gate[2] === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(gate[2], 42);
  assert.equal(view[0], 6);
  const before = [mapped(), files()] as const;
  const make = () => { for (let i = 0; i < 200; i++) new RawArray("d", 10_000)[0] = i; };
  make();
  assert.ok(mapped() >= before[0], "there was something to let go of");
  await until(() => mapped() <= before[0] && files() <= before[1]);
  // Small ones share: neither a mapping nor a descriptor each, and freed ones are used again, zeroed.
  const small = () => { for (let i = 0; i < 30_000; i++) new RawValue("i", 7); };
  for (let round = 0; round < 5; round++) {
    small();
    for (let i = 0; i < 10; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 1)); }
  }
  assert.ok(mapped() <= before[0] + 10 && files() <= before[1] + 5, \`\${mapped()} mappings, \${files()} descriptors, at first \${before}\`);
  assert.equal(new RawValue("i").value, 0);
  console.log("done");
}`,
      options,
    ));
});
