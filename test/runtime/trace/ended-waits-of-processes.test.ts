/** Waits that another process ends, of each class that processes share: see `ended-waits.ts`. */
import { SliceKind } from "../../../src/analysis/model.js";
import { WaitReason } from "../../../src/trace/events.js";
import { EndedWaits, scene } from "./ended-waits.js";

const source = `
  import { isMain } from "heddle";
  import { ProcessPoolExecutor } from "heddle/futures";
  import {
    Barrier, BoundedSemaphore, Condition, Event, JoinableQueue, Lock, Pipe, Pool, Process, Queue, RawArray, RLock,
    Semaphore, SharedArray, SimpleQueue, Value,
  } from "heddle/multiprocessing";

  type Word = RawArray<"i">;
  const wordsOf = (word: Word) => word.view;
  let word: Word, commands: Queue, ready: Queue;
  ${scene}
  if (isMain) {
    word = new RawArray("i", 1);
    [commands, ready] = [new Queue(), new Queue()];
    const [ours, theirs] = Pipe({ name: "pipe" });
    const helper = new Process({ target: help, args: [commands, ready, word, theirs], name: "helper" });
    helper.start();
    theirs.close();
    const [held, back] = [new Lock(), (x: any) => x.release()];
    // The first look for the line that called takes a while.
    await held.acquire();
    for (const type of [Lock, RLock, Semaphore, BoundedSemaphore]) {
      const make = (name: string) => (type === Semaphore || type === BoundedSemaphore ? new type(1, { name }) : new type({ name }));
      await both(type === Lock || type === RLock ? "mutex" : "lock", type.name, make, (x) => x.acquireSync(PATIENCE), (x) => x.acquire(PATIENCE), back);
    }
    // The lock in front of a value is an RLock unless another is given.
    await both("mutex", "Value", (name) => new Value("i", 0, { name }).getLock(), (x) => x.acquireSync(PATIENCE), (x) => x.acquire(PATIENCE), back);
    await both("mutex", "SharedArray", (name) => new SharedArray("d", 3, { lock: new Lock({ name }) }), (x) => x.acquireSync(PATIENCE), (x) => x.acquire(PATIENCE), back);
    await both("event", "Event", (name) => new Event({ name }), (x) => x.waitSync(PATIENCE), (x) => x.wait(PATIENCE));
    await both("barrier", "Barrier", (name) => new Barrier(2, { name }), (x) => x.waitSync(PATIENCE), (x) => x.wait(PATIENCE));
    const owned = (name: string) => { const c = new Condition(new Lock(), { name }); c.acquireSync(); return c; };
    await both("condition", "Condition", owned, (x) => x.waitSync(PATIENCE), (x) => x.wait(PATIENCE), back);
    for (const type of [Queue, JoinableQueue, SimpleQueue]) {
      await both("get", type.name, (name) => new type({ name }), (x) => x.getSync(PATIENCE), (x) => x.get(PATIENCE));
      if (type === SimpleQueue) continue;
      const full = (name: string) => { const q = new type({ name, maxSize: 1 }) as Queue; q.putNowait(1); return q; };
      await both("put", "full " + type.name, full, (x) => x.putSync(2, PATIENCE), (x) => x.put(2, PATIENCE));
      if (type !== JoinableQueue) continue;
      const taken = (name: string) => { const q = full(name); q.getNowait(); return q; };
      await both("join", "joined " + type.name, taken, (x) => x.joinSync(PATIENCE), (x) => x.join(PATIENCE));
    }
    await both("recv", "Pipe", () => ours, (x) => x.recvSync(PATIENCE), (x) => x.recv(PATIENCE));
    for (const form of ["blocking", "awaiting"]) {
      const name = form + " Process";
      const process = new Process({ target: workAndTell, args: [name, word, ++turn], name });
      process.start();
      await waits(name, form, word, () => (form === "blocking" ? process.joinSync(PATIENCE) : process.join(PATIENCE)));

      const executor = new ProcessPoolExecutor({ maxWorkers: 1, name: form + " ProcessPoolExecutor" });
      const pool = new Pool({ processes: 1, name: form + " Pool" });
      await executor.submit(Math.abs, 1);
      await pool.apply(Math.abs, [1]);
      turn++;
      const future = executor.submit(work, word, turn);
      await waits(form + " ProcessPoolExecutor", form, word, () => (form === "blocking" ? future.resultSync(PATIENCE) : future.result(PATIENCE)));
      let [began, end] = await future;
      tell({ name: form + " ProcessPoolExecutor", began, ended: [end, null] });
      turn++;
      const result = pool.applyAsync(work, [word, turn]);
      await waits(form + " Pool", form, word, () => (form === "blocking" ? result.getSync(PATIENCE) : result.get(PATIENCE)));
      [began, end] = await result.get();
      tell({ name: form + " Pool", began, ended: [end, null] });
      await executor.shutdown();
      pool.close();
      await pool.join();
    }
    commands.putSync(null);
    await helper.join();
    console.log("done");
  }
`;

/** Where in the script the helper's taskDone is. */
const line = source.slice(0, source.indexOf("x.taskDone()")).split("\n").length;

describe("the trace of waits that another process ends", function () {
  this.timeout(120_000);
  const waits = new EndedWaits();
  before(() => waits.run(source));

  for (const kind of ["Lock", "RLock", "Semaphore", "BoundedSemaphore"]) {
    it(`for a ${kind}: how long, who had it, and who gave it back`, () => waits.lock(kind, kind, "process"));
  }
  it("for the lock of a Value", () => waits.lock("Value", "RLock", "process"));
  it("for the lock of a SharedArray", () => waits.lock("SharedArray", "Lock", "process"));
  it("for an Event", () => waits.signal("Event", "Event", WaitReason.Event, { acquisitions: 1, contended: 1 }));
  it("for a Barrier", () => waits.signal("Barrier", "Barrier", WaitReason.Barrier, { acquisitions: 2, contended: 1 }));
  it("for a Condition", () => {
    waits.signal("Condition", "Condition", WaitReason.Condition, { acquisitions: 1, contended: 1 });
  });
  for (const kind of ["Queue", "JoinableQueue", "SimpleQueue"]) {
    it(`for an item of a ${kind}`, () => waits.queue(kind, SliceKind.QueueGetWait, { puts: 1, gets: 1 }));
    if (kind === "SimpleQueue") continue;
    it(`for a place in a ${kind}`, () => waits.queue(`full ${kind}`, SliceKind.QueuePutWait, { puts: 2, gets: 1 }));
  }
  it("for the tasks of a JoinableQueue to be done, and the line that reported the last", () => {
    waits.queue("joined JoinableQueue", SliceKind.OtherWait, { puts: 1, gets: 1, done: 1 }, line);
  });
  it("for a message of a Pipe", () => waits.message("pipe"));
  it("for a Process to end", () => waits.join("Process", WaitReason.ProcessJoin));
  for (const kind of ["ProcessPoolExecutor", "Pool"]) {
    it(`for a result of a ${kind}`, () => waits.result(kind));
  }
});
