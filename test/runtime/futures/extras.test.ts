/** SharedArrayBuffers and MessagePorts as arguments and results of tasks. */
import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { MessageChannel, MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { DataCloneError, isMain, transfer } from "heddle";
import { ThreadPoolExecutor, waitSync } from "heddle/futures";
import { ThreadPool } from "heddle/multiprocessing";
import { Queue } from "heddle/queue";
import { Event, Thread } from "heddle/threading";
import { createSecretKey } from "node:crypto";

export const count = (words: Int32Array, at: number) => Atomics.add(words, at, 1);
export const raise = (words: Int32Array) => { Atomics.store(words, 0, 1); Atomics.notify(words, 0); };
export const talk = (port: MessagePort, other: { sab: SharedArrayBuffer }) => new Promise<number>((resolve) => {
  port.once("message", (n) => { new Int32Array(other.sab)[0] += n; port.postMessage(n * 2); port.close(); resolve(n); });
});
export const make = (n: number) => { const words = new Int32Array(new SharedArrayBuffer(4)); words[0] = n; return { words, n }; };
export const open = () => { const { port1, port2 } = new MessageChannel(); port1.postMessage("from inside"); return transfer({ port2 }, [port2]); };
export const hold = (began: Event, go: Event) => { began.set(); go.waitSync(); };
export const nothing = () => undefined;
export const same = <T>(x: T) => x;
export const size = (blob: Blob, to: Queue<number>) => to.putSync(blob.size);
`;

describe("tasks with what cannot be in the heap", function () {
  this.timeout(60_000);

  const run = (body: string) => expectScript(`${head}\nif (isMain) {\n${body}\nconsole.log("done");\n}`);

  it("share buffers, whichever thread takes them, also one that starts later", () =>
    run(`
      using pool = new ThreadPoolExecutor({ maxWorkers: 3 });
      const words = new Int32Array(new SharedArrayBuffer(16));
      waitSync(Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? pool.submit(nothing) : pool.submit(count, words, i % 4))));
      assert.equal(words.reduce((a, b) => a + b), 200);
      assert.equal(pool.mapSync(count, Array(100).fill(words), Array(100).fill(0)).length, 100);
      assert.equal(words.reduce((a, b) => a + b), 300);
      // The owner waits for the task in a way the library does not know of.
      const flag = new Int32Array(new SharedArrayBuffer(4));
      pool.submit(raise, flag);
      assert.notEqual(Atomics.wait(flag, 0, 0, 20_000), "timed-out");
      using fixed = new ThreadPool({ processes: 2 });
      assert.deepEqual(fixed.starmapSync(count, [[words, 1]] as [Int32Array, number][]).length, 1);
    `));

  it("have blobs, keys and compiled modules copied as Node copies them, there and back", () =>
    run(`
      using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      const { blob, key, module } = await pool.submit(same, {
        blob: new Blob(["ab", "c"]),
        key: createSecretKey(Buffer.from("secret")),
        module: new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
      });
      assert.equal(await blob.text(), "abc");
      assert.equal(key.export().toString(), "secret");
      assert.ok(module instanceof WebAssembly.Module);
      const shared = new Queue();
      const thread = new Thread({ target: size, args: [new Blob(["four"]), shared] });
      thread.start();
      assert.equal(await shared.get(), 4);
      await thread.join();
      await pool.submit(size, new Blob([]), shared);
      assert.equal(await shared.get(), 0);
      assert.throws(() => shared.putNowait(new Blob(["x"])), DataCloneError);
      assert.equal(shared.qsize(), 0);
    `));

  it("give buffers and ports back", () =>
    run(`
      using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      const made = waitSync(Array.from({ length: 50 }, (_, i) => pool.submit(make, i)));
      for (const future of made.done) {
        const { words, n } = future.resultSync();
        assert.ok(words.buffer instanceof SharedArrayBuffer);
        assert.equal(words[0], n);
      }
      for (const { port2 } of [pool.submit(open).resultSync(), await pool.submit(open)]) {
        assert.equal(receiveMessageOnPort(port2)?.message, "from inside");
        port2.close();
      }
      const [future] = [pool.submit(make, 1)];
      future.setResult(null as never);
      assert.equal(pool.submit(make, 5).resultSync().words[0], 5, "a result that nobody wants takes nothing from the next");
    `));

  it("take moved ports, for an owner that awaits or blocks", () =>
    run(`
      using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      const sab = new SharedArrayBuffer(4);
      for (const blocking of [true, false, true]) {
        const { port1, port2 } = new MessageChannel();
        assert.throws(() => pool.submit(talk, port2, { sab }), DataCloneError, "a port is moved only if that is said");
        const future = pool.submit(talk, transfer(port2, [port2]), { sab });
        port1.postMessage(21);
        assert.equal(blocking ? future.resultSync() : await future, 21);
        assert.equal(receiveMessageOnPort(port1)?.message, 42);
      }
      assert.equal(new Int32Array(sab)[0], 63);
      // More of them than threads, mixed with others.
      const channels = Array.from({ length: 20 }, () => new MessageChannel());
      const futures = channels.map(({ port1, port2 }, i) => {
        pool.submit(count, new Int32Array(sab), 0);
        port1.postMessage(i);
        return pool.submit(talk, transfer(port2, [port2]), { sab });
      });
      assert.deepEqual(await Promise.all(futures), channels.map((_, i) => i));
      for (const { port1 } of channels) port1.close();
    `));

  it("close the port of a task that is cancelled", () =>
    run(`
      using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const [began, go] = [new Event(), new Event()];
      pool.submit(hold, began, go);
      began.waitSync();
      const { port1, port2 } = new MessageChannel();
      port1.on("message", () => assert.fail("nobody has the other end"));
      const closed = new Promise((resolve) => port1.once("close", resolve));
      const future = pool.submit(talk, transfer(port2, [port2]), { sab: new SharedArrayBuffer(4) });
      assert.equal(future.cancel(), true);
      go.set();
      await closed;
    `));
});
