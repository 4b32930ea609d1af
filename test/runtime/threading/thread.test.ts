import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dist, expectScript, runScript, testNode } from "../../harness/run-script.js";

describe("Thread", function () {
  this.timeout(60_000);

  it("runs targets, has Python's members, and is known to all threads", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain, RuntimeError } from "heddle";
      import { Thread, Lock, currentThread, mainThread, enumerate, activeCount, getIdent, getNativeId } from "heddle/threading";
      import { Queue } from "heddle/queue";

      function report(q: Queue, gate: Lock) {
        const me = currentThread();
        q.putSync({
          name: me.name, ident: me.ident, nativeId: me.nativeId, own: [getIdent(), getNativeId()], daemon: me.daemon,
          main: [mainThread().name, mainThread().ident], alive: me.isAlive(), isMain, count: activeCount(),
          self: q.name, argv: process.argv[1]!.endsWith("script.ts"),
        });
        gate.acquireSync();
        gate.release();
      }

      if (isMain) {
        assert.equal(currentThread(), mainThread());
        assert.equal(mainThread().name, "MainThread");
        assert.equal(mainThread().ident, 1);
        assert.equal(mainThread().daemon, false);
        const q = new Queue({ name: "reports" });
        const gate = new Lock();
        gate.acquireSync();
        const t = new Thread({ target: report, args: [q, gate] });
        assert.equal(t.name, "Thread-1 (report)");
        assert.equal(new Thread().name, "Thread-2");
        assert.equal(t.ident, null);
        assert.equal(t.nativeId, null);
        assert.equal(t.isAlive(), false);
        assert.throws(() => t.joinSync(), RuntimeError);
        await assert.rejects(t.join(), RuntimeError);
        assert.throws(() => currentThread().joinSync(), RuntimeError);
        t.start();
        assert.throws(() => t.start(), RuntimeError);
        assert.throws(() => { t.daemon = true; }, RuntimeError);
        assert.equal(t.isAlive(), true);
        const said = q.getSync();
        assert.deepEqual(said, {
          name: "Thread-1 (report)", ident: t.ident, nativeId: t.nativeId, own: [t.ident, t.nativeId], daemon: false,
          main: ["MainThread", 1], alive: true, isMain: false, count: 2, self: "reports", argv: true,
        });
        assert.deepEqual(enumerate(), [mainThread(), t]);
        t.joinSync({ timeout: 20 });
        assert.equal(t.isAlive(), true);
        await t.join({ timeout: -5 });
        await assert.rejects(t.join({ signal: AbortSignal.abort(new Error("no")) }), /no/);
        gate.release();
        t.joinSync();
        assert.equal(t.isAlive(), false);
        await t.join();
        t.joinSync();
        assert.equal(activeCount(), 1);
        t.name = "renamed";
        assert.equal(t.name, "renamed");
        console.log("done");
      }
    `);
  });

  it("runs subclasses on a copy of their fields", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Thread, currentThread } from "heddle/threading";
      import { Queue } from "heddle/queue";

      let made = 0;
      class Worker extends Thread {
        count = 0;
        constructor(readonly out: Queue, readonly list: number[]) { super({ name: "mine", daemon: true }); made++; }
        override run() {
          this.count++;
          this.list.push(3);
          this.out.putSync([this.list, made, currentThread() === this, this instanceof Worker, this.name, this.daemon]);
        }
      }
      if (isMain) {
        const out = new Queue();
        const w = new Worker(out, [1, 2]);
        w.start();
        await w.join();
        assert.deepEqual(await out.get(), [[1, 2, 3], 0, true, true, "mine", true]);
        assert.equal(w.count, 0);
        assert.deepEqual(w.list, [1, 2]);
        console.log("done");
      }
    `);
  });

  it("tells errors on stderr, or to the hook before join returns", async () => {
    const { stderr } = await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { Thread, setExcepthook } from "heddle/threading";

      class Odd extends Error { constructor(readonly code2: number) { super("odd"); } }
      function fail(how: string) {
        if (how === "throw") throw new Odd(7);
        if (how === "reject") return Promise.reject(new Odd(8));
        if (how === "later") return new Promise(() => setImmediate(() => { throw new Odd(9); }));
        if (how === "exit") process.exit(3);
        return null;
      }
      if (isMain) {
        for (const how of ["throw", "reject", "later", "exit"]) {
          const t = new Thread({ target: fail, args: [how], name: "T-" + how });
          t.start();
          t.joinSync();
          assert.equal(t.isAlive(), false);
        }
        const seen: unknown[] = [];
        setExcepthook((args) => seen.push(args));
        const threads = ["throw", "reject", "later"].map((how) => new Thread({ target: fail, args: [how] }));
        for (const t of threads) t.start();
        threads[0]!.joinSync();
        assert.equal(seen.length >= 1, true);
        for (const t of threads) await t.join();
        assert.equal(seen.length, 3);
        for (const [i, t] of threads.entries()) {
          const args: any = seen.find((each: any) => each.thread === t);
          assert.equal(args.excType, Odd);
          assert.ok(args.excValue instanceof Odd);
          assert.equal(args.excValue.code2, 7 + i);
        }
        setExcepthook(null);
        const t = new Thread({ target: fail, args: ["throw"], name: "last" });
        t.start();
        await t.join();
        assert.equal(seen.length, 3);
        console.log("done");
      }
    `);
    const heads = [...stderr.matchAll(/^Exception in thread (\S+):\n(\w+): odd$/gm)].map((match) => match.slice(1));
    assert.deepEqual(heads, [
      ["T-throw", "Odd"],
      ["T-reject", "Odd"],
      ["T-later", "Odd"],
      ["last", "Odd"],
    ]);
    assert.match(stderr, /script\.ts:8/);
  });

  it("keeps the program alive for threads, not for daemons, also when their starter is gone", async () => {
    const result = await runScript(`
      import { isMain } from "heddle";
      import { Thread } from "heddle/threading";
      async function child(ms: number, text: string) {
        await new Promise((r) => setTimeout(r, ms));
        console.log(text);
      }
      function parent() {
        new Thread({ target: child, args: [150, "grandchild"] }).start();
        new Thread({ target: child, args: [60_000, "daemon of a thread"], daemon: true }).start();
        console.log("parent ends");
      }
      if (isMain) {
        new Thread({ target: parent }).start();
        new Thread({ target: child, args: [60_000, "daemon"], daemon: true }).start();
      }
    `);
    assert.equal(result.timedOut, false, result.stdout + result.stderr);
    assert.equal(result.code, 0);
    assert.equal(result.stdout, "parent ends\ngrandchild\n");
  });

  it("explains a thread that is started while the script is imported", async () => {
    const result = await runScript(`
      import { Thread } from "heddle/threading";
      function work() { console.log("never"); }
      new Thread({ target: work }).start();
    `);
    assert.equal(result.code, 0);
    assert.match(result.stderr, /RuntimeError: .*before the current thread has finished importing/);
    assert.match(result.stderr, /if \(isMain\)/);
    assert.doesNotMatch(result.stdout, /never/);
  });

  it("takes functions by reference, and explains closures", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import fs from "node:fs";
      import { DataCloneError, isMain } from "heddle";
      import { Thread } from "heddle/threading";
      import { Queue } from "heddle/queue";
      import helper, { other } from "./helper.ts";

      const arrow = (q: Queue) => q.putSync("arrow");
      const expression = async function (q: Queue) { q.putSync("expression " + inner()); };
      function inner() { return "inner"; }
      export default class Holder { static make(q: Queue) { q.putSync("static"); } }

      function refused(target: any): DataCloneError {
        try { new Thread({ target }); } catch (error) { assert.ok(error instanceof DataCloneError); return error; }
        assert.fail("it was taken");
      }
      if (isMain) {
        const q = new Queue();
        const pure = [(q: any) => q.putSync("pure " + Math.max(1, 2)), function (q: any) { const f = (x: number) => x + 1; q.putSync("own " + f(1)); }];
        const run = async (target: any) => {
          const t = new Thread({ target, args: [q] });
          t.start();
          await t.join();
          return q.getNowait();
        };
        assert.equal(await run(arrow), "arrow");
        assert.equal(await run(expression), "expression inner");
        assert.equal(await run(other), "other hidden");
        assert.equal(await run(helper), "default");
        assert.equal(await run(pure[0]), "pure 2");
        assert.equal(await run(pure[1]), "own 2");
        assert.equal(await run(Holder.make), "static");
        const factor = 3, unused = 1;
        const closure = refused(function scale(x: number) { return x * factor; });
        assert.equal(closure.functionName, "scale");
        assert.deepEqual(closure.variables, ["factor"]);
        assert.match(closure.message, /top level.*'factor'/);
        assert.deepEqual(refused(() => inner()).variables, ["inner"]);
        assert.ok(refused(inner.bind(null)));
        new Thread({ target: fs.existsSync as any });
        new Thread({ target: Math.max as any });
        assert.throws(() => new Thread({ target: 3 as any }), TypeError);
        const t = new Thread({ target: arrow, args: [{ socket: { on() {} } } as any] });
        assert.throws(() => t.start(), (e: any) => e instanceof DataCloneError && e.path === "args[0].socket.on");
        console.log("done");
      }
    `,
      {
        files: {
          "helper.ts": `import type { Queue } from "heddle/queue";
            const hidden = "hidden";
            function secret(q: Queue) { q.putSync("other " + hidden); }
            export { secret as other };
            export default (q: Queue) => q.putSync("default");`,
        },
      },
    );
  });

  it("moves buffers and ports, and shares SharedArrayBuffers", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain, transfer } from "heddle";
      import { Thread } from "heddle/threading";
      import { MessageChannel, type MessagePort } from "node:worker_threads";
      function work(shared: SharedArrayBuffer, port: MessagePort, moved: Uint8Array) {
        Atomics.store(new Int32Array(shared), 0, moved[2]!);
        port.postMessage("from the thread");
        port.close();
      }
      if (isMain) {
        const shared = new SharedArrayBuffer(4);
        const { port1, port2 } = new MessageChannel();
        const moved = new Uint8Array([1, 2, 3]);
        const got = new Promise((r) => port1.once("message", r));
        const t = new Thread({ target: work, args: [shared, transfer(port2, [port2]), transfer(moved, [moved.buffer])] });
        t.start();
        assert.equal(moved.length, 0);
        assert.equal(await got, "from the thread");
        await t.join();
        assert.equal(new Int32Array(shared)[0], 3);
        console.log("done");
      }
    `);
  });

  it("shows output at once while the main thread blocks, and whole", async () => {
    const result = await runScript(`
      import { isMain } from "heddle";
      import { Thread } from "heddle/threading";
      function shout(letter: string) {
        for (let i = 0; i < 200; i++) console.log(letter.repeat(2000));
        process.stderr.write("end " + letter + "\\n");
      }
      if (isMain) {
        const threads = ["a", "b", "c"].map((each) => new Thread({ target: shout, args: [each] }));
        for (const t of threads) t.start();
        for (let i = 0; i < 200; i++) process.stdout.write("m".repeat(3000) + "\\n");
        for (const t of threads) t.joinSync();
        const before = "main was blocked";
        console.log(before);
      }
    `);
    assert.equal(result.code, 0, result.stderr);
    const lines = result.stdout.trimEnd().split("\n");
    assert.equal(lines.pop(), "main was blocked");
    assert.equal(lines.length, 800);
    for (const line of lines) assert.match(line, /^(a{2000}|b{2000}|c{2000}|m{3000})$/);
    assert.equal((result.stderr.match(/^end [abc]$/gm) ?? []).length, 3);
  });

  it("works in a plain script without the loader", async () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle plain ü-"));
    try {
      for (const [name, head] of [
        [
          "a.mjs",
          `import { Thread } from "${dist}/entry/threading.mjs"; import { Queue } from "${dist}/entry/queue.mjs"; import { isMain } from "${dist}/entry/index.mjs";`,
        ],
        [
          "b.cjs",
          `const { Thread } = require("${dist}/entry/threading.cjs"); const { Queue } = require("${dist}/entry/queue.cjs"); const { isMain } = require("${dist}/entry/index.cjs");`,
        ],
      ] as const) {
        writeFileSync(
          join(folder, name),
          `${head}
          function work(q) { q.putSync(helper()); }
          const helper = () => "helped";
          const arrow = (q) => q.putSync("arrow " + helper());
          if (isMain) {
            const q = new Queue();
            for (const target of [work, arrow]) { const t = new Thread({ target, args: [q] }); t.start(); t.joinSync(); }
            console.log(q.getSync(), q.getSync());
          }`,
        );
        const { stdout, stderr } = spawnSync(testNode, [join(folder, name)], { encoding: "utf8", timeout: 20_000 });
        assert.equal(stdout, "helped arrow helped\n", stderr);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
