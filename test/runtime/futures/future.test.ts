import { expectScript } from "../../harness/run-script.js";

describe("Future, wait and asCompleted", function () {
  this.timeout(60_000);

  it("has Python's states, errors and callbacks", async () => {
    const { stderr } = await expectRun(`
      const f = new Future<number>();
      assert.deepEqual([f.done(), f.running(), f.cancelled()], [false, false, false]);
      const order: string[] = [];
      f.addDoneCallback(() => { order.push("a"); throw new Error("callback one"); });
      f.addDoneCallback(async () => { order.push("b"); throw new Error("callback two"); });
      assert.equal(f.setRunningOrNotifyCancel(), true);
      assert.equal(f.running(), true);
      assert.equal(f.cancel(), false);
      assert.throws(() => f.setRunningOrNotifyCancel(), RuntimeError);
      f.setResult(7);
      f.addDoneCallback((self) => { assert.equal(self, f); order.push("c"); });
      assert.deepEqual(order, ["a", "b", "c"]);
      assert.throws(() => f.setResult(8), InvalidStateError);
      assert.throws(() => f.setException(new Error()), InvalidStateError);
      assert.deepEqual([await f, await f.result(), f.resultSync({ timeout: 0 }), f.exceptionSync(), await f.exception()], [7, 7, 7, null, null]);

      const c = new Future();
      const waited = c.result();
      assert.equal(c.cancel(), true);
      assert.equal(c.cancel(), true);
      assert.deepEqual([c.cancelled(), c.done(), c.running()], [true, true, false]);
      await assert.rejects(waited, CancelledError);
      assert.throws(() => c.resultSync(), CancelledError);
      await assert.rejects(c.exception(), CancelledError);
      assert.equal(c.setRunningOrNotifyCancel(), false);
      assert.throws(() => c.setResult(1), InvalidStateError);

      // Nobody asks for this error: the process lives on.
      const failed = new Future();
      failed.setException(new RangeError("x"));
      assert.ok((await failed.exception()) instanceof RangeError);
      assert.throws(() => failed.resultSync(), RangeError);
      assert.equal(await failed.then(null, () => "caught"), "caught");
    `);
    for (const text of ["callback one", "callback two"]) {
      if (!stderr.includes(text)) throw new Error(`the callback's error was not logged: ${stderr}`);
    }
  });

  it("gives up waiting by timeout and signal, and refuses a wait that cannot end", async () => {
    await expectRun(`
      const f = new Future();
      assert.throws(() => f.resultSync(), RuntimeError);
      assert.throws(() => f.resultSync({ timeout: 1 }), TimeoutError);
      assert.throws(() => f.resultSync({ timeout: -1 }), TimeoutError);
      assert.throws(() => f.resultSync({ timeout: NaN }), RangeError);
      assert.throws(() => f.resultSync({ timeout: "1" as never }), TypeError);
      await assert.rejects(f.result({ timeout: 0 }), TimeoutError);
      await assert.rejects(f.result({ timeout: 5 }), TimeoutError);
      await assert.rejects(f.result({ timeout: NaN }), RangeError);
      await assert.rejects(f.result({ signal: AbortSignal.abort(new Error("before")) }), /before/);
      const abort = new AbortController();
      const waiting = f.result({ signal: abort.signal, timeout: 2 ** 40 });
      abort.abort(new Error("meanwhile"));
      await assert.rejects(waiting, /meanwhile/);
      assert.throws(() => waitSync([f]), RuntimeError);
      assert.throws(() => asCompleted([f]).nextSync(), RuntimeError);
      // A huge timeout neither fires at once nor keeps the program alive once it is over.
      const g = new Future<number>();
      const late = g.result({ timeout: 1e12 });
      setTimeout(() => g.setResult(1), 5);
      assert.equal(await late, 1);
    `);
  });

  it("waits for the first, the first failure, or all", async () => {
    await expectRun(`
      const [a, b, c] = [new Future<number>(), new Future<number>(), new Future<number>()];
      const first = wait([a, b, c, a], { returnWhen: FIRST_COMPLETED });
      const failure = wait(new Set([a, b, c]), { returnWhen: FIRST_EXCEPTION });
      const all = wait([a, b, c]);
      b.setResult(1);
      const [done, notDone] = await first;
      assert.deepEqual([[...done], [...notDone]], [[b], [a, c]]);
      const timed = waitSync([a, b], { timeout: 1 });
      assert.deepEqual([[...timed.done], [...timed.notDone]], [[b], [a]]);
      c.cancel();
      a.setException(new Error("a"));
      assert.equal((await failure).done.size, 3);
      assert.equal((await all).done.size, 3);
      assert.equal(waitSync([a, b], { returnWhen: FIRST_EXCEPTION }).done.size, 2);
      assert.equal(waitSync([]).done.size, 0);
      await assert.rejects(wait([a], { returnWhen: "SOON" as never }), RangeError);
      assert.throws(() => waitSync([1 as never]), TypeError);
      const d = new Future();
      const abort = new AbortController();
      const waiting = wait([d], { signal: abort.signal });
      abort.abort(new Error("enough"));
      await assert.rejects(waiting, /enough/);
    `);
  });

  it("hands futures over in the order they get done", async () => {
    await expectRun(`
      const [a, b, c] = [new Future<number>(), new Future<number>(), new Future<number>()];
      b.setResult(2);
      const seen: number[] = [];
      setTimeout(() => c.cancel(), 1);
      setTimeout(() => a.setException(new Error("a")), 10);
      for await (const done of asCompleted([a, b, a, c])) {
        seen.push(done.index);
        if (done.future === b) assert.deepEqual([done.result(), done.exception(), done.cancelled()], [2, null, false]);
        if (done.future === c) { assert.throws(() => done.result(), CancelledError); assert.equal(done.cancelled(), true); }
        if (done.future === a) assert.throws(() => done.result(), /a/);
      }
      assert.deepEqual(seen, [1, 3, 0]);
      assert.deepEqual([...asCompleted([a, b, c]).sync()].map((x) => x.index), [0, 1, 2]);
      const d = new Future();
      const slow = asCompleted([d, b], { timeout: 20 });
      assert.equal((await slow.next()).value!.future, b);
      await assert.rejects(slow.next({ timeout: 1 }), TimeoutError);
      assert.throws(() => slow.nextSync({ timeout: 1 }), TimeoutError);
      await assert.rejects(slow.next(), /1 \\(of 2\\) futures unfinished/);
      for await (const x of asCompleted([b, d])) { assert.equal(x.future, b); break; }
      assert.deepEqual(await asCompleted([]).next(), { done: true, value: undefined });
    `);
  });

  it("keeps for the next call what is done at the moment a call is given up", async () => {
    await expectRun(`
      const late = new Future<number>();
      const futures = asCompleted([late]);
      const abort = new AbortController();
      const given = assert.rejects(futures.next({ signal: abort.signal }), /enough/);
      abort.abort(new Error("enough"));
      late.setResult(1);
      await given;
      assert.equal((await futures.next()).value?.result(), 1);
      assert.equal((await futures.next()).done, true);
    `);
  });

  function expectRun(body: string) {
    return expectScript(`
      import assert from "node:assert/strict";
      import { RuntimeError } from "heddle";
      import { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Future, asCompleted, wait, waitSync, CancelledError, InvalidStateError, TimeoutError } from "heddle/futures";
      ${body}
      console.log("done");
    `);
  }
});
