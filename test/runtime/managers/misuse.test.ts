/** What a manager is given that makes no sense: an error, as for the local classes, and nothing is left out in silence. */
import { expectScript } from "../../harness/run-script.js";

describe("What a manager is given", function () {
  this.timeout(60_000);

  it("is refused if it is an unknown option, a value in the place of options, or no sequence", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { DataCloneError, isMain } from "heddle";
      import { BaseManager, Manager, SyncManager } from "heddle/multiprocessing";

      if (isMain) {
        const manager: any = await Manager();
        const [list, dict, lock, queue, event, barrier, condition, pool] = [
          await manager.list([1]), await manager.dict({ a: 1 }), await manager.Lock(), await manager.Queue(),
          await manager.Event(), await manager.Barrier(1), await manager.Condition(), await manager.Pool({ processes: 1 }),
        ];
        await event.set();
        await condition.acquire();
        /** What is called, with what, and what the error says; by both forms. */
        const wrong: [object, string, unknown[], RegExp][] = [
          [manager, "Queue", [5], /options must be an object/],
          [manager, "Queue", [{ maxsize: 5 }], /did you mean maxSize/],
          [manager, "JoinableQueue", [5], /options must be an object/],
          [manager, "Lock", ["name"], /options must be an object/],
          [manager, "Semaphore", [1, { nam: "x" }], /no option nam/],
          [manager, "Barrier", [2, { act: 1 }], /no option act/],
          [manager, "Pool", [4], /options must be an object/],
          [manager, "Pool", [{ initArgs: 3 }], /initArgs must be an array/],
          [manager, "list", [3], /must be iterable, not 3/],
          [manager, "list", [list], /must be iterable/],
          [manager, "dict", [dict], /must be iterable/],
          [manager, "dict", [[1, 2]], /must be iterable, not 1/],
          [manager, "Namespace", [3], /attributes must be an object/],
          [manager, "Array", ["i", 3], /must be iterable, not 3/],
          [list, "extend", [3], /must be iterable, not 3/],
          [list, "extend", [{ length: 2 }], /must be iterable/],
          [list, "sort", [{ revers: true }], /did you mean reverse/],
          [dict, "update", [3], /must be iterable, not 3/],
          [queue, "join", [{ timeot: 1 }], /did you mean timeout/],
          [queue, "shutdown", [true], /options must be an object/],
          [event, "wait", [5], /options must be an object/],
          [barrier, "wait", [{ timeot: 5 }], /did you mean timeout/],
          [condition, "wait", [{ timeot: 5 }], /did you mean timeout/],
          [condition, "waitFor", [() => true, 5], /options must be an object/],
          [pool, "map", [Math.abs, 3], /items must be iterable, not 3/],
          [pool, "map", [Math.abs, [1], { chunksize: 2 }], /did you mean chunkSize/],
          [pool, "starmap", [Math.max, [3]], /each item must be iterable/],
          [pool, "apply", [Math.abs, 3], /args must be iterable, not 3/],
          [pool, "join", [5], /options must be an object/],
          [new SyncManager() as any, "start", [() => {}], /options must be an object/],
          [new SyncManager() as any, "start", [{ initargs: [] }], /did you mean initArgs/],
          [new SyncManager({ address: ["127.0.0.1", 1] }) as any, "connect", [5], /options must be an object/],
        ];
        for (const [object, method, args, message] of wrong) {
          const isRight = (error: any) => {
            assert.ok(error instanceof TypeError, method + ": " + error);
            assert.match(error.message, message, method);
            return true;
          };
          await assert.rejects(async () => (object as any)[method](...args), isRight, method);
          assert.throws(() => (object as any)[method + "Sync"](...args), isRight, method);
        }
        // Nothing of it was done.
        assert.deepEqual(await list.getValue(), [1]);
        await queue.put(1);
        assert.equal(await lock.acquire({ blocking: false }), true);

        // An object will do for entries, as it does when a dictionary is made.
        await dict.update({ b: 2 });
        await dict.update(new Map([["c", 3]]));
        assert.deepEqual(await dict.items(), [["a", 1], ["b", 2], ["c", 3]]);

        await list.extend(["x"]);
        await assert.rejects(list.sort(), /a list cannot be sorted that holds "x" and 1/);
        await assert.rejects(list.append({ deep: [() => 1] }), (error: any) => {
          assert.ok(error instanceof DataCloneError);
          assert.equal(error.path, "args[0].deep[0]");
          assert.match(error.message, /^args\\[0\\]\\.deep\\[0\\]: function/);
          return true;
        });
        class Own extends BaseManager {}
        for (const options of [{ methodTotypeid: {} }, { exposed: "inc" }, 3] as any[]) {
          assert.throws(() => Own.register("Counter", options), TypeError);
        }
        await manager.shutdown();
        console.log("done");
      }
    `,
      { timeout: 50_000 },
    );
  });
});
