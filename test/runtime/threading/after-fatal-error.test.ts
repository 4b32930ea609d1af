/**
 * An error that ends the program is told first; then the program waits for its threads and processes, as Python's does,
 * and ends with the code it had anyway.
 */
import assert from "node:assert/strict";
import { runScript } from "../../harness/run-script.js";

/** What a script prints, on both streams in the order in which it was written. */
async function run(body: string, options: Parameters<typeof runScript>[1] = {}) {
  const script = `
import { isMain } from "heddle";
import { ThreadPoolExecutor } from "heddle/futures";
import { Process } from "heddle/multiprocessing";
import { Event, setExcepthook, Thread } from "heddle/threading";
import { writeSync } from "node:fs";
/** Both streams are one here, so that the order shows. */
const say = (text: string) => writeSync(2, text + "\\n");
/** Comes to its end long after the main module has failed. */
async function slow(name: string) {
  await new Promise((resolve) => setTimeout(resolve, 300));
  say(name + " ended");
}
async function endless() { await new Promise((resolve) => setTimeout(resolve, 600_000)); }
${body}`;
  const { code, stdout, stderr, timedOut } = await runScript(script, { timeout: 60_000, ...options });
  assert.ok(!timedOut, stderr);
  return { code, stdout, stderr };
}

/** The lines that are no stack, and not Node's version. */
const lines = (text: string) => text.split("\n").filter((line) => line !== "" && !/^ {4,}at |^Node\.js v/.test(line));

describe("After an error that ends the program", function () {
  this.timeout(120_000);

  it("its processes and threads are waited for, but daemons; the error is told before, once, as Node does", async () => {
    const { code, stderr } = await run(`
if (isMain) {
  new Process({ target: slow, args: ["process"] }).start();
  new Thread({ target: slow, args: ["thread"] }).start();
  new Thread({ target: endless, daemon: true }).start();
  new Process({ target: endless, daemon: true }).start();
  throw new RangeError("the end");
}`);
    assert.equal(code, 1, stderr);
    const [place, source, caret, ...rest] = lines(stderr);
    assert.match(place!, /script\.ts:21$/);
    assert.match(source!, /throw new RangeError\("the end"\);/);
    assert.match(caret!, /^ +\^$/);
    assert.deepEqual([rest[0], ...rest.slice(1).sort()], ["RangeError: the end", "process ended", "thread ended"]);
    assert.match(stderr, /\n {4}at .*script\.ts:21:9/);
    assert.match(stderr, /\nNode\.js v\d+/);
  });

  it("the same after a rejection and in a callback, and where what was thrown is no error", async () => {
    for (const [how, told] of [
      [`await Promise.reject(new Error("rejected"));`, "Error: rejected"],
      [`setTimeout(() => { throw new Error("later"); }, 1);`, "Error: later"],
      [`setTimeout(() => { throw { code: 5 }; }, 1);`, "{ code: 5 }"],
    ]) {
      const { code, stderr } = await run(`
if (isMain) {
  new Thread({ target: slow, args: ["thread"] }).start();
  ${how}
}`);
      assert.equal(code, 1, stderr);
      assert.deepEqual(lines(stderr).slice(-2), [told, "thread ended"], stderr);
      assert.equal(stderr.split(told!).length, 2, stderr);
    }
  });

  it("threads that threads have started, their processes and their pools come to their ends", async () => {
    const { code, stderr } = await run(`
function starts() {
  new Thread({ target: slow, args: ["thread of a thread"] }).start();
  new Process({ target: slow, args: ["process of a thread"] }).start();
  new Thread({ target: endless, daemon: true }).start();
  new ThreadPoolExecutor({ maxWorkers: 1 }).submit(slow, "task of a thread");
}
if (isMain) {
  new Thread({ target: starts }).start();
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  for (const n of [1, 2]) pool.submit(slow, "task " + n);
  throw new Error("the end");
}`);
    assert.equal(code, 1, stderr);
    const ends = lines(stderr).filter((line) => line.endsWith(" ended"));
    assert.deepEqual(ends.sort(), [
      "process of a thread ended",
      "task 1 ended",
      "task 2 ended",
      "task of a thread ended",
      "thread of a thread ended",
    ]);
    assert.ok(stderr.indexOf("Error: the end") < stderr.indexOf(" ended"), stderr);
  });

  it("hooks hear of what threads throw then, and listeners run with the code and may change it", async () => {
    const { code, stdout, stderr } = await run(`
async function fails() { await new Promise((resolve) => setTimeout(resolve, 200)); throw new Error("of a thread"); }
if (isMain) {
  setExcepthook(({ excValue }) => say("hook: " + (excValue as Error).message));
  process.on("exit", (code) => { console.log("exit with", code); process.exitCode = 9; });
  new Thread({ target: fails }).start();
  throw new Error("of the program");
}`);
    assert.equal(code, 9, stderr);
    assert.equal(stdout, "exit with 1\n");
    assert.deepEqual(lines(stderr).slice(-2), ["Error: of the program", "hook: of a thread"]);
  });

  it("a process's threads, too, are waited for, behind its traceback", async () => {
    const { code, stderr } = await run(`
function fails() {
  new Thread({ target: slow, args: ["thread"] }).start();
  throw new Error("of a process");
}
if (isMain) {
  const child = new Process({ target: fails });
  child.start();
  child.joinSync();
  say("exit code " + child.exitCode);
}`);
    assert.equal(code, 0, stderr);
    assert.deepEqual(lines(stderr), ["Process Process-1:", "Error: of a process", "thread ended", "exit code 1"]);
  });

  it("nothing changes where the error is caught, where nothing is to be waited for, and for process.exit()", async () => {
    const caught = await run(`
if (isMain) {
  process.on("uncaughtException", (error) => say("caught " + error.message));
  new Thread({ target: slow, args: ["thread"] }).start();
  setTimeout(() => { throw new Error("it"); }, 1);
}`);
    assert.deepEqual([caught.code, lines(caught.stderr)], [0, ["caught it", "thread ended"]]);
    const alone = await run(`
if (isMain) {
  const thread = new Thread({ target: String });
  thread.start(); await thread.join();
  const child = new Process({ target: String });
  child.start(); await child.join();
  throw new Error("alone");
}`);
    assert.equal(alone.code, 1);
    assert.equal(alone.stderr.split("Error: alone").length, 2, alone.stderr);
    const exits = await run(`
if (isMain) {
  new Thread({ target: slow, args: ["thread"] }).start();
  process.exit(3);
}`);
    assert.deepEqual([exits.code, exits.stderr], [3, ""]);
  });

  it("a thread that waits for what the main module will never do is told of, in a trace", async () => {
    const { code, stderr } = await run(
      `
function waits(event: Event) { event.waitSync(); }
if (isMain) {
  new Thread({ target: waits, args: [new Event()] }).start();
  throw new Error("the end");
}`,
      { traced: true },
    );
    assert.equal(code, 86, stderr);
    assert.ok(stderr.includes("Error: the end"), stderr);
  });
});
