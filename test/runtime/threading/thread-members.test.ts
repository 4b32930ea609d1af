/** What CPython's tests of threads demand, as far as the other files here do not: `ThreadTests`, `TestExcepthook`. */
import assert from "node:assert/strict";
import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { isMain, DataCloneError, RuntimeError } from "heddle";
import { activeCount, currentThread, enumerate, excepthook, mainThread, setExcepthook, Thread, Timer } from "heddle/threading";
function nothing() {}
`;

describe("Thread, as CPython tests it", function () {
  this.timeout(60_000);
  const options = { timeout: 50_000 };

  it("is not in enumerate any more when join has returned, in either form", () =>
    expectScript(
      `${head}
if (isMain) {
  for (let round = 0; round < 8; round++) {
    const thread = new Thread({ target: nothing });
    assert.deepEqual(enumerate(), [mainThread()]);
    thread.start();
    if (round < 4) thread.joinSync(); else await thread.join();
    assert.ok(!enumerate().includes(thread));
    assert.equal(activeCount(), 1);
  }
  console.log("done");
}`,
      options,
    ));

  it("leaves nothing behind when it cannot be started, and can be started when that is mended", () =>
    expectScript(
      `${head}
class Given extends Thread {
  what: unknown = Symbol("no thread can have it");
  override run() { if (this.what !== 5) throw new Error(String(this.what)); }
}
if (isMain) {
  const thread = new Given();
  assert.throws(() => thread.start(), DataCloneError);
  assert.deepEqual([thread.isAlive(), thread.ident, thread.nativeId, activeCount()], [false, null, null, 1]);
  assert.throws(() => thread.joinSync(), RuntimeError);
  thread.what = 5;
  thread.start();
  const { ident, nativeId } = thread;
  thread.joinSync();
  assert.deepEqual([thread.ident, thread.nativeId, thread.isAlive()], [ident, nativeId, false]);
  assert.throws(() => thread.start(), RuntimeError);
  console.log("done");
}`,
      options,
    ));

  it("runs where it is called when run is, without a start", () =>
    expectScript(
      `${head}
if (isMain) {
  const seen: unknown[] = [];
  class Mine extends Thread { override run() { seen.push(currentThread(), this.ident, this.isAlive()); } }
  new Mine().run();
  assert.deepEqual(seen, [mainThread(), null, false]);
  const thread = new Thread({ target: Math.max, args: [1, 3, 2] as never });
  assert.equal(thread.run(), 3);
  assert.equal(new Thread().run(), undefined);
  console.log("done");
}`,
      options,
    ));

  it("is the main thread at the end of the program, too", () =>
    expectScript(
      `${head}
if (isMain) {
  const main = mainThread();
  assert.deepEqual([main.isAlive(), main.daemon, main.name], [true, false, "MainThread"]);
  assert.throws(() => main.start(), RuntimeError);
  assert.throws(() => { main.daemon = true; }, RuntimeError);
  process.on("exit", () => {
    assert.equal(mainThread(), main);
    assert.equal(currentThread(), main);
    assert.equal(main.isAlive(), true);
    assert.deepEqual(enumerate(), [main]);
    console.log("done");
  });
}`,
      options,
    ));

  it("has a hook for errors that can be called with what is not known, and hooks that call the first one", () =>
    expectScript(
      `${head}
function fails() { throw new RangeError("of a thread"); }
if (isMain) {
  excepthook({ excType: TypeError, excValue: new TypeError("of nobody"), thread: null });
  let seen: unknown[] = [];
  setExcepthook((args) => { seen = [args.excType, (args.excValue as Error).message, args.thread]; excepthook(args); });
  const thread = new Thread({ target: fails, name: "T" });
  thread.start();
  thread.joinSync();
  assert.deepEqual(seen, [RangeError, "of a thread", thread]);
  assert.throws(() => setExcepthook(5 as never), TypeError);
  setExcepthook(null);
  const timer = new Timer(1, fails, { name: "timer" });
  timer.start();
  timer.joinSync();
  assert.equal(seen.length, 3);
  console.log("done");
}`,
      options,
    ).then(({ stderr }) => {
      const heads = stderr.split("\n").filter((line) => !/^\s+at /.test(line) && line !== "");
      assert.deepEqual(heads, [
        "Exception in thread (unknown):",
        "TypeError: of nobody",
        "Exception in thread T:",
        "RangeError: of a thread",
        '    --- in thread "T" ---',
        "Exception in thread timer:",
        "RangeError: of a thread",
      ]);
    }));
});
