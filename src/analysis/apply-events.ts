/** What each kind of event does to the model. Events come in order of time. */
import { EventFlag, EventKind, ObjectKind, WaitReason } from "../trace/events.js";
import { applyMessage } from "./apply-messages.js";
import { whatIsAwaited } from "./awaited.js";
import { GC_NAMES, SCOPES, SIGNALS } from "./event-names.js";
import type { GrowingModel, ProcessGroup } from "./growing-model.js";
import { joinedThread } from "./joined-thread.js";
import { loopWasLate } from "./loop-delay.js";
import { FlowKind, SliceKind } from "./model.js";
import { isKnownKind, type ObjectLane } from "./object-lane.js";
import { siteOfUrl } from "./strings.js";
import { SliceFlag, type ThreadLane } from "./thread-lane.js";

/** Tasks of several pools can have the same number; one thread works for few pools. */
const taskKey = (object: ObjectLane, task: number) => object.index * 2 ** 32 + task;

/** Applies the records of one thread of one process. */
export class RecordApplier {
  /** The thread's string numbers as indexes of the model's strings: as they are, and as sites. */
  readonly #texts: number[] = [0];
  readonly #sites: number[] = [0];
  #lane: ThreadLane | null = null;
  /** The process that owns the pool this thread works for. */
  #owner: ProcessGroup;

  constructor(
    readonly model: GrowingModel,
    readonly group: ProcessGroup,
    readonly number: number,
  ) {
    this.#owner = group;
  }

  defineText(number: number, text: string): void {
    if (number <= 0 || number > 1 << 24) return;
    this.#texts[number] = this.model.table.index(text);
    this.#sites[number] = -1;
  }

  #text(number: number): number {
    return this.#texts[number] ?? 0;
  }

  #site(number: number): number {
    if (number === 0) return 0;
    let site = this.#sites[number];
    if (site === undefined) return 0;
    if (site < 0) {
      site = this.model.table.index(siteOfUrl(this.model.table.all[this.#texts[number]!]!));
      this.#sites[number] = site;
    }
    return site;
  }

  #name(number: number): string {
    return this.model.table.all[this.#text(number)]!;
  }

  #thread(tid: number): ThreadLane {
    this.#lane ??= this.model.thread(this.group, this.number, tid);
    return this.#lane;
  }

  /** The thread that a record names: its index, or -1. */
  #who(number: number, flags: number): number {
    if (number === 0) return -1;
    const remote = (flags & EventFlag.Remote) !== 0;
    return (remote ? this.model.threadOfAnyProcess(number) : this.group.threads.get(number))?.index ?? -1;
  }

  #pool(object: number, flags: number): ObjectLane {
    const group = (flags & EventFlag.Remote) !== 0 ? this.#owner : this.group;
    return this.model.object(group, object, ObjectKind.ThreadPoolExecutor);
  }

  readonly apply = (
    t: number,
    own: number,
    kind: number,
    flags: number,
    object: number,
    site: number,
    a: number,
    b: number,
  ): void => {
    const { model, group } = this;
    const { flows, table } = model;
    const lane = this.#thread(kind === EventKind.ThreadStart ? a : 0);
    const thread = lane.index;
    const async = (flags & EventFlag.Async) !== 0;
    const failed = (flags & EventFlag.Failed) !== 0 ? SliceFlag.Failed : 0;
    switch (kind) {
      case EventKind.ObjectCreate: {
        if (!isKnownKind(flags)) return;
        const text = this.#site(site);
        const created = model.object(group, object, flags as ObjectKind);
        // Both ends of a socket can be told of so: the first one counts.
        if (created.messages === null || !created.created) created.create(this.#name(b), table.all[text]!, a);
        return;
      }

      case EventKind.ObjectScope: {
        const known = group.objects.get(object);
        if (known) known.scope = SCOPES.get(b) ?? known.scope;
        return;
      }

      case EventKind.ObjectShared: {
        if (!isKnownKind(flags)) return;
        const shared = model.share(group, object, a, b, flags as ObjectKind);
        shared.scope = "process";
        if (site !== 0 && !shared.created) shared.name = this.#name(site);
        return;
      }

      case EventKind.ThreadStart: {
        model.thread(group, this.number, a);
        const spawned = group.spawned.get(this.number);
        const name = b !== 0 ? this.#name(b) : spawned && spawned.name !== 0 ? table.all[spawned.name]! : "";
        if (name !== "") lane.name = name;
        lane.begin(t);
        for (const join of group.earlyJoins.get(this.number) ?? []) join.lane.joins.set(join.row, thread);
        group.earlyJoins.delete(this.number);
        if (spawned) lane.site = table.all[spawned.site]!;
        if (spawned) flows.push(FlowKind.Spawn, spawned.thread, spawned.t, thread, t, -1);
        else if (this.number === 1) {
          const from = model.spawnsOfProcesses.get(group.pid);
          if (from) flows.push(FlowKind.Spawn, from.thread, from.t, thread, t, -1);
        }
        return;
      }
      case EventKind.ThreadEnd:
        model.finishThread(lane, t);
        return;
      case EventKind.ThreadName:
        if (b !== 0)
          (object === 0 || object === this.number ? lane : model.thread(group, object, 0)).name = this.#name(b);
        return;
      case EventKind.ThreadSpawn:
        if (!group.spawned.has(object))
          group.spawned.set(object, { thread, t, name: this.#text(b), site: this.#site(site) });
        return;
      case EventKind.ProcessSpawn: {
        const child = model.process(a);
        // Who started it knows it by a better name than the system does.
        if (b !== 0) {
          child.name = this.#name(b);
          child.namedByParent = true;
        }
        if (child.parentPid < 0) child.parentPid = group.pid;
        if (Number.isNaN(child.startNs)) child.startNs = t;
        model.spawnsOfProcesses.set(a, { thread, t });
        return;
      }
      case EventKind.ProcessExit: {
        const child = model.process(a);
        const code = b - 1000;
        if (child.exitCode !== null || child.signal !== null) return;
        if (code >= 0) child.exitCode = code;
        else child.signal = SIGNALS[-code] ?? `signal ${-code}`;
        return;
      }

      case EventKind.LockWait: {
        const lock = model.object(group, object, ObjectKind.Lock);
        lock.lockWait(t);
        lane.beginWait(t, a, SliceKind.LockWait, table.index(lock.name), lock.index, this.#site(site), async, 0, false);
        return;
      }
      case EventKind.LockAcquire: {
        const lock = model.object(group, object, ObjectKind.Lock);
        const row = a === 0 ? -1 : lane.endWait(t, a, 0);
        if (row >= 0) lock.lockWaitEnd(t);
        const acquired = this.#site(site) || (row >= 0 ? lane.slices.site[row]! : 0);
        lock.acquire(t, thread, acquired, row >= 0 ? lane.slices.start[row]! : Number.NaN, flows);
        return;
      }
      case EventKind.LockTimeout: {
        const lock = model.object(group, object, ObjectKind.Lock);
        if (a !== 0 && lane.endWait(t, a, SliceFlag.Failed) >= 0) {
          lock.lockWaitEnd(t);
          lock.tally.timeouts++;
        } else lock.tally.failedTries++;
        return;
      }
      case EventKind.LockRelease:
        model.object(group, object, ObjectKind.Lock).release(t, thread, flows, Math.max(1, b));
        return;
      case EventKind.LockHold: {
        const lock = model.object(group, object, ObjectKind.Lock);
        const holder = b === 0 ? thread : this.#who(b, flags);
        const inexact = (flags & EventFlag.InexactTime) !== 0;
        if (holder >= 0) lock.held(t - a * 1e6, t, holder, this.#site(site), inexact, thread, flows);
        return;
      }
      case EventKind.LockHolds: {
        const lock = model.object(group, object, ObjectKind.Lock);
        lock.heldBriefly(t - b * 1e3, t, thread, this.#site(site), a);
        return;
      }
      case EventKind.LockHeld: {
        const holder = this.#who(b, flags);
        if (holder < 0) return;
        const inexact = (flags & EventFlag.InexactTime) !== 0;
        // Of itself a thread tells only at its end, when much can have happened to the lock since.
        const memory = holder === thread ? Number.POSITIVE_INFINITY : undefined;
        model.object(group, object, ObjectKind.Lock).found(t - a * 1e6, holder, this.#site(site), inexact, memory);
        return;
      }
      case EventKind.LockAbandoned: {
        const lock = model.object(group, object, ObjectKind.Lock);
        if (a !== 0 && lane.endWait(t, a, SliceFlag.Failed) >= 0) lock.lockWaitEnd(t);
        lock.abandonedBy = this.#who(b, flags);
        return;
      }

      case EventKind.QueuePutWait:
      case EventKind.QueueGetWait: {
        const queue = model.object(group, object, ObjectKind.Queue);
        const put = kind === EventKind.QueuePutWait;
        const name = table.index(`${put ? "put" : "get"} ${queue.name}`);
        const sliceKind = put ? SliceKind.QueuePutWait : SliceKind.QueueGetWait;
        lane.beginWait(t, a, sliceKind, name, queue.index, this.#site(site), async, 0, false);
        return;
      }
      case EventKind.QueueWaitEnd: {
        const row = lane.endWait(t, a, failed);
        if (row < 0) return;
        const queue = model.object(group, object, ObjectKind.Queue);
        if (failed) queue.tally.timeouts++;
        else if (lane.slices.kind[row] === SliceKind.QueuePutWait)
          queue.placeFound(t, thread, lane.slices.start[row]!, flows);
        return;
      }
      case EventKind.QueuePut:
        model.object(group, object, ObjectKind.Queue).put(t, thread, a, b, flows);
        return;
      case EventKind.QueueGet:
        model.object(group, object, ObjectKind.Queue).get(t, thread, a, b, flows);
        return;
      case EventKind.QueueDepth:
        model.object(group, object, ObjectKind.Queue).depth?.push(t, b);
        return;

      case EventKind.TaskSubmit:
        this.#pool(object, flags).submit(t, thread, a, this.#site(site), flows);
        return;
      case EventKind.TaskStart: {
        const pool = this.#pool(object, flags);
        // A worker does not know where its task comes from; who handed it in does.
        const submittedFrom = pool.start(t, thread, a, flows);
        const key = taskKey(pool, a);
        const before = lane.tasks.get(key);
        if (before !== undefined) lane.close(before, t, SliceFlag.CutShort);
        lane.tasks.set(key, lane.open(t, SliceKind.Task, this.#text(b), pool.index, submittedFrom, 0, a));
        lane.stateMayChange(t);
        return;
      }
      case EventKind.TaskEnd: {
        const pool = this.#pool(object, flags);
        const key = taskKey(pool, a);
        const row = lane.tasks.get(key);
        if (row !== undefined) {
          lane.tasks.delete(key);
          lane.close(row, t, failed);
          lane.stateMayChange(t);
        }
        pool.end(t, thread, failed !== 0);
        const owner = model.processes[pool.process]!;
        owner.taskEndedBy = thread;
        owner.taskEndedAt = t;
        return;
      }
      case EventKind.TaskCancel:
        this.#pool(object, flags).cancel(t, a);
        return;
      case EventKind.PoolWorker: {
        if (a !== 0 && a !== group.pid) this.#owner = model.process(a);
        lane.pool = model.object(this.#owner, object, ObjectKind.ThreadPoolExecutor).index;
        return;
      }

      case EventKind.WaitBegin:
        this.#waitBegin(lane, t, object, site, a, b, async);
        return;
      case EventKind.WaitEnd: {
        if (a === 0) {
          group.objects.get(object)?.signals?.neverWaited(failed !== 0);
          return;
        }
        const row = lane.endWait(t, a, failed);
        if (row < 0) return;
        const signals = model.objects[lane.slices.object[row]!]?.signals;
        if (signals) {
          signals.waitEnded(t, lane.slices.start[row]!, thread, this.#who(b, flags), failed !== 0, flows);
          return;
        }
        if (failed) return;
        const index = lane.slices.object[row]!;
        const reason = lane.slices.value[row]!;
        const start = lane.slices.start[row]!;
        if (reason === WaitReason.ThreadJoin || reason === WaitReason.ProcessJoin) {
          const joined = joinedThread(model, lane, row);
          // Who is joined says that it is over, and ends a moment later.
          const ended = joined === undefined || Number.isNaN(joined.endNs) ? t : Math.min(joined.endNs, t);
          if (joined && ended >= start) flows.push(FlowKind.Result, joined.index, ended, thread, t, -1);
        } else if (index >= 0 && (reason === WaitReason.Result || reason === WaitReason.Futures)) {
          const pool = model.objects[index]!;
          if (pool.endedAt >= start) flows.push(FlowKind.Result, pool.endedBy, pool.endedAt, thread, t, index);
        } else if (reason === WaitReason.Result || reason === WaitReason.Futures) {
          // It waits for the tasks of several pools, or of one that is not told.
          const { taskEndedBy, taskEndedAt } = group;
          if (taskEndedAt >= start) flows.push(FlowKind.Result, taskEndedBy, taskEndedAt, thread, t, -1);
        }
        return;
      }

      case EventKind.Signal:
        group.objects.get(object)?.signals?.signal(t, thread, a, this.#site(site));
        return;

      case EventKind.SpanBegin: {
        const before = lane.spans.get(a);
        if (before !== undefined) lane.close(before, t, SliceFlag.CutShort);
        lane.spans.set(a, lane.open(t, SliceKind.Span, this.#text(b), -1, this.#site(site), 0, 0));
        lane.stateMayChange(t);
        return;
      }
      case EventKind.SpanEnd: {
        const row = lane.spans.get(a);
        if (row === undefined) return;
        lane.spans.delete(a);
        lane.close(row, t, failed);
        lane.stateMayChange(t);
        return;
      }
      case EventKind.Detail: {
        const row = a === 0 ? lane.lastMark : lane.spans.get(a);
        if (row === undefined || row < 0) return;
        (a === 0 ? lane.marks.detail : lane.slices.detail)[row] = this.#text(b);
        return;
      }
      case EventKind.Mark:
        lane.lastMark = lane.marks.push(t, this.#text(b), this.#site(site));
        return;
      case EventKind.Counter:
        model.counter(group, this.#text(b), this.#text(object)).values.push(t, a);
        return;

      case EventKind.Gc:
        if (a >= 0)
          lane.past(Math.max(0, own - a * 1e6), own, SliceKind.Gc, table.index(GC_NAMES.get(flags) ?? "GC"), 0);
        return;
      case EventKind.LoopDelay:
        if (a >= 0) loopWasLate(lane, Math.max(0, own - a * 1e6), own, table);
        return;
      case EventKind.Dropped:
        model.recorder.dropped += a;
        return;
      default:
        applyMessage(model, group, lane, t, kind, flags, object, this.#site(site), a, b, this.#text(b));
    }
  };

  #waitBegin(
    lane: ThreadLane,
    t: number,
    object: number,
    site: number,
    a: number,
    reason: number,
    async: boolean,
  ): void {
    const { model } = this;
    const { name, index, joined, joinedProcess, signalKind } = whatIsAwaited(model, this.group, lane, object, reason);
    const idle = reason === WaitReason.IdleWorker;
    const row = lane.beginWait(
      t,
      a,
      SliceKind.OtherWait,
      model.table.index(name),
      index,
      this.#site(site),
      async,
      reason,
      idle,
    );
    if (joined) lane.joins.set(row, joined.index);
    else if (reason === WaitReason.ThreadJoin && object !== 0) {
      const early = this.group.earlyJoins.get(object);
      if (early) early.push({ lane, row });
      else this.group.earlyJoins.set(object, [{ lane, row }]);
    }
    if (joinedProcess) lane.processJoins.set(row, joinedProcess.index);
    if (signalKind !== 0) model.objects[index]?.signals?.waitBegan(lane.slices.start[row]!);
  }
}
