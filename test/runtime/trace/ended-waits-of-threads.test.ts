/** Waits that another thread ends, of each class of threading, queue and futures: see `ended-waits.ts`. */
import { SliceKind } from "../../../src/analysis/model.js";
import { WaitReason } from "../../../src/trace/events.js";
import { EndedWaits, scene } from "./ended-waits.js";

const source = `
  import { isMain } from "heddle";
  import { ThreadPoolExecutor, waitSync, wait } from "heddle/futures";
  import { Pipe, ThreadPool } from "heddle/multiprocessing";
  import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";
  import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore, Thread } from "heddle/threading";

  type Word = Int32Array;
  const wordsOf = (word: Word) => word;
  const word: Word = new Int32Array(new SharedArrayBuffer(4));
  const [commands, ready] = [new Queue(), new Queue()];
  ${scene}
  if (isMain) {
    const [ours, theirs] = Pipe({ name: "pipe" });
    const helper = new Thread({ target: help, args: [commands, ready, word, theirs], name: "helper" });
    helper.start();
    // The first look for the line that called takes a while.
    await new Lock().acquire();
    for (const type of [Lock, RLock, Semaphore, BoundedSemaphore]) {
      const make = (name: string) => (type === Semaphore || type === BoundedSemaphore ? new type(1, { name }) : new type({ name }));
      await both(type === Lock || type === RLock ? "mutex" : "lock", type.name, make, (x) => x.acquireSync(PATIENCE), (x) => x.acquire(PATIENCE), (x) => x.release());
    }
    await both("event", "Event", (name) => new Event({ name }), (x) => x.waitSync(PATIENCE), (x) => x.wait(PATIENCE));
    await both("barrier", "Barrier", (name) => new Barrier(2, { name }), (x) => x.waitSync(PATIENCE), (x) => x.wait(PATIENCE));
    const held = (name: string) => { const c = new Condition(new Lock(), { name }); c.acquireSync(); return c; };
    await both("condition", "Condition", held, (x) => x.waitSync(PATIENCE), (x) => x.wait(PATIENCE), (x) => x.release());
    for (const type of [Queue, LifoQueue, PriorityQueue, SimpleQueue]) {
      await both("get", type.name, (name) => new type({ name }), (x) => x.getSync(PATIENCE), (x) => x.get(PATIENCE));
      if (type === SimpleQueue) continue;
      const full = (name: string) => { const q = new type({ name, maxSize: 1 }); q.putNowait(1); return q; };
      await both("put", "full " + type.name, full, (x) => x.putSync(2, PATIENCE), (x) => x.put(2, PATIENCE));
      const taken = (name: string) => { const q = full(name); q.getNowait(); return q; };
      await both("join", "joined " + type.name, taken, (x) => x.joinSync(PATIENCE), (x) => x.join(PATIENCE));
    }
    await both("recv", "Pipe", () => ours, (x) => x.recvSync(PATIENCE), (x) => x.recv(PATIENCE));
    for (const form of ["blocking", "awaiting"]) {
      const thread = new Thread({ target: workAndTell, args: [form + " Thread", word, ++turn], name: form + " Thread" });
      thread.start();
      await waits(thread.name, form, word, () => (form === "blocking" ? thread.joinSync(PATIENCE) : thread.join(PATIENCE)));

      const executor = new ThreadPoolExecutor({ maxWorkers: 1, name: form + " ThreadPoolExecutor" });
      const pool = new ThreadPool({ processes: 1, name: form + " ThreadPool" });
      await executor.submit(Math.abs, 1);
      await pool.apply(Math.abs, [1]);
      turn++;
      const future = executor.submit(work, word, turn);
      await waits(form + " ThreadPoolExecutor", form, word, () => (form === "blocking" ? future.resultSync(PATIENCE) : future.result(PATIENCE)));
      let [began, end] = await future;
      tell({ name: form + " ThreadPoolExecutor", began, ended: [end, null] });
      turn++;
      const result = pool.applyAsync(work, [word, turn]);
      await waits(form + " ThreadPool", form, word, () => (form === "blocking" ? result.getSync(PATIENCE) : result.get(PATIENCE)));
      [began, end] = await result.get();
      tell({ name: form + " ThreadPool", began, ended: [end, null] });
      turn++;
      const several = [executor.submit(work, word, turn), executor.submit(Math.abs, 1)];
      await waits(form + " futures", form, word, () => (form === "blocking" ? waitSync(several, PATIENCE) : wait(several, PATIENCE)));
      [began, end] = await several[0];
      tell({ name: form + " futures", began, ended: [end, null] });
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

describe("the trace of waits that another thread ends", function () {
  this.timeout(120_000);
  const waits = new EndedWaits();
  before(() => waits.run(source));

  for (const kind of ["Lock", "RLock", "Semaphore", "BoundedSemaphore"]) {
    it(`for a ${kind}: how long, who had it, and who gave it back`, () => waits.lock(kind, kind, "thread"));
  }
  it("for an Event", () => waits.signal("Event", "Event", WaitReason.Event, { acquisitions: 1, contended: 1 }));
  it("for a Barrier", () => waits.signal("Barrier", "Barrier", WaitReason.Barrier, { acquisitions: 2, contended: 1 }));
  it("for a Condition", () => {
    waits.signal("Condition", "Condition", WaitReason.Condition, { acquisitions: 1, contended: 1 });
  });
  for (const kind of ["Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"]) {
    it(`for an item of a ${kind}`, () => waits.queue(kind, SliceKind.QueueGetWait, { puts: 1, gets: 1 }));
    if (kind === "SimpleQueue") continue;
    it(`for a place in a ${kind}`, () => waits.queue(`full ${kind}`, SliceKind.QueuePutWait, { puts: 2, gets: 1 }));
    it(`for the tasks of a ${kind} to be done, and the line that reported the last`, () => {
      waits.queue(`joined ${kind}`, SliceKind.OtherWait, { puts: 1, gets: 1, done: 1 }, line);
    });
  }
  it("for a message of a Pipe", () => waits.message("pipe"));
  it("for a Thread to end", () => waits.join("Thread", WaitReason.ThreadJoin));
  for (const kind of ["ThreadPoolExecutor", "ThreadPool"]) {
    it(`for a result of a ${kind}`, () => waits.result(kind));
  }
  it("for several futures", () => waits.futures());
});
