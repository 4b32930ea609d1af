/** The model while it grows: finds or makes the tracks that frames and events speak of. */
import type { ObjectKind } from "../trace/events.js";
import { GrowingCores, GrowingFlows, GrowingSteps } from "./columns.js";
import type { CoreSource, CounterTrack, ProcessTrack, RequestColumns, TraceModel } from "./model.js";
import { isConnectionKind, isLockKind, isPoolKind, isQueueKind, ObjectLane } from "./object-lane.js";
import { Requests } from "./requests.js";
import { StringTable } from "./strings.js";
import { ThreadLane } from "./thread-lane.js";

export class ProcessGroup implements ProcessTrack {
  name = "";
  namedByParent = false;
  parentPid = -1;
  startNs = Number.NaN;
  endNs = Number.NaN;
  hungSinceNs = Number.NaN;
  exitCode: number | null = null;
  signal: string | null = null;
  /** Lanes of the runtime's threads by their number. */
  readonly threads = new Map<number, ThreadLane>();
  readonly objects = new Map<number, ObjectLane>();
  /** Of the objects that are connections: which end this process means by the number. */
  readonly ends = new Map<number, 0 | 1>();
  /** Waits for the end of threads that have not begun, by their number: rows of `slices` of who waits. */
  readonly earlyJoins = new Map<number, { lane: ThreadLane; row: number }[]>();
  /** Which thread ended a task of a pool of this process last, and when. */
  taskEndedBy = -1;
  taskEndedAt = Number.NEGATIVE_INFINITY;
  /** Threads that another one started and that have not begun: who started them, when, under what name. */
  readonly spawned = new Map<number, { thread: number; t: number; name: number; site: number }>();

  constructor(
    readonly index: number,
    readonly pid: number,
  ) {}

  /** How it ended, as somebody tells: nothing, if he knows neither. The last word counts. */
  endedBy(exitCode: number | null, signal: string | null): void {
    if (exitCode === null && signal === null) return;
    this.exitCode = signal === null ? exitCode : null;
    this.signal = signal;
  }
}

export interface GrowingCounter extends CounterTrack {
  readonly values: GrowingSteps;
}

export class GrowingModel implements TraceModel {
  complete = false;
  cut = "";
  command: readonly string[] = [];
  cwd = "";
  startedAt = 0;
  endNs = 0;
  exitCode: number | null = null;
  signal: string | null = null;
  coresAvailable = 0;
  coreSource: CoreSource = "process-only";
  readonly processes: ProcessGroup[] = [];
  readonly threads: ThreadLane[] = [];
  readonly objects: ObjectLane[] = [];
  readonly counters: GrowingCounter[] = [];
  readonly cores: GrowingCores[] = [];
  readonly coresInUse = new GrowingSteps();
  readonly flows = new GrowingFlows();
  readonly served = new Requests(this.flows);
  readonly recorder = { events: 0, dropped: 0, bytes: 0, overheadNs: 0 };

  readonly table = new StringTable();
  /** Which thread started a process, by the child's pid. */
  readonly spawnsOfProcesses = new Map<number, { thread: number; t: number }>();
  readonly #byPid = new Map<number, ProcessGroup>();
  /** Lanes by OS thread. */
  readonly #byTid = new Map<number, ThreadLane>();
  /** The same by the thread's id alone, which is unique on the machine as long as the thread lives. */
  readonly #byTidAlone = new Map<number, ThreadLane>();
  /** Objects that were spoken of by other processes before their maker: by its pid and number. */
  readonly #foreign = new Map<string, ObjectLane>();
  readonly #connections = new Map<number, ObjectLane>();
  readonly #counters = new Map<string, GrowingCounter>();

  get requests(): RequestColumns {
    return this.served.columns;
  }

  get strings(): readonly string[] {
    return this.table.all;
  }

  process(pid: number): ProcessGroup {
    let group = this.#byPid.get(pid);
    if (group === undefined) {
      group = new ProcessGroup(this.processes.length, pid);
      this.processes.push(group);
      this.#byPid.set(pid, group);
    }
    return group;
  }

  /** The process of that number, if anything was told of it. */
  knownProcess(pid: number): ProcessGroup | undefined {
    return this.#byPid.get(pid);
  }

  /** The lane of an OS thread, if it is known and not over. */
  threadOfTid(pid: number, tid: number): ThreadLane | undefined {
    return this.#byTid.get(osThread(pid, tid));
  }

  /** The lane of an OS thread of any process: the last that had that id. */
  threadOfAnyProcess(tid: number): ThreadLane | undefined {
    return this.#byTidAlone.get(tid);
  }

  systemThread(pid: number, tid: number): ThreadLane {
    const key = osThread(pid, tid);
    let lane = this.#byTid.get(key);
    if (lane === undefined) {
      lane = this.#newThread(this.process(pid), 0);
      lane.tid = tid;
      lane.isMain = pid === tid;
      this.#byTid.set(key, lane);
      this.#byTidAlone.set(tid, lane);
    }
    return lane;
  }

  /** The lane of a thread of the runtime's; `tid` is 0 where its record does not tell. */
  thread(group: ProcessGroup, number: number, tid: number): ThreadLane {
    let lane = group.threads.get(number);
    if (lane === undefined) {
      if (tid === 0 && number === 1) tid = group.pid;
      const system = tid === 0 ? undefined : this.threadOfTid(group.pid, tid);
      if (system !== undefined && system.number === 0 && Number.isNaN(system.endNs)) {
        lane = system;
        lane.number = number;
        if (!lane.name || lane.name === "node") lane.name = `thread ${number}`;
      } else lane = this.#newThread(group, number);
      lane.isMain = number === 1;
      if (lane.isMain) lane.name = "main";
      group.threads.set(number, lane);
    }
    if (tid !== 0 && lane.tid !== tid) {
      lane.tid = tid;
      this.#byTid.set(osThread(group.pid, tid), lane);
      this.#byTidAlone.set(tid, lane);
    }
    return lane;
  }

  #newThread(group: ProcessGroup, number: number): ThreadLane {
    const lane = new ThreadLane(this.threads.length, group.index, number);
    this.threads.push(lane);
    if (this.coreSource === "sampled") lane.useSamples();
    return lane;
  }

  /** The object of that number; one whose creation was not seen gets the kind `guess`. */
  object(group: ProcessGroup, number: number, guess: ObjectKind): ObjectLane {
    const lane = group.objects.get(number);
    if (lane !== undefined && sameFamily(lane.kind, guess)) return lane;
    // Others may have spoken of it first.
    const foreign = this.#foreign.size === 0 ? undefined : this.#foreign.get(`${group.pid}:${number}`);
    const found =
      foreign !== undefined && sameFamily(foreign.kind, guess) ? foreign : this.#newObject(group, number, guess);
    if (found === foreign) found.process = group.index;
    this.#know(group, number, found);
    return found;
  }

  /** A process has a number of its own for an object that another one made; whoever speaks of it first. */
  share(group: ProcessGroup, number: number, makerPid: number, makerNumber: number, kind: ObjectKind): ObjectLane {
    const maker = this.#byPid.get(makerPid);
    const key = `${makerPid}:${makerNumber}`;
    const known = maker?.objects.get(makerNumber) ?? this.#foreign.get(key);
    let lane = known !== undefined && sameFamily(known.kind, kind) ? known : undefined;
    if (lane === undefined) {
      lane = this.#newObject(group, number, kind);
      this.#foreign.set(key, lane);
    }
    this.#know(group, number, lane);
    return lane;
  }

  /** A process has an end of a connection, which others may have told of. */
  connect(group: ProcessGroup, number: number, kind: ObjectKind, identity: number, end: 0 | 1): void {
    const known = identity === 0 ? undefined : this.#connections.get(identity);
    const lane = known ?? this.#newObject(group, number, kind);
    if (identity !== 0) this.#connections.set(identity, lane);
    if (lane.users.size > 0 && !lane.users.has(group.index)) lane.scope = "process";
    this.#know(group, number, lane);
    group.ends.set(number, end);
  }

  #newObject(group: ProcessGroup, number: number, kind: ObjectKind): ObjectLane {
    const lane = new ObjectLane(this.objects.length, kind, group.index, number);
    this.objects.push(lane);
    return lane;
  }

  #know(group: ProcessGroup, number: number, lane: ObjectLane): void {
    group.objects.set(number, lane);
    lane.users.add(group.index);
    if (!lane.processes.includes(group.index)) lane.processes.push(group.index);
  }

  /** Nothing of a thread goes on: it ended, or its process did. */
  finishThread(lane: ThreadLane, t: number): void {
    if (!Number.isNaN(lane.endNs)) return;
    for (const row of lane.waits.values()) {
      const object = this.objects[lane.slices.object[row]!];
      if (object !== undefined) object.waitCut(t, lane.slices.kind[row]!, lane.slices.start[row]!);
    }
    lane.finish(t);
  }

  /** A process has ended, and all its threads. */
  finishProcess(group: ProcessGroup, t: number): void {
    const ended = (thread: number) => this.threads[thread]?.process === group.index;
    for (const lane of this.threads) {
      if (lane.process !== group.index) continue;
      this.finishThread(lane, t);
      // The pool that it worked for may be another process's.
      this.objects[lane.pool]?.finishTasks(t, ended);
    }
    for (const object of new Set(group.objects.values())) {
      object.users.delete(group.index);
      // What others still share goes on without it.
      if (object.users.size === 0) object.finish(t);
      else object.finishHolds(t, ended);
    }
  }

  counter(group: ProcessGroup, name: number, unit: number): GrowingCounter {
    const key = `${group.index}:${name}:${unit}`;
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = {
        index: this.counters.length,
        process: group.index,
        name: this.table.all[name]!,
        unit: this.table.all[unit]!,
        values: new GrowingSteps(),
      };
      this.counters.push(counter);
      this.#counters.set(key, counter);
    }
    return counter;
  }

  core(number: number): GrowingCores {
    while (this.cores.length <= number) this.cores.push(new GrowingCores());
    return this.cores[number]!;
  }
}

/** Both are below 2^32 in the file, and in truth far below: pairs stay told apart. */
const osThread = (pid: number, tid: number) => pid * 0x20_0000 + tid;

function sameFamily(a: number, b: number): boolean {
  return isConnectionKind(a)
    ? isConnectionKind(b)
    : isLockKind(a)
      ? isLockKind(b)
      : isQueueKind(a)
        ? isQueueKind(b)
        : isPoolKind(a)
          ? isPoolKind(b)
          : true;
}
