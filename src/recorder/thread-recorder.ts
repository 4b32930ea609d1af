/**
 * Starts recording in the calling thread: claims a ring, announces the thread, and puts the recorder on `globalThis`
 * where every bundle of the thread picks it up (`emit.ts`). Must run before any of them loads.
 *
 * The main thread also looks after the collector. That is a thread of its own, so a script that does nothing worth
 * collecting should not pay for it: it starts with the main thread's first event, with its first worker, or after some
 * milliseconds of life. When the main thread exits it takes the drain lock, so the collector is never in the middle of
 * a write, and drains all rings itself.
 */
import { basename, join } from "node:path";
import * as workerThreads from "node:worker_threads";
import { EventKind, type ObjectKind, ObjectScope } from "../trace/events.js";
import { makeCallSiteFinder } from "./call-site.js";
import { acquireDrainLock, Drain, DrainHolder, releaseDrainLock } from "./drain.js";
import {
  claimSlot,
  createRingMemory,
  EndedBit,
  ProcessWord,
  processWords,
  type Slot,
  SlotState,
  SlotWord,
  slotAt,
} from "./ring-memory.js";
import { makeRingWriter, type RingWriter } from "./ring-writer.js";
import {
  COLLECTOR_MARK,
  ENVIRONMENT_KEY,
  type RecorderEnvironment,
  type RecorderSession,
  SESSION_VARIABLE,
} from "./session.js";
import { systemThreadId } from "./system-thread-id.js";
import { watchHealth } from "./thread-health.js";
import { RECORDER, type ThreadRecorder } from "./thread-recorder-type.js";

/** The unrefed timer that starts a collector in a main thread without events: milliseconds. */
const COLLECTOR_DELAY_MS = 20;
/** How long the exiting main thread waits for a collector's write to end. */
const EXIT_PATIENCE_MS = 2000;
/** How long a full main thread waits for the lock to drain by itself. */
const OWN_DRAIN_PATIENCE_MS = 200;

/** Numbers of requests are unique in the process, and far from where doubles lose integers. */
const REQUESTS_OF_A_THREAD = 2 ** 32;

const clock = performance.now.bind(performance);

/** Starts recording in a main thread. False if there is no memory for it. */
export function startRecorderInMain(session: RecorderSession): boolean {
  const memory = createRingMemory();
  if (memory === null) return false;
  const slot = claimSlot(memory);
  if (slot === null) return false;
  const name = session.name ?? basename(process.argv[1] ?? process.argv0);
  const environment: RecorderEnvironment = { memory, session, name };
  // The constructor is taken now: preloads and users may wrap it later, and the collector must not be wrapped.
  const { Worker, setEnvironmentData } = workerThreads;
  setEnvironmentData(ENVIRONMENT_KEY, environment as never);

  const words = processWords(memory);
  let started = false;
  let exiting: Drain | null = null;

  function ensureCollector(): void {
    exiting?.run(clock(), true);
    if (started || exiting !== null) return;
    started = true;
    writer.setAfter(null);
    try {
      const collector = new Worker(join(__dirname, "collector.cjs"), {
        name: "heddle collector",
        workerData: COLLECTOR_MARK,
        execArgv: [],
        env: {},
        trackUnmanagedFds: false,
      });
      collector.on("error", () => {});
      collector.unref();
    } catch {
      // Without a collector the exiting thread still drains what the rings hold.
    }
  }

  let ownDrain: Drain | null = null;
  /**
   * The ring is full. A collector that is not up yet, or gets no core, cannot help; this thread can, since nobody
   * terminates it halfway.
   */
  function makeRoom(waitedInVain: boolean): void {
    ensureCollector();
    if (exiting !== null || (!waitedInVain && Atomics.load(words, ProcessWord.Collecting) !== 0)) return;
    if (!acquireDrainLock(words, DrainHolder.Busy, OWN_DRAIN_PATIENCE_MS)) return;
    ownDrain ??= new Drain(environment);
    ownDrain.run(clock(), false);
    releaseDrainLock(words);
  }

  const writer = announce(memory, slot, session, "", makeRoom, ensureCollector);
  writer.setAfter(ensureCollector);
  setTimeout(ensureCollector, COLLECTOR_DELAY_MS).unref();

  process.on("exit", (code) => {
    // Too late to start a collector.
    started = true;
    writer.setAfter(null);
    Atomics.store(words, ProcessWord.Closing, 1);
    Atomics.add(words, ProcessWord.Wake, 1);
    Atomics.notify(words, ProcessWord.Wake);
    writer.emit(EventKind.ThreadEnd, workerThreads.threadId + 1, 0, 0, 0, 0);
    Atomics.or(slot.words, SlotWord.Ended, EndedBit.Said);
    acquireDrainLock(words, DrainHolder.Main, EXIT_PATIENCE_MS);
    const drain = new Drain(environment);
    drain.run(clock(), true);
    drain.processEnd(clock(), Number(process.exitCode ?? code));
    // Exit handlers of the user run after this one: what they still record is written at once. The lock stays held.
    exiting = drain;
    writer.setAfter(ensureCollector);
  });
  return true;
}

/** Starts recording in a worker of a recording process; does nothing elsewhere, or when 256 threads already record. */
export function startRecorderInWorker(): boolean {
  const environment = workerThreads.getEnvironmentData(ENVIRONMENT_KEY) as unknown as RecorderEnvironment | undefined;
  if (environment === undefined || workerThreads.workerData === COLLECTOR_MARK) return false;
  const { memory, session } = environment;
  const slot = claimSlot(memory);
  if (slot === null) return false;
  const name = (workerThreads as unknown as { threadName?: string }).threadName ?? "";
  const writer = announce(
    memory,
    slot,
    session,
    name === "WorkerThread" ? "" : name,
    () => {},
    () => {},
  );
  const { workerData } = workerThreads as { workerData: { heddleThread?: unknown } | null };
  if (workerData?.heddleThread !== undefined) Atomics.sub(processWords(memory), ProcessWord.Starting, 1);
  process.on("exit", () => {
    writer.emit(EventKind.ThreadEnd, workerThreads.threadId + 1, 0, 0, 0, 0);
    Atomics.or(slot.words, SlotWord.Ended, EndedBit.Said);
  });
  return true;
}

/** Fills in the slot, writes ThreadStart, watches the thread's health and publishes the recorder. */
function announce(
  memory: SharedArrayBuffer,
  slot: Slot,
  session: RecorderSession,
  name: string,
  whenFull: (waitedInVain: boolean) => void,
  ensureCollector: () => void,
): RingWriter {
  const number = workerThreads.threadId + 1;
  const tid = systemThreadId();
  const words = processWords(memory);
  slot.words[SlotWord.Thread] = number;
  slot.words[SlotWord.Tid] = tid;
  slot.words[SlotWord.Ended] = 0;
  slot.words[SlotWord.Dropped] = 0;
  slot.words[SlotWord.Grace] = 0;
  slot.words[SlotWord.Stuck] = 0;
  slot.ledgerU32.fill(0);
  slot.wordsF64[SlotWord.OffsetNs / 2] = clockOffsetNs(BigInt(session.originNs));
  Atomics.store(slot.words, SlotWord.Head, Atomics.load(slot.words, SlotWord.Tail));
  Atomics.store(slot.words, SlotWord.State, SlotState.Live);

  const writer = makeRingWriter(memory, slot, clock, whenFull);
  writer.emit(EventKind.ThreadStart, number, 0, tid, writer.intern(name), 0);
  let findCallSite: (() => string) | null = null;
  let lastWait = 0;
  let lastRequest = 0;
  /** This thread's numbers for objects that other processes made, by the maker's pid and number. */
  const sharedNumbers = new Map<number, Map<number, number>>();
  const recorder: ThreadRecorder = {
    now: clock,
    emitAt: writer.emitAt,
    emit: writer.emit,
    intern: writer.intern,
    callSite() {
      findCallSite ??= makeCallSiteFinder(__dirname);
      return writer.intern(findCallSite());
    },
    newObjectNumber: () => Atomics.add(words, ProcessWord.ObjectNumber, 1) + 1,
    recordObject(
      object: number,
      kind: ObjectKind,
      objectName: string,
      site: number,
      capacity: number,
      scope: ObjectScope = ObjectScope.Thread,
    ) {
      writer.emit(EventKind.ObjectCreate, object, site, capacity, writer.intern(objectName), kind);
      if (scope !== ObjectScope.Thread) writer.emit(EventKind.ObjectScope, object, 0, 0, scope, 0);
    },
    sharedObjectNumber(kind, makerPid, makerNumber, objectName, scope = ObjectScope.Process) {
      if (makerPid === process.pid) return makerNumber;
      let ofMaker = sharedNumbers.get(makerPid);
      if (ofMaker === undefined) {
        ofMaker = new Map();
        sharedNumbers.set(makerPid, ofMaker);
      }
      let object = ofMaker.get(makerNumber);
      if (object === undefined) {
        object = recorder.newObjectNumber();
        ofMaker.set(makerNumber, object);
        writer.emit(EventKind.ObjectShared, object, writer.intern(objectName), makerPid, makerNumber, kind);
        if (scope !== ObjectScope.Process) writer.emit(EventKind.ObjectScope, object, 0, 0, scope, 0);
      }
      return object;
    },
    newWaitNumber: () => ++lastWait,
    newRequestNumber: () => number * REQUESTS_OF_A_THREAD + ++lastRequest,
    traceClockOffset: (slot.wordsF64[SlotWord.OffsetNs / 2] as number) / 1e6,
    tick: words.subarray(ProcessWord.Tick, ProcessWord.Tick + 1),
    ledgerF64: slot.ledgerF64,
    ledgerU32: slot.ledgerU32,
    setStuck(state) {
      Atomics.store(slot.words, SlotWord.Stuck, state);
    },
    threadStarting() {
      Atomics.add(words, ProcessWord.Starting, 1);
    },
    threadGone(gone) {
      const used = Atomics.load(words, ProcessWord.UsedSlots);
      for (let i = 0; i < used; i++) {
        const other = slotAt(memory, i).words;
        if (other[SlotWord.Thread] === gone && Atomics.load(other, SlotWord.State) === SlotState.Live) {
          Atomics.or(other, SlotWord.Ended, EndedBit.Told);
        }
      }
    },
    sessionEnvironment: () => ({ [SESSION_VARIABLE]: JSON.stringify({ ...session, parentPid: process.pid }) }),
    ensureCollector,
  };
  Object.defineProperty(globalThis, RECORDER, { value: recorder });
  watchHealth(writer.emitQuietlyAt, clock);
  return writer;
}

/** Nanoseconds from the trace's origin to 0 of `performance.now()`: the best of a few tries. */
function clockOffsetNs(originNs: bigint): number {
  let best = Number.POSITIVE_INFINITY;
  let offset = 0;
  for (let i = 0; i < 4; i++) {
    const before = clock();
    const ns = Number(process.hrtime.bigint() - originNs);
    const after = clock();
    if (after - before >= best) continue;
    best = after - before;
    offset = ns - ((before + after) / 2) * 1e6;
  }
  return offset;
}
