import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectScript } from "../../harness/run-script.js";

describe("Thread, from its making to its end", function () {
  this.timeout(90_000);

  describe("a worker that dies before its first line", () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-preload-"));
    after(() => rmSync(folder, { recursive: true, force: true }));
    const script = `
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { excepthook, setExcepthook, Thread } from "heddle/threading";
      function never() { console.log("it ran"); }
      if (isMain) {
        const throws = process.argv[2] === "throws";
        const told = new Map<unknown, any>();
        let tellMore = () => {};
        setExcepthook((args) => { told.set(args.thread, args.excValue); excepthook(args); tellMore(); });
        const first = new Thread({ target: never, name: "early" });
        first.start();
        // The event loop does not turn: only the system can tell that it is gone.
        first.joinSync();
        assert.deepEqual([first.isAlive(), first.nativeId], [false, null]);
        first.joinSync({ timeout: 10 });
        await first.join();
        const second = new Thread({ target: never, name: "second" });
        second.start();
        await second.join();
        assert.equal(second.isAlive(), false);
        for (const t of throws ? [first, second] : []) {
          while (!told.has(t)) await new Promise<void>((r) => { tellMore = r; });
          assert.match(told.get(t).message, /no worker today/);
        }
        console.log("done");
      }
    `;
    // Node has workers of its own, which load preloads, too: they are to live.
    const condition = "if (!isMainThread && workerData?.heddleThread)";
    const throws = `const { isMainThread, workerData } = require("node:worker_threads"); ${condition} throw new Error("no worker today");`;
    for (const [what, name, option, source] of [
      ["a preload throws", "throws.cjs", "--require", throws],
      [
        "an imported preload throws",
        "throws.mjs",
        "--import",
        throws.replace(/^const .*?;/, 'import { isMainThread, workerData } from "node:worker_threads";'),
      ],
      ["a preload exits", "exits.cjs", "--require", throws.replace(/throw .*/, "process.exit(5);")],
    ] as const) {
      it(`${what}: join returns, and the error is told`, async () => {
        const file = join(folder, name);
        writeFileSync(file, source);
        const { stderr } = await expectScript(script, {
          args: [name.startsWith("throws") ? "throws" : "exits"],
          env: { NODE_OPTIONS: `${option} ${file}` },
        });
        if (name.startsWith("throws")) assert.match(stderr, /Exception in thread early:\nError: no worker today/);
      });
    }
  });

  it("tells an error of the script's own import, and join returns", async () => {
    const { stderr } = await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Thread } from "heddle/threading";
      function never() { console.log("it ran"); }
      if (!isMain) throw new TypeError("only in the main thread");
      const t = new Thread({ target: never, name: "importer" });
      t.start();
      t.joinSync();
      assert.equal(t.isAlive(), false);
      console.log("done");
    `);
    assert.match(stderr, /Exception in thread importer:\nTypeError: only in the main thread\n\s+at .*script\.ts:6/);
  });

  it("hands errors of every kind to the hook, and survives hooks that fail", async () => {
    const { stderr } = await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { excepthook, setExcepthook, Thread } from "heddle/threading";
      function fails(what: string) {
        switch (what) {
          case "null": throw null;
          case "undefined": throw undefined;
          case "string": throw "text";
          case "object": throw { code: 7, deep: [1] };
          case "function": throw () => 1;
          case "class": throw class Mine {};
          case "exit": return process.exit(7);
          case "cause": throw new Error("outer", { cause: new RangeError("inner") });
          default: throw new Error(what);
        }
      }
      async function run(what: string, name?: string) {
        const t = new Thread({ target: fails, args: [what], name });
        t.start();
        await t.join();
        assert.equal(t.isAlive(), false);
        return t;
      }
      if (isMain) {
        assert.throws(() => setExcepthook(3 as any), TypeError);
        const seen: any[] = [];
        setExcepthook((args) => seen.push(args));
        for (const what of ["null", "undefined", "string", "object", "cause"]) {
          const t = await run(what);
          const { excValue, excType, thread } = seen.pop();
          assert.equal(thread, t);
          if (what === "null") assert.deepEqual([excValue, excType], [null, Object]);
          if (what === "undefined") assert.deepEqual([excValue, excType], [undefined, Object]);
          if (what === "string") assert.deepEqual([excValue, excType], ["text", String]);
          if (what === "object") assert.deepEqual([excValue, excType], [{ code: 7, deep: [1] }, Object]);
          if (what === "cause") assert.ok(excType === Error && excValue.cause instanceof RangeError);
        }
        // What cannot cross is told as text.
        for (const what of ["function", "class"]) {
          await run(what);
          assert.match(seen.pop().excValue.message, /Uncaught \\[(Function|class)/);
        }
        // To exit is no error.
        await run("exit");
        assert.equal(seen.length, 0);

        // A hook that throws is told, and so is what it was called for; the thread is joined all the same.
        setExcepthook(() => { throw new Error("the hook itself"); });
        await run("first", "hooked");
        // Set back before the thread failed, or after.
        setExcepthook(null);
        await run("second", "plain");
        setExcepthook((args) => { excepthook({ ...args, thread: null }); });
        await run("third");
        console.log("done");
      }
    `);
    assert.match(stderr, /Exception in thread hooked:\nError: first\n/);
    assert.match(stderr, /Exception in thread hooked:\nError: the hook itself\n/);
    assert.match(stderr, /Exception in thread plain:\nError: second\n/);
    assert.match(stderr, /Exception in thread \(unknown\):\nError: third\n/);
  });

  it("keeps name and daemon as Python does", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain, RuntimeError } from "heddle";
      import { currentThread, enumerate, Event, mainThread, Thread } from "heddle/threading";
      import { Queue } from "heddle/queue";
      function named(out: Queue, go: Event) {
        const me = currentThread();
        out.putSync([me.name, me.daemon, new Thread().daemon]);
        go.waitSync();
        out.putSync(me.name);
        me.name = "by itself";
        assert.throws(() => { me.daemon = true; }, RuntimeError);
        out.putSync(mainThread().name);
      }
      if (isMain) {
        const [out, go] = [new Queue(), new Event()];
        const t = new Thread({ target: named, args: [out, go] });
        assert.equal(t.daemon, false);
        t.daemon = true;
        assert.equal(t.daemon, true);
        t.name = "ünïcode 🧵 " + "x".repeat(300);
        t.start();
        assert.throws(() => { t.daemon = false; }, RuntimeError);
        // A daemon's threads are daemons.
        assert.deepEqual(await out.get(), [t.name, true, true]);
        t.name = 7 as any;
        assert.equal(t.name, "7");
        assert.ok(enumerate().some((each) => each.name === "7"));
        mainThread().name = "main, renamed";
        go.set();
        assert.equal(await out.get(), "7");
        assert.equal(await out.get(), "main, renamed");
        await t.join();
        assert.equal(t.name, "by itself");
        assert.throws(() => { t.daemon = false; }, RuntimeError);
        t.name = "after its end";
        assert.equal(t.name, "after its end");
        assert.throws(() => { currentThread().daemon = true; }, RuntimeError);
        assert.equal(new Thread({ name: "", target: undefined }).name, "");
        assert.equal(new Thread({ daemon: true }).daemon, true);
        // Nothing to run.
        const idle = new Thread();
        idle.start();
        await idle.join();
        console.log("done");
      }
    `);
  });

  it("knows all threads from inside a pool's worker and a worker of the user's own", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { isMainThread, Worker } from "node:worker_threads";
      import { isMain } from "heddle";
      import { activeCount, currentThread, enumerate, getIdent, mainThread, Thread } from "heddle/threading";
      import { ThreadPoolExecutor } from "heddle/futures";
      function look() {
        const me = currentThread();
        assert.ok(enumerate().includes(me));
        assert.equal(enumerate().filter((t) => t === me).length, 1);
        assert.deepEqual([me.ident, me.isAlive(), mainThread().name, mainThread().ident, mainThread().isAlive()], [getIdent(), true, "MainThread", 1, true]);
        assert.notEqual(me, mainThread());
        assert.equal(activeCount(), enumerate().length);
        return { name: me.name, daemon: me.daemon, names: enumerate().map((t) => t.name) };
      }
      if (isMain) {
        {
          using pool = new ThreadPoolExecutor({ maxWorkers: 1, threadNamePrefix: "pool" });
          const seen = await pool.submit(look);
          assert.match(seen.name, /^pool/);
          assert.deepEqual(seen.names, ["MainThread", seen.name]);
          assert.equal(activeCount(), 2);
        }
        const worker = new Worker(new URL("./own.mjs", import.meta.url));
        const seen: any = await new Promise((r, fail) => { worker.once("message", r); worker.once("error", fail); });
        assert.deepEqual([seen.name, seen.daemon, seen.names, seen.main], ["Dummy-1", true, ["MainThread", "Dummy-1"], ["MainThread", 1]]);
        const dummy = enumerate().find((t) => t.name === "Dummy-1")!;
        assert.deepEqual([dummy.ident, dummy.nativeId, dummy.isAlive()], [seen.ident, seen.nativeId, true]);
        // A blocked join sees its end, whoever started it.
        worker.postMessage("end");
        dummy.joinSync();
        assert.equal(dummy.isAlive(), false);
        assert.deepEqual(enumerate(), [mainThread()]);
        // One that is killed is noticed as well.
        const killed = new Worker(new URL("./own.mjs", import.meta.url));
        await new Promise((r) => killed.once("message", r));
        const victim = enumerate()[1]!;
        killed.terminate();
        await victim.join();
        assert.equal(activeCount(), 1);
        console.log("done");
      }
    `,
      {
        name: "script.mts",
        files: {
          "own.mjs": `
            import { parentPort } from "node:worker_threads";
            import { currentThread, enumerate, mainThread } from "heddle/threading";
            const me = currentThread();
            parentPort.postMessage({ name: me.name, ident: me.ident, nativeId: me.nativeId, daemon: me.daemon, names: enumerate().map((t) => t.name), main: [mainThread().name, mainThread().ident] });
            parentPort.once("message", () => parentPort.close());`,
        },
      },
    );
  });

  it("takes shared memory and ports wherever they are nested", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { DataCloneError, isMain, transfer } from "heddle";
      import { Thread } from "heddle/threading";
      import { MessageChannel, type MessagePort } from "node:worker_threads";
      function work(all: { memory: Map<string, Int32Array[]>; ports: [MessagePort, { again: MessagePort }] }, raw: SharedArrayBuffer) {
        const [words] = all.memory.get("words")!;
        assert.equal(words!.buffer, raw);
        assert.equal(words!.length, 3);
        Atomics.add(words!, 1, 5);
        assert.equal(all.ports[0], all.ports[1].again);
        all.ports[0].postMessage(raw);
        all.ports[0].close();
      }
      class Sub extends Thread {
        constructor(readonly port: MessagePort, readonly shared: SharedArrayBuffer) { super(); }
        override run() { new Int32Array(this.shared)[0] = 9; this.port.postMessage("sub"); this.port.close(); }
      }
      if (isMain) {
        const raw = new SharedArrayBuffer(16);
        const words = new Int32Array(raw, 4, 3);
        const { port1, port2 } = new MessageChannel();
        const got = new Promise((r) => port1.once("message", r));
        assert.throws(() => new Thread({ target: work, args: [{ memory: new Map(), ports: [port2, { again: port2 }] }, raw] }).start(), (e: any) => e instanceof DataCloneError && e.path === "args[0].ports[0]");
        const ports = transfer([port2, { again: port2 }] as [MessagePort, { again: MessagePort }], [port2]);
        const t = new Thread({ target: work, args: [{ memory: new Map([["words", [words]]]), ports }, raw] });
        t.start();
        assert.equal(new Int32Array(await got as SharedArrayBuffer)[2], 5);
        await t.join();
        assert.equal(words[1], 5);
        const channel = new MessageChannel();
        const said = new Promise((r) => channel.port1.once("message", r));
        const sub = new Sub(transfer(channel.port2, [channel.port2]), raw);
        sub.start();
        assert.equal(await said, "sub");
        await sub.join();
        assert.equal(new Int32Array(raw)[0], 9);
        console.log("done");
      }
    `);
  });

  it("bounds timeouts, and joins from many threads at once", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Event, Thread, TIMEOUT_MAX } from "heddle/threading";
      import { Queue } from "heddle/queue";
      function waits(go: Event) { go.waitSync(); }
      async function joins(t: Thread, out: Queue, blocking: boolean) {
        blocking ? t.joinSync() : await t.join();
        out.putSync(t.isAlive());
      }
      if (isMain) {
        assert.equal(TIMEOUT_MAX, 9_223_372_036_000);
        const [go, out] = [new Event(), new Queue()];
        const t = new Thread({ target: waits, args: [go] });
        t.start();
        for (const timeout of [NaN, TIMEOUT_MAX + 1024]) {
          assert.throws(() => t.joinSync({ timeout }), RangeError);
          await assert.rejects(t.join({ timeout }), RangeError);
        }
        assert.throws(() => t.joinSync({ timeout: "5" as any }), TypeError);
        for (const timeout of [0, -1, -Infinity]) { t.joinSync({ timeout }); await t.join({ timeout }); }
        const start = performance.now();
        t.joinSync({ timeout: 30 });
        assert.ok(performance.now() - start >= 29.5);
        assert.equal(t.isAlive(), true);
        const joiners = [true, false, true].map((blocking) => new Thread({ target: joins, args: [t as any, out, blocking] }));
        for (const j of joiners) j.start();
        const own = [t.join(), t.join({ timeout: TIMEOUT_MAX }), t.join({ timeout: Infinity, signal: new AbortController().signal })];
        const abort = new AbortController();
        const given = t.join({ signal: abort.signal });
        abort.abort(new Error("stop"));
        await assert.rejects(given, /stop/);
        go.set();
        await Promise.all(own);
        for (const _ of joiners) assert.equal(await out.get(), false);
        for (const j of joiners) await j.join();
        console.log("done");
      }
    `);
  });

  it("gives the record of a thread back that nobody can know any more", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      import { getEnvironmentData } from "node:worker_threads";
      import { isMain } from "heddle";
      import { enumerate, Thread } from "heddle/threading";
      function nothing() {}
      const top = () => new Int32Array(getEnvironmentData("heddle.heap") as any)[1]!;
      if (isMain) {
        setFlagsFromString("--expose-gc");
        const gc = runInNewContext("gc") as () => void;
        /** Collects until the heap takes no more than before, for a while at most. */
        const settles = async (make: () => Promise<void> | void, words: number) => {
          let grown = Infinity;
          for (let i = 0; i < 20 && grown > words; i++) {
            gc();
            await new Promise((r) => setTimeout(r, 10));
            const before = top();
            await make();
            grown = top() - before;
          }
          assert.ok(grown <= words, "it still grows by " + grown);
        };
        const unstarted = () => { for (let i = 0; i < 2000; i++) new Thread({ name: "never started " + i }); };
        const started = async () => {
          const threads = Array.from({ length: 2 }, () => new Thread({ target: nothing }));
          for (const t of threads) t.start();
          for (const t of threads) await t.join();
        };
        unstarted();
        await settles(unstarted, 100);
        await started();
        await settles(started, 20);
        assert.equal(enumerate().length, 1);
        // One that is held is as it was.
        const kept = new Thread({ target: nothing, name: "kept" });
        kept.start();
        await kept.join();
        gc();
        await started();
        assert.deepEqual([kept.name, kept.isAlive(), typeof kept.ident], ["kept", false, "number"]);
        console.log("done");
      }
    `);
  });
});
