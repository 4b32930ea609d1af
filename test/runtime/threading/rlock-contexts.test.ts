/** To whom an RLock belongs when several chains of promises of one thread want it. */
import assert from "node:assert/strict";
import { beginContext, runInContext } from "../../../src/runtime/core/async-context.js";
import { RuntimeError } from "../../../src/runtime/core/errors.js";
import { RLock } from "../../../src/runtime/threading/rlock.js";
import { releaseSave, restore, restoreSync } from "../../../src/runtime/threading/rlock-base.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("RLock among the contexts of a thread", () => {
  it("belongs to the context that awaited it, with all that it awaits in turn", async () => {
    const lock = new RLock();
    const seen: string[] = [];
    let goOn = (): void => {};
    const tried = new Promise<void>((resolve) => (goOn = resolve));
    const first = runInContext(async () => {
      await lock.acquire();
      await turn();
      await (async () => {
        await turn();
        await lock.acquire();
        assert.equal(lock.depth(), 2);
        lock.release();
      })();
      await tried;
      seen.push("first");
      assert.equal(lock.isOwned(), true);
      lock.release();
    });
    const second = runInContext(async () => {
      assert.equal(lock.isOwned(), false);
      assert.equal(lock.depth(), 0);
      assert.throws(() => lock.release(), RuntimeError);
      assert.throws(() => lock.acquireSync(), /owned by another async context of this thread/);
      assert.throws(() => lock.holdSync(), RuntimeError);
      assert.equal(lock.acquireSync({ blocking: false }), false);
      assert.equal(lock.acquireSync({ timeout: 5 }), false);
      assert.equal(await lock.acquire({ timeout: 5 }), false);
      goOn();
      await lock.acquire();
      seen.push("second");
      lock.release();
    });
    await Promise.all([first, second]);
    assert.deepEqual(seen, ["first", "second"]);
    assert.equal(lock.owner, null);
  });

  it("belongs to all of the thread when it was taken by a blocking form", async () => {
    const lock = new RLock();
    runInContext(() => lock.acquireSync());
    await runInContext(async () => {
      assert.equal(lock.isOwned(), true);
      await lock.acquire();
      assert.equal(lock.depth(), 2);
      lock.release();
    });
    assert.equal(lock.depth(), 1);
    lock.release();
    assert.equal(lock.locked(), false);
  });

  it("stays with its context when that takes it again by a blocking form", async () => {
    const lock = new RLock();
    await runInContext(async () => {
      await lock.acquire();
      lock.acquireSync();
      assert.equal(lock.depth(), 2);
    });
    assert.equal(lock.isOwned(), false, "the second time did not make it the thread's");
    assert.throws(() => lock.release(), RuntimeError);
  });

  it("does not pass to what a pool's worker does next", async () => {
    const lock = new RLock();
    await lock.acquire();
    beginContext();
    assert.equal(lock.isOwned(), false);
    assert.throws(() => lock.release(), RuntimeError);
  });

  it("excludes: many contexts, deep, in random order", async () => {
    const lock = new RLock();
    let inside = 0;
    let had = 0;
    let state = 12345;
    const random = () => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state / 0x80000000;
    };
    const chain = async () => {
      for (let i = 0; i < 60; i++) {
        const way = random();
        if (way < 0.2) {
          const abort = new AbortController();
          setImmediate(() => abort.abort("enough"));
          const have = await lock.acquire({ signal: abort.signal }).catch((reason) => {
            assert.equal(reason, "enough");
            return false;
          });
          if (!have) continue;
        } else if (way < 0.4) {
          if (!(await lock.acquire({ timeout: random() }))) continue;
        } else await lock.acquire();
        assert.equal(inside++, 0);
        const depth = 1 + Math.floor(random() * 3);
        for (let d = 1; d < depth; d++) await lock.acquire();
        assert.equal(lock.depth(), depth);
        if (random() < 0.3) await turn();
        inside--;
        had++;
        for (let d = 0; d < depth; d++) lock.release();
      }
    };
    await Promise.all(Array.from({ length: 12 }, () => runInContext(chain)));
    assert.ok(had >= 12, `${had}`);
    assert.equal(lock.locked(), false);
  });

  it("can be let go of wholly and had back, for the same owner and as deep", async () => {
    const lock = new RLock();
    assert.throws(() => lock[releaseSave](), RuntimeError);
    for (let i = 0; i < 5; i++) lock.acquireSync();
    const ofThread = lock[releaseSave]();
    assert.equal(lock.locked(), false);
    await runInContext(async () => {
      await lock.acquire();
      await lock.acquire();
      const ofContext = lock[releaseSave]();
      assert.equal(lock.locked(), false);
      assert.throws(() => lock[releaseSave](), RuntimeError);
      lock[restoreSync](ofThread);
      assert.equal(lock.depth(), 5);
      const waiting = lock[restore](ofContext);
      for (let i = 0; i < 5; i++) lock.release();
      await waiting;
      assert.equal(lock.depth(), 2);
      lock.release();
      lock.release();
    });
    assert.equal(lock.locked(), false);
  });
});
