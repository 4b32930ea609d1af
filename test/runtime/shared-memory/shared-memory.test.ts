import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { isMain, RuntimeError } from "heddle";
import { Process, SharedMemory } from "heddle/multiprocessing";
import { ThreadPoolExecutor, ProcessPoolExecutor } from "heddle/futures";
import { Thread } from "heddle/threading";
const code = (expected: string) => (error: NodeJS.ErrnoException) => error.code === expected;
`;
const options = { timeout: 50_000 };

describe("SharedMemory", () => {
  it("creates, attaches, and both see the same bytes", () =>
    expectScript(
      `${head}
const block = new SharedMemory({ create: true, size: 512, name: "heddle_test_" + process.pid });
assert.equal(block.name, "heddle_test_" + process.pid);
assert.equal(block.size >= 512, true);
assert.equal(block.buf.length, block.size);
assert.ok(block.buf.every((byte) => byte === 0), "new memory is zero");
block.buf[0] = 42;
const same = new SharedMemory({ name: block.name, size: 3 });
assert.equal(same.size, block.size, "the size is ignored when attaching");
assert.equal(same.buf[0], 42);
same.buf.set([100], 1);
assert.equal(block.buf[1], 100);
same.close();
assert.equal(block.buf[0], 42, "one closed, the other stays");
block.close();
block.unlink();
console.log("done");`,
      options,
    ));

  it("makes up names as CPython does, each once", () =>
    expectScript(
      `${head}
const blocks = Array.from({ length: 50 }, () => new SharedMemory({ create: true, size: 1 }));
assert.equal(new Set(blocks.map((block) => block.name)).size, 50);
for (const block of blocks) {
  assert.match(block.name, /^psm_[0-9a-f]{8}$/);
  block.close();
  block.unlink();
}
console.log("done");`,
      options,
    ));

  it("refuses what cannot be with the error of the contract", () =>
    expectScript(
      `${head}
const name = "heddle_err_" + process.pid;
for (const size of [0, -1, 1.5, Number.NaN]) assert.throws(() => new SharedMemory({ create: true, size }), RangeError);
assert.throws(() => new SharedMemory({ create: true }), RangeError);
assert.throws(() => new SharedMemory({ create: true, size: 2 ** 53 - 1 }), (e: any) => e instanceof RangeError || e.code === "ENOSPC");
assert.throws(() => new SharedMemory({ size: 1 }), RangeError);
assert.throws(() => new SharedMemory({ name, create: true, size: "1" as never }), TypeError);
assert.throws(() => new SharedMemory({ name: 5 as never }), TypeError);
assert.throws(() => new SharedMemory({ name }), code("ENOENT"));
assert.throws(() => new SharedMemory({ name: "", create: true, size: 1 }), code("EINVAL"));
assert.throws(() => new SharedMemory({ name: "../shm/x", create: true, size: 1 }), code("EINVAL"));
const block = new SharedMemory({ name, create: true, size: 1 });
assert.throws(() => new SharedMemory({ name, create: true, size: 1 }), code("EEXIST"));
block.unlink();
assert.throws(() => block.unlink(), code("ENOENT"));
assert.throws(() => new SharedMemory({ name }), code("ENOENT"));
block.buf[0] = 1; // who is attached keeps the memory
assert.equal(block.buf[0], 1);
const again = new SharedMemory({ name, create: true, size: 1 });
assert.equal(again.buf[0], 0, "the name is free, and its new block another one");
again.unlink();
console.log("done");`,
      options,
    ));

  it("refuses more than the system has, instead of dying of it later", () =>
    expectScript(
      `${head}
import { statfsSync } from "node:fs";
import { constants } from "node:buffer";
const { bavail, bsize } = statfsSync("/dev/shm");
const size = bavail * bsize + 2 ** 30;
const expected = size > constants.MAX_LENGTH ? RangeError : code("ENOSPC");
assert.throws(() => new SharedMemory({ create: true, size }), expected);
console.log("done");`,
      options,
    ));

  it("ends with close, which may be repeated, and with using, which leaves the name", () =>
    expectScript(
      `${head}
const block = new SharedMemory({ create: true, size: 16 });
{
  using same = new SharedMemory({ name: block.name });
  same.buf[3] = 3;
}
assert.equal(block.buf[3], 3);
const taken = block.buf;
const twin = new SharedMemory({ name: block.name });
block.close();
block.close();
assert.throws(() => block.buf, RuntimeError);
assert.equal(block.size, 16);
taken[3] = 9; // must neither crash nor reach the others
assert.equal(twin.buf[3], 3);
twin.close();
block.unlink();
console.log("done");`,
      options,
    ));

  it("crosses by name to threads, processes and tasks, each with a mapping of its own", () =>
    expectScript(
      `${head}
function write(block: SharedMemory, index: number, path: string[]) {
  assert.ok(block instanceof SharedMemory);
  block.buf[index] = index;
  block.close();
  return path;
}
class Holder extends Process { block!: SharedMemory; override run() { this.block.buf[6] = 6; } }
function makeOne() { const block = new SharedMemory({ create: true, size: 4 }); block.buf[0] = 77; return [block]; }
if (isMain) {
  const block = new SharedMemory({ create: true, size: 100 });
  const thread = new Thread({ target: write, args: [block, 1, []] });
  const child = new Process({ target: write, args: [block, 2, []] });
  const holder = new Holder();
  holder.block = block;
  for (const it of [thread, child, holder]) it.start();
  for (const it of [thread, child, holder]) await it.join();
  assert.equal(child.exitCode, 0);
  {
    await using threads = new ThreadPoolExecutor({ maxWorkers: 1 });
    await using processes = new ProcessPoolExecutor({ maxWorkers: 1 });
    await threads.submit(write, block, 3, []);
    await processes.submit(write, block, 4, []);
    const [made] = await processes.submit(makeOne);
    assert.equal(made!.buf[0], 77, "a block that a task made arrives");
    made!.close();
    made!.unlink();
  }
  assert.deepEqual([...block.buf.subarray(0, 7)], [0, 1, 2, 3, 4, 0, 6]);
  block.close();
  block.unlink();
  console.log("done");
}`,
      options,
    ));

  it("lets go of memory and descriptors, hundreds of times", () =>
    expectScript(
      `${head}
import { readdirSync, readFileSync } from "node:fs";
const mapped = () => readFileSync("/proc/self/maps", "utf8").split("\\n").filter((line) => line.includes("/dev/shm/")).length;
const files = () => readdirSync("/proc/self/fd").length;
const cycle = (touch: boolean) => {
  const block = new SharedMemory({ create: true, size: 100_000 });
  const same = new SharedMemory({ name: block.name });
  if (touch) same.buf[0] = block.buf[1]!;
  same.close();
  block.close();
  block.unlink();
};
cycle(true);
{
  using shown = new SharedMemory({ create: true, size: 1 });
  assert.equal(mapped(), 1);
  shown.unlink();
}
const before = files();
for (let i = 0; i < 400; i++) cycle(i % 2 === 0);
assert.equal(mapped(), 0, "closed is not mapped any more, also where buf was used and nothing was collected");
assert.ok(files() <= before, \`\${files()} descriptors, \${before} before\`);
console.log("done");`,
      options,
    ));

  it("gives memory back that was neither closed nor is in use", () =>
    expectScript(
      `${head}
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");
const mapped = () => readFileSync("/proc/self/maps", "utf8").split("\\n").filter((line) => line.includes("/dev/shm/")).length;
const drop = () => {
  for (let i = 0; i < 100; i++) {
    const block = new SharedMemory({ create: true, size: 5000 });
    if (i % 2) block.buf[0] = 1;
    block.unlink();
  }
};
const kept = (() => { const block = new SharedMemory({ create: true, size: 10 }); block.unlink(); return block.buf; })();
drop();
for (let i = 0; i < 200 && mapped() > 1; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
assert.equal(mapped(), 1, "only the one whose view is held");
kept[9] = 5;
assert.equal(kept[9], 5);
console.log("done");`,
      options,
    ));

  it("says why where the native bridge cannot be loaded, and what works instead", () =>
    expectScript(
      `${head}
import { Module } from "node:module";
const load = (Module as any)._load;
(Module as any)._load = function (request: string, ...rest: unknown[]) {
  if (request === "koffi") throw new Error("no koffi for this platform\\nsecond line");
  return load.call(this, request, ...rest);
};
import { RawValue } from "heddle/multiprocessing";
for (const make of [() => new SharedMemory({ create: true, size: 1 }), () => new RawValue("i")]) {
  assert.throws(make, (error: Error) => error instanceof RuntimeError && /no koffi for this platform/.test(error.message) && /[Mm]anager/.test(error.message));
}
console.log("done");`,
      options,
    ));
});
