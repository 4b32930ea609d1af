/** `multiprocessing.Value` and `Array`: what CPython's tests of sharedctypes hold, and that no update is lost under the lock. */
import { expectScript } from "../../harness/run-script.js";

const header = `
  import assert from "node:assert/strict";
  import { inspect } from "node:util";
  import { isMain, RuntimeError } from "heddle";
  import * as mp from "heddle/multiprocessing";
  import { Lock, Process, Queue, RLock, SharedArray, Value } from "heddle/multiprocessing";
  import { Lock as ThreadLock, Thread } from "heddle/threading";
`;

describe("values and arrays with a lock", function () {
  this.timeout(60_000);

  it("hold one element of any type code, with Python's wrap-around", async () => {
    await expectScript(`${header}
      const cases: [any, any, any][] = [
        ["i", 4343, 24234], ["d", 3.625, -4.25], ["h", -232, 234], ["q", 2n ** 33n, 2n ** 34n], ["c", "x", "y"], ["u", "ä", "😀"],
        ["b", -1, 127], ["B", 1, 255], ["H", 1, 65535], ["I", 1, 2 ** 32 - 1], ["l", -5, 5], ["L", 5, 6], ["Q", 1n, 2n ** 64n - 1n], ["f", 0.5, 0.25],
      ];
      function change(values: any[]) { for (const [i, value] of values.entries()) value.value = cases[i]![2]; }
      if (isMain) {
        const values = cases.map(([code, first]) => new Value(code, first));
        for (const [i, value] of values.entries()) assert.equal(value.value, cases[i]![1]);
        const child = new Process({ target: change, args: [values] });
        child.start();
        await child.join();
        for (const [i, value] of values.entries()) assert.equal(value.value, cases[i]![2]);
        const byte = new Value("B", 255);
        byte.value += 1;
        assert.equal(byte.value, 0);
        byte.value = -1;
        assert.equal(byte.value, 255);
        const wide = new Value("q", 2n ** 63n - 1n);
        wide.value += 1n;
        assert.equal(wide.value, -(2n ** 63n));
        assert.equal(new Value("d").value, 0);
        for (const bad of ["1", 1.5, null, 1n] as any[]) {
          assert.throws(() => { byte.value = bad; }, TypeError);
          assert.equal(byte.getLock().locked(), false);
        }
        assert.throws(() => new Value("z" as any), TypeError);
        assert.equal(inspect(byte), "Value('B', 255)");
        console.log("done");
      }
    `);
  });

  it("have the lock that was asked for", async () => {
    await expectScript(`${header}
      for (const [make, name] of [
        [(options?: any) => new Value("i", 5, options), "Value"],
        [(options?: any) => new SharedArray("i", [5], options), "SharedArray"],
      ] as [(options?: any) => any, string][]) {
        for (const own of [make(), make(undefined), make({}), make({ lock: true }), make({ lock: undefined })]) {
          assert.ok(own.getLock() instanceof RLock);
          assert.equal(own.getLock().locked(), false);
          assert.match(own.name, new RegExp("^" + name + " script\\\\.ts:\\\\d+$"));
        }
        assert.equal(make({ name: "five" }).name, "five");
        assert.equal(make({ name: "five" }).getLock().name, "five");
        for (const lock of [new Lock(), new RLock()]) {
          const it = make({ lock });
          assert.equal(it.getLock(), lock);
          assert.equal(it.acquireSync(), true);
          assert.equal(lock.locked(), true);
          it.release();
          {
            using held = it.holdSync();
            assert.equal(lock.locked(), true);
            held.release();
            assert.equal(lock.locked(), false);
          }
          assert.equal(await it.acquire({ timeout: 100 }), true);
          assert.equal(lock.locked(), true);
          it.release();
          using _again = await it.hold();
          assert.equal(lock.locked(), true);
        }
        const raw = make({ lock: false });
        assert.ok(!("getLock" in raw) && !("acquire" in raw) && !("getObj" in raw));
        assert.equal(raw.constructor.name, "Raw" + (name === "Value" ? name : "Array"));
        for (const bad of [null, "navalue", 1, {}, new ThreadLock()] as any[]) assert.throws(() => make({ lock: bad }), TypeError);
        assert.throws(() => make({ locks: false }), /did you mean lock/);
        assert.throws(() => make(true), TypeError);
        const it = make();
        const memory = it.getObj();
        if (name === "Value") { memory.value = 7; assert.equal(it.value, 7); }
        else { memory[0] = 7; assert.equal(it[0], 7); assert.equal(memory, it.getObj()); }
        assert.throws(() => it.release(), RuntimeError);
      }
      assert.equal(mp.Array, SharedArray);
      console.log("done");
    `);
  });

  it("take the lock for each access, and give it back whatever happens", async () => {
    await expectScript(`${header}
      function hold(lock: Lock, held: Queue, go: Queue) {
        using _held = lock.holdSync();
        held.putSync(1);
        go.getSync();
      }
      if (isMain) {
        const lock = new Lock();
        const [value, array] = [new Value("i", 1, { lock }), new SharedArray("c", "ab", { lock })];
        const [held, go] = [new Queue(), new Queue()];
        const accesses: (() => unknown)[] = [
          () => value.value, () => { value.value = 2; }, () => array[0], () => { array[1] = "x"; }, () => array.at(-1),
          () => array.slice(), () => array.set("yz"), () => array.value, () => { array.value = "q"; },
          () => array.raw, () => { array.raw = new Uint8Array(1); }, () => [...array],
        ];
        for (const access of accesses) {
          const child = new Thread({ target: hold, args: [lock, held, go] });
          child.start();
          held.getSync();
          // Somebody holds it until then: the access can be over only after that.
          assert.equal(lock.locked(), true);
          go.putSync(1);
          access();
          assert.equal(lock.locked(), false, String(access));
          await child.join();
          assert.equal(lock.acquireSync({ timeout: 0 }), true);
          lock.release();
        }
        const numbers = new SharedArray("i", 3, { lock });
        for (const bad of [() => numbers.set([1, 2, 3, 4]), () => numbers.set(["x"] as any), () => numbers.at(9), () => numbers[3], () => { numbers[5] = 1; },
          () => { numbers[0] = "x" as any; }, () => numbers.slice(0, 1, 0), () => { array.value = "too long"; }, () => numbers.set(5 as any), () => numbers.set([1], 3)]) {
          assert.throws(bad, (error) => error instanceof RangeError || error instanceof TypeError, String(bad));
          assert.equal(lock.locked(), false, String(bad));
        }
        // What is iterated over runs outside of the lock.
        numbers.set((function* () { yield numbers.at(0) + 1; assert.equal(lock.locked(), false); yield 2; })());
        assert.deepEqual(numbers.slice(), [1, 2, 0]);
        console.log("done");
      }
    `);
  });

  it("hold arrays as Python's, from a size or values, by index, part and text", async () => {
    await expectScript(`${header}
      function sums(numbers: any) { for (let i = 1; i < numbers.length; i++) numbers[i] += numbers[i - 1]; }
      if (isMain) {
        const seq = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];
        const arr = new SharedArray("i", seq);
        const raw = new SharedArray("i", seq, { lock: false });
        for (const it of [arr, raw]) {
          assert.equal(it.length, 10);
          assert.equal(it[3], 821);
          assert.deepEqual([...it], seq);
          assert.deepEqual(it.slice(2, 7), seq.slice(2, 7));
          assert.deepEqual(it.slice(-3), seq.slice(-3));
          assert.deepEqual(it.slice(undefined, undefined, -2), seq.slice().reverse().filter((_, i) => i % 2 === 0));
          it.set([1, 2, 3, 4], 4);
          const expected = [...seq.slice(0, 4), 1, 2, 3, 4, ...seq.slice(8)];
          assert.deepEqual(it.slice(), expected);
          const child = new Process({ target: sums, args: [it] });
          child.start();
          await child.join();
          sums(expected);
          assert.deepEqual(it.slice(), expected);
        }
        for (let n = 0; n < 3; n++) {
          const zeros = new SharedArray("i", 10);
          assert.deepEqual([...zeros], Array(10).fill(0));
          zeros.set(seq.keys());
          assert.deepEqual([...zeros], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        }
        assert.equal(new SharedArray("i", 0).length, 0);
        assert.throws(() => new SharedArray("i", -1), RangeError);
        assert.throws(() => new SharedArray("i", 1.5), TypeError);
        const text = new SharedArray("c", 20);
        text.value = "hello";
        assert.equal(text.value, "hello");
        assert.deepEqual(Buffer.from(text.raw).toString(), "hello" + "\\0".repeat(15));
        assert.equal(text.view.length, 20);
        assert.equal("3" in arr && !("10" in arr), true);
        assert.match(inspect(arr), /^SharedArray\\('i', \\[680, /);
        console.log("done");
      }
    `);
  });

  it("cross with their lock, nested, to threads and processes, also inside the items of a queue", async () => {
    await expectScript(`${header}
      function read(requests: Queue) {
        const { counter, list, lock, answers } = requests.getSync();
        if (counter.getLock() !== lock || list.getLock() !== lock) throw new Error("another lock");
        if (!lock.locked()) throw new Error("not held");
        answers.putSync([counter, list.getObj()]);
        list[0] = 9; // waits for the lock
        counter.value = 5;
        answers.putSync("written");
      }
      if (isMain) {
        for (const make of [(o: any) => new Process(o), (o: any) => new Thread(o)]) {
          const lock = new Lock({ name: "both" });
          const counter = new Value("i", 1, { lock, name: "counter" });
          const list = new SharedArray("d", [0.5], { lock });
          const [requests, answers] = [new Queue(), new Queue()];
          const helper = make({ target: read, args: [requests] });
          helper.start();
          await lock.acquire();
          requests.putSync({ counter, list, lock, answers });
          const [same, raw] = await answers.get();
          assert.equal(same.getLock(), lock);
          assert.equal(same.name, "counter");
          assert.deepEqual([...raw], [0.5]);
          assert.equal(answers.qsize(), 0);
          lock.release();
          assert.equal(await answers.get(), "written");
          assert.deepEqual([same.value, raw[0], list[0]], [5, 9, 9]);
          await helper.join();
        }
        console.log("done");
      }
    `);
  });

  it("lose no update of two processes under the lock, and lose some without", async () => {
    await expectScript(`${header}
      const TIMES = 200_000;
      function locked(counter: Value<"i">) {
        for (let i = 0; i < TIMES; i++) {
          counter.acquireSync();
          counter.value += 1;
          counter.release();
        }
      }
      function raced(counter: Value<"i">, gate: SharedArray<"i">) {
        // Both begin at the same time.
        Atomics.add(gate.view, 0, 1);
        while (Atomics.load(gate.view, 0) < 2);
        for (let i = 0; i < TIMES; i++) counter.value += 1;
      }
      if (isMain) {
        for (const [target, check] of [
          [locked, (n: number) => n === 2 * TIMES],
          [raced, (n: number) => n > 0 && n < 2 * TIMES],
        ] as const) {
          const counter = new Value("i");
          const gate = new SharedArray("i", 1);
          const two = [1, 2].map(() => new Process<any>({ target: target as any, args: [counter, gate] }));
          for (const process of two) process.start();
          for (const process of two) await process.join();
          assert.deepEqual(two.map((process) => process.exitCode), [0, 0]);
          assert.ok(check(counter.value), target.name + ": " + counter.value);
        }
        console.log("done");
      }
    `);
  });

  it("tell those who wait of a holder that was killed", async () => {
    await expectScript(`${header}
      function die(counter: Value<"i">) {
        counter.acquireSync();
        process.kill(process.pid, "SIGKILL");
      }
      if (isMain) {
        const counter = new Value("i", 1, { name: "counter" });
        const child = new Process({ target: die, args: [counter] });
        child.start();
        await child.join();
        assert.throws(() => counter.value, { name: "RuntimeError", message: /^counter will never be released: process .* died while it held it/ });
        counter.release();
        assert.equal(counter.value, 1);
        console.log("done");
      }
    `);
  });
});
