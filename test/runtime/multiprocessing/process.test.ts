import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { DataCloneError, isMain, RuntimeError } from "heddle";
import * as mp from "heddle/multiprocessing";
import { Process } from "heddle/multiprocessing";
`;

describe("Process", () => {
  it("runs a target with its arguments in a process of its own, in both forms of join", () =>
    expectScript(`${head}
function work(a: number, rest: Map<string, Date>) {
  console.log("child", a, rest.get("d")!.getTime(), process.pid !== process.ppid, isMain, process.argv.slice(2).join());
}
if (isMain) {
  for (const sync of [true, false]) {
    const p = new Process({ target: work, args: [1, new Map([["d", new Date(5)]])] });
    assert.equal(p.pid, null); assert.equal(p.ident, null); assert.equal(p.exitCode, null); assert.equal(p.isAlive(), false);
    p.start();
    assert.equal(typeof p.pid, "number"); assert.equal(p.ident, p.pid); assert.equal(p.sentinel.pid, p.pid);
    assert.equal(p.isAlive(), true); assert.equal(p.exitCode, null); assert.deepEqual(mp.activeChildren(), [p]);
    if (sync) p.joinSync(); else await p.join();
    assert.equal(p.exitCode, 0); assert.equal(p.isAlive(), false); assert.deepEqual(mp.activeChildren(), []);
    p.joinSync(); await p.join();
  }
  console.log("done");
}`).then(({ stdout, stderr }) => {
      assert.equal(stdout, "child 1 5 true false \nchild 1 5 true false \ndone\n");
      assert.equal(stderr, "");
    }));

  it("tells how it ended: code, error with its traceback, signal", () =>
    expectScript(`${head}
function exits(n: number) { process.exit(n); }
function throws() { throw new TypeError("boom", { cause: new Error("the reason") }); }
async function rejects() { await null; throw new RangeError("late"); }
function strays() { setTimeout(() => { throw new Error("stray"); }); return new Promise(() => {}); }
function sleeps() { return new Promise((r) => setTimeout(r, 60_000)); }
function hangs() { for (;;); }
function stuck() { return new Promise(() => {}); }
function sets() { process.exitCode = 7; }
const end = async (target: any, args: any[] = [], act = (_: Process) => {}) => {
  const p = new Process<any>({ target, args });
  p.start(); act(p as any); await p.join(); return p.exitCode;
};
if (isMain) {
  assert.equal(await end(exits, [0]), 0);
  assert.equal(await end(exits, [3]), 3);
  assert.equal(await end(throws), 1);
  assert.equal(await end(rejects), 1);
  assert.equal(await end(strays), 1);
  assert.equal(await end(stuck), 1);
  assert.equal(await end(sets), 7);
  assert.equal(await end(sleeps, [], (p) => p.terminate()), -15);
  assert.equal(await end(hangs, [], (p) => p.kill()), -9);
  assert.equal(await end(hangs, [], (p) => p.terminate()), -15);
  console.log("done");
}`).then(({ stderr }) => {
      assert.match(stderr, /Process Process-3:\nTypeError: boom\n {4}at throws \(.*script\.ts:8:\d+\)/);
      assert.match(stderr, /Caused by: Error: the reason/);
      assert.match(stderr, /Process Process-4:\nRangeError: late\n {4}at rejects/);
      assert.match(stderr, /Process Process-5:\nError: stray/);
      assert.match(stderr, /Process Process-6:\nRuntimeError: its run\(\) returned a promise that nothing/);
    }));

  it("tells of a promise that its target left rejected behind it", async () => {
    const { stdout, stderr } = await runScript(`${head}
function floats() { void Promise.reject(new Error("left behind")); }
async function floatsLate() { void (async () => { await null; await null; throw new Error("left late"); })(); }
if (isMain) for (const target of [floats, floatsLate]) {
  const p = new Process({ target });
  p.start();
  await p.join();
  console.log(target.name, p.exitCode);
}`);
    assert.equal(stdout, "floats 1\nfloatsLate 1\n");
    assert.match(stderr, /Process Process-1:\nError: left behind[\s\S]*Process Process-2:\nError: left late/);
  });

  it("copies the fields of a subclass, knows its names, and numbers children of children", () =>
    expectScript(`${head}
class Worker extends Process {
  constructor(readonly what: { deep: Set<number> }, name?: string) { super(name === undefined ? {} : { name }); }
  override run() {
    console.log(this.name, [...this.what.deep].join(), mp.currentProcess() === this, this instanceof Worker, mp.parentProcess()!.name, mp.parentProcess()!.pid === process.ppid, mp.parentProcess()!.isAlive());
    this.what.deep.clear();
  }
}
function nested() {
  const p = new Worker({ deep: new Set([9]) });
  p.start(); p.joinSync();
  console.log(p.exitCode);
}
if (isMain) {
  assert.equal(mp.parentProcess(), null);
  assert.equal(mp.currentProcess().name, "MainProcess");
  assert.equal(mp.currentProcess().pid, process.pid);
  assert.equal(mp.currentProcess().isAlive(), true);
  const w = new Worker({ deep: new Set([1, 2]) }); w.start(); w.joinSync();
  assert.equal(w.what.deep.size, 2);
  const named = new Worker({ deep: new Set() }, "müller"); named.start(); await named.join();
  const p = new Process({ target: nested }); p.start(); await p.join();
  p.name = "x"; assert.equal(p.name, "x");
  assert.equal(mp.cpuCount() >= 1, true);
  console.log("done");
}`).then(({ stdout }) =>
      assert.equal(
        stdout,
        "Worker-1 1,2 true true MainProcess true true\nmüller  true true MainProcess true true\n" +
          "Worker-3:1 9 true true Process-3 true true\n0\ndone\n",
      ),
    ));

  it("refuses what Python refuses", () =>
    expectScript(`${head}
import { Lock } from "heddle/threading";
function nop() {}
function sleeps() { return new Promise((r) => setTimeout(r, 60_000)); }
if (isMain) {
  const local = 1;
  const p = new Process({ target: sleeps });
  assert.throws(() => p.joinSync(), RuntimeError);
  await assert.rejects(p.join(), RuntimeError);
  assert.throws(() => p.sentinel, RangeError);
  assert.throws(() => p.terminate(), RuntimeError);
  assert.equal(p.daemon, false); p.daemon = true; assert.equal(p.daemon, true); p.daemon = false;
  p.start();
  assert.throws(() => p.start(), /cannot start a process twice/);
  assert.throws(() => { p.daemon = true; }, RuntimeError);
  assert.throws(() => p.close(), RangeError);
  const t = performance.now();
  p.joinSync({ timeout: -5 }); await p.join({ timeout: 30 });
  assert.ok(performance.now() - t < 20_000); assert.equal(p.isAlive(), true);
  const stop = new AbortController(); setTimeout(() => stop.abort(new Error("enough")), 10);
  await assert.rejects(p.join({ signal: stop.signal }), /enough/);
  p.kill(); p.joinSync();
  p.close(); p.close();
  for (const use of [() => p.pid, () => p.exitCode, () => p.isAlive(), () => p.joinSync(), () => p.start(), () => p.kill(), () => p.sentinel]) assert.throws(use, RangeError);
  assert.throws(() => new Process({ target: () => local }), (e) => e instanceof DataCloneError && e.variables.join() === "local");
  assert.throws(() => new Process<any>({ target: nop, args: [new Lock()] }).start(), (e) => e instanceof DataCloneError && /multiprocessing/.test(e.message) && e.path === "args[0]");
  assert.throws(() => new Process<any>({ target: nop, args: [{ f: () => local }] }).start(), (e) => e instanceof DataCloneError && e.path === "args[0].f");
  assert.throws(() => new Process({ target: 5 as any }), TypeError);
  assert.throws(() => mp.currentProcess().start(), RuntimeError);
  assert.throws(() => mp.currentProcess().joinSync(), RuntimeError);
  console.log("done");
}`));

  it("gives the key to its children", () =>
    expectScript(`${head}
function tell(expected: string) { if (Buffer.from(mp.currentProcess().authkey).toString("hex") !== expected) process.exit(9); }
if (isMain) {
  const key = mp.currentProcess().authkey;
  assert.equal(key.length, 32); assert.deepEqual(mp.currentProcess().authkey, key);
  const hex = (k: Uint8Array) => Buffer.from(k).toString("hex");
  const p = new Process({ target: tell, args: [hex(key)] }); p.start(); p.joinSync(); assert.equal(p.exitCode, 0);
  mp.currentProcess().authkey = new Uint8Array([1, 2, 3]);
  const q = new Process({ target: tell, args: ["010203"] }); q.start(); q.joinSync(); assert.equal(q.exitCode, 0);
  const r = new Process({ target: tell, args: ["04"] }); r.authkey = Buffer.from([4]); r.start(); r.joinSync(); assert.equal(r.exitCode, 0);
  console.log("done");
}`));

  it("starts nothing while the script is being imported, and says what to do", async () => {
    const { code, stderr } = await runScript(`
import { Process } from "heddle/multiprocessing";
function nop() {}
const p = new Process({ target: nop });
p.start();
p.joinSync();
console.log("exit", p.exitCode);
`);
    assert.equal(code, 0);
    assert.match(stderr, /An attempt has been made to start a new process before the current process has finished/);
    assert.match(stderr, /if \(isMain\)/);
  });

  it("waits at its exit for its children, but terminates daemons, which have no children", async () => {
    const { code, stdout, stderr } = await runScript(`${head}
import { appendFileSync } from "node:fs";
const say = (text: string) => appendFileSync(1, text + "\\n");
async function slow() { await new Promise((r) => setTimeout(r, 300)); say("slow ended"); }
async function daemon() { say("daemon began"); await new Promise((r) => setTimeout(r, 60_000)); say("daemon ended"); }
function parent() {
  const d = new Process({ target: daemon, daemon: true }); d.start();
  const s = new Process({ target: slow }); s.start();
  say("parent ended");
}
function fertile() { new Process({ target: slow }).start(); }
if (isMain) {
  const f = new Process({ target: fertile, daemon: true }); f.start(); f.joinSync(); say("fertile " + f.exitCode);
  const p = new Process({ target: parent }); p.start(); p.joinSync(); say("parent gone");
  new Process({ target: slow }).start();
  process.exit(4);
}`);
    assert.equal(code, 4);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .filter((line) => line !== "daemon began");
    assert.deepEqual(lines, ["fertile 1", "parent ended", "slow ended", "parent gone", "slow ended"]);
    assert.match(stderr, /daemonic processes are not allowed to have children/);
  });

  it("starts and joins from a thread, while the main thread blocks", () =>
    runScript(`${head}
import { Thread } from "heddle/threading";
function hello() { console.log("from a process"); }
function starter() { const p = new Process({ target: hello }); p.start(); p.joinSync(); console.log("joined", p.exitCode); }
function leaves() { new Process({ target: later }).start(); }
async function later() { await new Promise((r) => setTimeout(r, 200)); console.log("later"); }
if (isMain) {
  const t = new Thread({ target: starter }); t.start(); t.joinSync();
  const u = new Thread({ target: leaves }); u.start(); u.joinSync();
  console.log("done");
}`).then(({ code, stdout, stderr }) => {
      assert.equal(code, 0, stderr);
      // Nobody waits for the second one, but for the end of the program.
      const lines = stdout.trimEnd().split("\n");
      assert.deepEqual(lines.slice(0, 2), ["from a process", "joined 0"], stderr);
      assert.deepEqual(lines.slice(2).sort(), ["done", "later"], stderr);
    }));

  it("has no input, and the environment, directory and arguments of its parent", () =>
    expectScript(
      `${head}
import { readFileSync } from "node:fs";
function look(cwd: string) {
  assert.equal(readFileSync(0, "utf8"), "");
  assert.equal(process.env.CHANGED, "yes"); assert.equal(process.env.GIVEN, "1");
  assert.equal(process.cwd(), cwd); assert.deepEqual(process.argv.slice(2), ["--x", "ü"]);
}
if (isMain) {
  process.env.CHANGED = "yes"; process.chdir("/");
  const p = new Process({ target: look, args: ["/"] }); p.start(); p.joinSync(); assert.equal(p.exitCode, 0);
  console.log("done");
}`,
      { args: ["--x", "ü"], env: { GIVEN: "1" }, input: "not for the child" },
    ));
});
