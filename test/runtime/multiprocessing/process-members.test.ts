/** What CPython's tests of processes demand, as far as the other files here do not: `_TestProcess`, `TestSubclassing`. */
import assert from "node:assert/strict";
import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { isMain, RuntimeError } from "heddle";
import * as mp from "heddle/multiprocessing";
import { Process } from "heddle/multiprocessing";
import { getNativeId, mainThread, Thread } from "heddle/threading";
import { writeSync } from "node:fs";
const say = (text: string) => writeSync(1, text + "\\n");
function nop() {}
function sleeps() { return new Promise((resolve) => setTimeout(resolve, 600_000)); }
`;

describe("Process, as CPython tests it", function () {
  this.timeout(60_000);
  const options = { timeout: 50_000 };

  it("has its members in the main process, before and after the end, and shows where it stands", () =>
    expectScript(
      `${head}
if (isMain) {
  const me = mp.currentProcess();
  assert.deepEqual([me.name, me.daemon, me.exitCode, me.pid, me.ident, me.isAlive()], ["MainProcess", false, null, process.pid, process.pid, true]);
  assert.match(inspect(me), /^<Process name='MainProcess' pid=\\d+ started>$/);
  assert.deepEqual([new Process().daemon, new Process({ daemon: true }).daemon, new Process({ daemon: false }).daemon], [false, true, false]);
  assert.throws(() => new Process<any>({ target: nop, args: 5 as any }), /args must be an array/);
  assert.throws(() => new Process({ name: 5 as any }), /name must be a string/);
  const empty = new Process({ name: "empty" });
  assert.equal(inspect(empty), "<Process name='empty' initial>");
  empty.start(); await empty.join();
  assert.equal(empty.exitCode, 0);
  assert.match(inspect(empty), /^<Process name='empty' pid=\\d+ stopped exitcode=0>$/);
  const p = new Process({ target: sleeps });
  p.start();
  const { pid, sentinel } = p;
  assert.match(inspect(p), /^<Process name='Process-\\d+' pid=\\d+ started>$/);
  assert.equal(p.sentinel, sentinel);
  assert.deepEqual(mp.waitSync([sentinel], { timeout: 0 }), []);
  p.terminate();
  assert.deepEqual(mp.waitSync([sentinel]), [sentinel]);
  p.joinSync();
  // It keeps what it was, and to end it again is no error.
  p.terminate(); p.kill();
  assert.deepEqual([p.pid, p.ident, p.exitCode, p.isAlive(), p.sentinel === sentinel], [pid, pid, -15, false, true]);
  assert.deepEqual(await mp.wait([sentinel]), [sentinel]);
  assert.throws(() => p.start(), RuntimeError);
  p.close();
  assert.equal(inspect(p), "<Process name='Process-" + /Process-(\\d+)/.exec(inspect(p))![1] + "' closed>");
  for (const use of [() => p.terminate(), () => p.ident, () => p.sentinel, () => p.start()]) assert.throws(use, RangeError);
  await assert.rejects(p.join(), RangeError);
  console.log("done");
}`,
      options,
    ));

  it("has its members in the child: name, key, daemon, its own main thread; and no children of its parent", () =>
    expectScript(
      `${head}
function look(parentsThread: number, name: string, daemon: boolean, key: string) {
  const me = mp.currentProcess();
  assert.deepEqual([me.name, me.daemon, me.pid, me.exitCode, me.isAlive()], [name, daemon, process.pid, null, true]);
  assert.equal(Buffer.from(me.authkey).toString("hex"), key);
  assert.deepEqual(mp.activeChildren(), []);
  assert.equal(mainThread().nativeId, getNativeId());
  assert.notEqual(getNativeId(), parentsThread);
  const parent = mp.parentProcess()!;
  assert.deepEqual([parent.name, parent.pid, parent.ident, parent.isAlive()], ["MainProcess", process.ppid, process.ppid, true]);
  for (const use of [() => parent.terminate(), () => parent.kill(), () => parent.start(), () => me.terminate()]) assert.throws(use, RuntimeError);
  // A daemon's processes would be daemons, could it have any.
  assert.equal(new Process().daemon, daemon);
}
if (isMain) {
  const key = Buffer.from(mp.currentProcess().authkey).toString("hex");
  const other = new Process({ target: sleeps, daemon: true });
  other.start();
  for (const daemon of [true, false]) {
    const p = new Process({ target: look, args: [getNativeId(), "it " + daemon, daemon, key], name: "it " + daemon, daemon });
    p.start(); p.joinSync();
    assert.equal(p.exitCode, 0);
  }
  assert.deepEqual(mp.activeChildren(), [other]);
  console.log("done");
}`,
      options,
    ));

  it("waits in the child for its threads, but daemons, and runs its exit handlers unless it is terminated", () =>
    expectScript(
      `${head}
async function slow() { await new Promise((resolve) => setTimeout(resolve, 200)); say("thread ended"); }
function works(how: string) {
  process.on("exit", (code) => say(how + " exits with " + code));
  new Thread({ target: sleeps, daemon: true }).start();
  if (how === "returns") new Thread({ target: slow }).start();
  if (how === "throws") throw new Error("it");
  if (how === "exits") process.exit(8);
  if (how === "waits") { say("waiting"); return sleeps(); }
  return null;
}
if (isMain) {
  for (const [how, code] of [["returns", 0], ["throws", 1], ["exits", 8]] as const) {
    const p = new Process({ target: works, args: [how] });
    p.start(); await p.join();
    assert.equal(p.exitCode, code);
  }
  const p = new Process({ target: works, args: ["waits"] });
  p.start(); p.terminate(); p.joinSync();
  assert.equal(p.exitCode, -15);
  console.log("done");
}`,
      options,
    ).then(({ stdout, stderr }) => {
      const lines = stdout.split("\n").filter((line) => line !== "waiting");
      assert.deepEqual(lines.slice(0, -2), [
        "thread ended",
        "returns exits with 0",
        "throws exits with 1",
        "exits exits with 8",
      ]);
      assert.match(stderr, /^Process Process-2:\nError: it\n/);
    }));

  it("ends many at once by either signal, and each of them tells so", () =>
    expectScript(
      `${head}
if (isMain) {
  const all = Array.from({ length: 4 }, () => new Process({ target: sleeps }));
  for (const p of all) p.start();
  assert.deepEqual(new Set(mp.activeChildren()), new Set(all));
  all.forEach((p, i) => i % 2 ? p.kill() : p.terminate());
  for (const p of all) p.joinSync();
  assert.deepEqual(all.map((p) => p.exitCode), [-15, -9, -15, -9]);
  assert.deepEqual(mp.activeChildren(), []);
  console.log("done");
}`,
      options,
    ));

  it("is what os.fork names, which throws: a Node process cannot be forked", () =>
    expectScript(
      `${head}
import { os } from "heddle";
for (const fork of [os.fork, () => os.fork()]) {
  assert.throws(() => fork(), (error: any) => error instanceof RuntimeError && /cannot be forked: use Process or Pool of heddle\\/multiprocessing, or an executor of heddle\\/futures/.test(error.message));
}
console.log("done");`,
      options,
    ));
});
