import assert from "node:assert/strict";
import { expectScript } from "../../harness/run-script.js";

describe("a signal given to a call that blocks its thread", () => {
  it("is refused by all of them before anything is done, with what to do instead", async () => {
    const { stdout } = await expectScript(`
import assert from "node:assert/strict";
import { isMain } from "heddle";
import * as futures from "heddle/futures";
import * as mp from "heddle/multiprocessing";
import * as queue from "heddle/queue";
import * as subprocess from "heddle/subprocess";
import * as threading from "heddle/threading";

export function nothing() {}
if (isMain) {
  const { signal } = new AbortController();
  const refused: string[] = [];
  const refuses = (what: string, call: (options: any) => unknown) => {
    assert.throws(() => call({ signal }), (error: Error) => {
      assert.ok(error instanceof TypeError, what + ": " + error);
      assert.match(error.message, /^a signal cannot end a call that blocks its thread: give it a timeout, or await/, what);
      return true;
    }, what);
    refused.push(what);
  };
  for (const [room, { Lock, RLock, Semaphore, Condition, Event, Barrier }] of Object.entries({ threading, mp }) as any) {
    for (const x of [new Lock(), new RLock(), new Semaphore(1), new Condition()]) {
      const name = room + " " + x.constructor.name;
      refuses(name + ".acquireSync", (o) => x.acquireSync(o));
      refuses(name + ".holdSync", (o) => x.holdSync(o));
      // Nothing was taken; a signal that is undefined is none.
      assert.equal(x.acquireSync({ signal: undefined, timeout: 1000 }), true, name);
    }
    const condition = new Condition();
    condition.acquireSync();
    refuses(room + " Condition.waitSync", (o) => condition.waitSync(o));
    refuses(room + " Condition.waitForSync", (o) => condition.waitForSync(() => false, o));
    refuses(room + " Event.waitSync", (o) => new Event().waitSync(o));
    refuses(room + " Barrier.waitSync", (o) => new Barrier(2).waitSync(o));
  }
  for (const type of [queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue, mp.Queue, mp.SimpleQueue, mp.JoinableQueue]) {
    const q: any = new (type as any)();
    refuses(type.name + ".putSync", (o) => q.putSync(1, o));
    assert.equal(q.empty(), true, type.name);
    refuses(type.name + ".getSync", (o) => q.getSync(o));
    if (q.joinSync) refuses(type.name + ".joinSync", (o) => q.joinSync(o));
  }
  const thread = new threading.Thread({ target: nothing });
  thread.start();
  refuses("Thread.joinSync", (o) => thread.joinSync(o));
  const process = new mp.Process({ target: nothing });
  process.start();
  refuses("Process.joinSync", (o) => process.joinSync(o));
  refuses("multiprocessing.waitSync", (o) => mp.waitSync([process.sentinel], o));
  using executor = new futures.ThreadPoolExecutor({ maxWorkers: 1 });
  const future = executor.submit(nothing);
  refuses("Future.resultSync", (o) => future.resultSync(o));
  refuses("Future.exceptionSync", (o) => future.exceptionSync(o));
  refuses("futures.waitSync", (o) => futures.waitSync([future], o));
  refuses("asCompleted().nextSync", (o) => futures.asCompleted([future]).nextSync(o));
  const [one] = mp.Pipe();
  refuses("Connection.sendSync", (o) => one.sendSync(1, o));
  refuses("Connection.recvSync", (o) => one.recvSync(o));
  refuses("Connection.pollSync", (o) => one.pollSync(o));
  refuses("Connection.recvBytesSync", (o) => one.recvBytesSync(o));
  refuses("Connection.sendBytesSync", (o) => one.sendBytesSync(new Uint8Array(1), o));
  refuses("subprocess.runSync", (o) => subprocess.runSync("true", o));
  thread.joinSync();
  process.joinSync();
  console.log(refused.length + " refused");
  console.log("done");
}`);
    assert.equal(Number.parseInt(stdout, 10), 2 * (2 * 4 + 4) + 7 * 2 + 4 + 13);
  });
});
