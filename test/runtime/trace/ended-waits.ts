/**
 * Waits that another thread or process ends, of each class that there is: what the trace says of them beside what the
 * script did.
 *
 * The main thread waits, in both forms. A helper, which holds the lock or will bring what is missing, ends the wait 40 ms
 * after it has begun; that it has begun it knows by a shared word, which is set when the wait surely has: a promise's
 * when the call has returned it, a blocking one's when it looks how much of its timeout is left, which it does once it
 * has begun (the looks at the clock before that are known: one for the deadline, and a mutex's for its own line). So each time of the trace has to lie between two readings:
 *
 *   from  by            ended[0]      until
 *   |--start--| 40 ms … |----- end -----|        the wait
 *                       |--- ended[1]            where its arrow comes from
 *
 * and its length is known to within what is between them.
 */
import assert from "node:assert/strict";
import { SliceKind } from "../../../src/analysis/model.js";
import { WaitReason } from "../../../src/trace/events.js";
import { CLOCKS_NS, measuring, TracedScript } from "../../harness/traced-script.js";

/** For a script that imports the classes. `Word` is what helper and main share: an Int32Array, or what has one. */
export const scene = `${measuring}
  const PATIENCE = { timeout: 60_000 };
  /** What the helper does with the object before the wait, to end it, and after. */
  const helps: Record<string, { before?: (x: any) => void; last?: (x: any) => void; end: (x: any) => void; after?: (x: any) => void }> = {
    mutex: { before: (x) => x.acquireSync(), end: (x) => x.release() },
    lock: { before: (x) => x.acquireSync(), end: (x) => x.release() },
    event: { end: (x) => x.set() },
    barrier: { end: (x) => x.waitSync() },
    condition: { last: (x) => x.acquireSync(), end: (x) => x.notify(), after: (x) => x.release() },
    get: { end: (x) => x.putSync(1) },
    put: { end: (x) => x.getSync() },
    join: { end: (x) => x.taskDone() },
    recv: { end: (x) => x.sendSync("late") },
  };
  function help(commands: any, ready: any, word: Word, pipe: any) {
    for (let command = commands.getSync(); command !== null; command = commands.getSync()) {
      const [kind, name, object, turn] = command;
      const { before, last, end, after } = helps[kind]!;
      const x = kind === "recv" ? pipe : object;
      const had = before && around(() => before(x));
      ready.putSync(0);
      waitFor(word, turn);
      last?.(x);
      const ended = around(() => end(x));
      after?.(x);
      tell({ name, ended, had });
    }
  }
  /** Until the wait of that number has begun, and 40 ms more. */
  function waitFor(word: Word, turn: number) {
    while (Atomics.load(wordsOf(word), 0) < turn) nap(1);
    nap(40);
  }
  /** A task, or what a thread or process does: it ends the wait for its end. */
  function work(word: Word, turn: number) {
    const began = clock();
    waitFor(word, turn);
    return [began, clock()];
  }
  function workAndTell(name: string, word: Word, turn: number) {
    const [began, end] = work(word, turn);
    tell({ name, ended: [end, null], began });
  }
  let turn = 0;
  /** Waits in the form that is asked for, and tells the readings. */
  async function waits(name: string, form: string, word: Word, wait: () => unknown, looksBefore = 1) {
    const from = clock();
    let by = "";
    if (form === "blocking") {
      blocks(wait, looksBefore, () => {
        by = clock();
        Atomics.store(wordsOf(word), 0, turn);
      });
    } else {
      const promise = wait();
      by = clock();
      Atomics.store(wordsOf(word), 0, turn);
      await promise;
    }
    tell({ name, from, by, until: clock() });
  }
  /** Both forms of a wait for an object, which the helper ends. */
  async function both(kind: string, title: string, make: (name: string) => any, blocking: (x: any) => void, awaiting: (x: any) => Promise<unknown>, after: (x: any) => void = () => {}) {
    for (const form of ["blocking", "awaiting"]) {
      const name = form + " " + title;
      const object = make(name);
      // The pipe's other end the helper has already.
      commands.putSync([kind, name, kind === "recv" ? null : object, ++turn]);
      ready.getSync();
      await waits(name, form, word, () => (form === "blocking" ? blocking(object) : awaiting(object)), kind === "mutex" ? 2 : 1);
      after(object);
    }
  }
`;

interface Waited {
  readonly name: string;
  readonly from: string;
  readonly by: string;
  readonly until: string;
}
interface Ended {
  readonly name: string;
  /** The second is null where the end is that of a thread or process. */
  readonly ended: readonly [string, string | null];
  /** When the helper took a lock. */
  readonly had?: readonly [string, string];
  /** When a task began. */
  readonly began?: string;
}

const FORMS = ["blocking", "awaiting"] as const;

export class EndedWaits {
  #traced: TracedScript | undefined;

  async run(source: string): Promise<void> {
    this.#traced = await TracedScript.run(source, 100_000);
  }

  get traced(): TracedScript {
    assert.ok(this.#traced, "the script has not run");
    return this.#traced;
  }

  /** What main told of a wait, and who ended it of that. */
  readings(name: string): { waited: Waited; ended: Ended } {
    const all = this.traced.told<Waited & Ended>().filter((each) => each.name === name);
    const waited = all.filter((each) => each.from !== undefined);
    const ended = all.filter((each) => each.ended !== undefined);
    assert.deepEqual([waited.length, ended.length], [1, 1], name);
    return { waited: waited[0]!, ended: ended[0]! };
  }

  /** The one wait, and its arrow, from the thread that ended it. */
  check(name: string, waits: readonly { start: number; end: number; thread: { isMain: boolean; process: number } }[]) {
    const { traced } = this;
    const { waited, ended } = this.readings(name);
    assert.equal(waits.length, 1, `${waits.length} waits for ${name}`);
    const [wait] = waits;
    assert.ok(wait!.thread.isMain && wait!.thread.process === 0, "the main thread waits");
    traced.within(`${name} begins`, wait!.start, [waited.from, waited.by]);
    traced.within(`${name} ends`, wait!.end, [ended.ended[0], waited.until]);
    return { waited, ended, wait: wait! };
  }

  /** For each kind of lock: acquisitions, the wait, both holds, and the arrow from the release. */
  lock(title: string, kind: string, scope: "thread" | "process"): void {
    for (const form of FORMS) {
      const name = `${form} ${title}`;
      const { traced } = this;
      const { ended, wait } = this.check(name, traced.slicesOf(name, SliceKind.LockWait));
      const report = traced.report.locks.find((lock) => lock.name === name)!;
      assert.deepEqual(
        [report.kind, report.scope, report.acquisitions, report.contended, report.timeouts, report.maxWaiters],
        [kind, scope, 2, 1, 0, 1],
      );
      const { holds } = traced.named(name);
      assert.equal(holds!.count, 2);
      assert.equal(traced.model.threads[holds!.thread[0]!]!.isMain, scope === "process", "the helper has it first");
      traced.within(`${name} is held from`, holds!.start[0]!, ended.had!);
      traced.within(`${name} is held until`, holds!.end[0]!, ended.ended as [string, string]);
      assert.equal(holds!.start[1], wait.end, "who waited has it then");
      this.arrow(name, "Wake", holds!.thread[0]!);
    }
  }

  /** For conditions, events and barriers. */
  signal(title: string, kind: string, reason: number, counts: { acquisitions: number; contended: number }): void {
    for (const form of FORMS) {
      const name = `${form} ${title}`;
      this.check(name, this.traced.slicesOf(name, SliceKind.OtherWait, reason));
      const report = this.traced.report.locks.find((lock) => lock.name === name)!;
      assert.deepEqual(
        [report.kind, report.acquisitions, report.contended, report.timeouts],
        [kind, counts.acquisitions, counts.contended, 0],
      );
      this.arrow(name, "Wake");
    }
  }

  /** For a queue: an item, a place or the last taskDone is waited for. */
  queue(title: string, kind: number, counts: { puts: number; gets: number; done?: number }, line?: number): void {
    for (const form of FORMS) {
      const name = `${form} ${title}`;
      const { traced } = this;
      this.check(name, traced.slicesOf(name, kind));
      const report = traced.report.queues.find((queue) => queue.name === name)!;
      const done = counts.done ?? 0;
      assert.deepEqual([report.puts, report.gets, report.done], [counts.puts, counts.gets, done]);
      const arrow = this.arrow(name, kind === SliceKind.QueueGetWait ? "Item" : "Wake");
      if (line !== undefined) assert.match(arrow.fromSite, new RegExp(`script\\.ts:${line}:\\d+$`));
    }
  }

  /** The one arrow to the main thread, at the end of its wait, from when the helper ended that. */
  arrow(name: string, kind: "Wake" | "Item" | "Message", from?: number) {
    const { traced } = this;
    const { waited, ended } = this.readings(name);
    const arrows = traced.arrows(name, kind).filter(({ to }) => to.isMain && to.process === 0);
    // Items that were put before the wait lead to others.
    const [arrow] = arrows.filter(({ toTime }) => toTime >= traced.time(waited.from));
    assert.ok(arrow, `no arrow to ${name}`);
    assert.equal(arrows.length, 1, `${arrows.length} arrows to ${name}`);
    traced.within(`the arrow to ${name}`, arrow.toTime, [ended.ended[0], waited.until]);
    traced.within(`the arrow of ${name}`, arrow.fromTime, ended.ended as [string, string]);
    assert.ok(!arrow.from.isMain || arrow.from.process !== 0, "it comes from the helper");
    if (from !== undefined) assert.equal(arrow.from.index, from);
    return arrow;
  }

  /** For the result of a task: its run on the worker, the wait for it, and the arrow from the worker. */
  result(title: string): void {
    const { traced } = this;
    for (const form of FORMS) {
      const name = `${form} ${title}`;
      // There are waits for other results of the pool, too.
      const { from, until } = this.readings(name).waited;
      const results = traced
        .slicesOf(name, SliceKind.OtherWait, WaitReason.Result)
        .filter(({ start, end }) => end >= traced.time(from) && start <= traced.time(until));
      const { ended, wait } = this.check(name, results);
      const tasks = traced
        .slicesOf(name, SliceKind.Task)
        .filter(({ start, end }) => end > wait.start && start < wait.end);
      assert.equal(tasks.length, 1);
      const [task] = tasks;
      assert.ok(task!.start <= traced.time(ended.began!) + CLOCKS_NS, "it had begun");
      traced.within(`the task of ${name} ends`, task!.end, [ended.ended[0], this.readings(name).waited.until]);
      const arrows = traced.arrows(name, "Result").filter(({ toTime }) => toTime >= wait.start && toTime <= wait.end);
      assert.equal(arrows.length, 1);
      assert.equal(arrows[0]!.from.index, task!.thread.index);
      assert.equal(arrows[0]!.fromTime, task!.end);
      assert.equal(arrows[0]!.toTime, wait.end);
    }
  }

  /** For a message of a pipe of that name, in both forms. */
  message(pipe: string): void {
    const { traced } = this;
    const waits = traced.slicesOf(pipe, SliceKind.OtherWait, WaitReason.Receive);
    const arrows = traced.arrows(pipe, "Message");
    assert.deepEqual([waits.length, arrows.length], [FORMS.length, FORMS.length]);
    for (const [i, form] of FORMS.entries()) {
      const { waited, ended } = this.check(`${form} Pipe`, [waits[i]!]);
      const { from, fromTime, to, toTime } = arrows[i]!;
      traced.within("the sending", fromTime, ended.ended as [string, string]);
      traced.within("the receiving", toTime, [ended.ended[0], waited.until]);
      assert.ok(to.isMain && to.process === 0 && (!from.isMain || from.process !== 0));
    }
  }

  /** For one of several futures of different pools or one. */
  futures(): void {
    const waits = this.traced.slices((each) => each.value === WaitReason.Futures && each.kind === SliceKind.OtherWait);
    assert.equal(waits.length, FORMS.length);
    for (const [i, form] of FORMS.entries()) this.check(`${form} futures`, [waits[i]!]);
  }

  /** For the end of a thread or process of that name. */
  join(title: string, reason: number): void {
    const { traced } = this;
    for (const form of FORMS) {
      const name = `${form} ${title}`;
      const waits = traced.slices((each) => each.value === reason && each.name === `join ${name}`);
      const { wait } = this.check(name, waits);
      const arrows = traced.arrows(null, "Result").filter(({ toTime }) => toTime === wait.end);
      assert.equal(arrows.length, 1, name);
      const { from } = arrows[0]!;
      assert.ok(from.name === name || traced.processOf(from.index) === name, from.name);
    }
  }
}
