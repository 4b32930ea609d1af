/**
 * From the bytes of a `.heddle` file to the model, while the file grows or at once.
 *
 * Each process writes what its threads did, drain by drain, and says up to which time that is complete; the runner
 * adds context switches or samples, likewise. What all of them have told of is handled in order of time; what is
 * newer waits. A source that falls behind by more than some patience (a process whose collector hangs, a
 * runner that was killed) is not waited for: what it tells late is put in where it still fits.
 *
 * Everything happens frame by frame, so the model does not depend on the pieces the bytes came in.
 */
import { EventKind } from "../trace/events.js";
import type { ThreadEvents } from "../trace/frames.js";
import {
  type ProcessEndFrame,
  type ProcessStartFrame,
  type SystemThreadsFrame,
  TraceFormatError,
  type TraceFrame,
  TraceReader,
} from "../trace/reader.js";
import { RecordApplier } from "./apply-events.js";
import { AgendaSource, ColumnsSource, runMerged, type Source } from "./event-merge.js";
import { GrowingModel, type ProcessGroup } from "./growing-model.js";
import type { TraceModel } from "./model.js";
import { Scheduling } from "./scheduling.js";

/** How far behind the newest a source may be before the others go on without it. */
const PATIENCE_NS = { live: 1e9, saved: 10e9 };
/** The same for a process that has not told anything yet: it may never do so, or only be slow to start on a busy machine. */
const START_PATIENCE_NS = { live: 0.5e9, saved: 5e9 };

/** Up to where a process, the switches or the samples are complete. */
interface Progress {
  completeTo: number;
  spoke: boolean;
  ended: boolean;
}

interface ThreadInput {
  readonly source: ColumnsSource<ThreadEvents>;
  readonly applier: RecordApplier;
}

export class TraceBuilder {
  readonly #model = new GrowingModel();
  readonly #reader = new TraceReader();
  readonly #scheduling = new Scheduling(this.#model);
  readonly #agenda = new AgendaSource(Number.MAX_SAFE_INTEGER);
  readonly #switches = new ColumnsSource(0, this.#scheduling.applySwitch);
  readonly #samples = new ColumnsSource(1, this.#scheduling.applySample);
  readonly #looks = new ColumnsSource(1.5, this.#scheduling.applyLook);
  readonly #threads = new Map<number, Map<number, ThreadInput>>();
  readonly #progress = new Map<number | "switches" | "samples", Progress>();
  /** Sources that have something. */
  #active: Source[] = [];
  #newest = 0;
  #endMark = Number.NaN;
  #damage = 0;
  #version = 0;
  #problem: string | null = null;
  #finished = false;

  /**
   * What is pushed now was saved before: nobody waits to see it, so that late tellers can be waited for longer. To be
   * set to false where the trace goes on live.
   */
  saved = false;

  get model(): TraceModel {
    return this.#model;
  }

  /** Rises with each change of the model. */
  get version(): number {
    return this.#version;
  }

  /** Why the file cannot be read at all, in words for a person; null if it can. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Takes the next bytes of the file. Never throws: see {@link problem}. */
  push(bytes: Uint8Array): void {
    if (this.#problem !== null || this.#finished || bytes.length === 0) return;
    this.#model.recorder.bytes += bytes.length;
    try {
      for (const frame of this.#reader.push(bytes)) this.#take(frame);
    } catch (error) {
      this.#fail(error);
    }
    this.#version++;
  }

  /** No more bytes come. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    const model = this.#model;
    if (this.#problem === null) {
      try {
        const ending = this.#reader.finish((frame) => this.#take(frame));
        model.cut = ending.cut;
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#run(Number.MAX_VALUE);
    const end = Number.isNaN(this.#endMark) ? Math.max(model.endNs, 0) : Math.max(model.endNs, this.#endMark);
    model.endNs = end;
    this.#scheduling.finish(end);
    for (const lane of model.threads) {
      const group = model.processes[lane.process]!;
      // What the process's end says of its threads was handled before a late drain made this one.
      if (Number.isNaN(lane.endNs) && !Number.isNaN(group.endNs))
        model.finishThread(lane, Math.max(group.endNs, latestOf(lane)));
      lane.settle(end);
    }
    model.complete = true;
    this.#version++;
  }

  #fail(error: unknown): void {
    if (error instanceof TraceFormatError) this.#problem = error.message;
    else throw error;
  }

  #take(frame: TraceFrame): void {
    const model = this.#model;
    switch (frame.type) {
      case "header":
        model.command = frame.command;
        model.cwd = frame.cwd;
        model.startedAt = frame.startedAt;
        model.coresAvailable = frame.cores;
        return;
      case "core-source":
        model.coreSource = frame.source;
        if (frame.source === "perf") this.#advance("switches", 0);
        else if (frame.source === "sampled") {
          this.#advance("samples", 0);
          for (const lane of model.threads) lane.useSamples();
        }
        return;
      case "process-start":
        this.#processStart(frame);
        return;
      case "process-end":
        this.#processEnd(frame);
        break;
      case "system-threads":
        this.#systemThreads(frame);
        break;
      case "events": {
        const group = this.#process(frame.pid);
        model.recorder.overheadNs += frame.costNs;
        for (const events of frame.threads) {
          const input = this.#thread(group, events.thread);
          for (const { number, text } of events.texts) input.applier.defineText(number, text);
          model.recorder.events += events.count;
          if (events.count === 0) continue;
          this.#awaitChildren(events);
          this.#activate(input.source);
          input.source.add(events);
        }
        this.#advance(frame.pid, frame.completeTo);
        break;
      }
      case "switches":
        this.#activate(this.#switches);
        this.#switches.add(frame);
        this.#advance("switches", frame.completeTo);
        break;
      case "samples":
        this.#activate(this.#samples);
        this.#samples.add(frame);
        this.#advance("samples", frame.completeTo);
        break;
      case "hang":
        this.#process(frame.pid).hungSinceNs = frame.hung ? frame.sinceNs : Number.NaN;
        break;
      case "core-times":
        this.#scheduling.coreTimes(frame);
        return;
      case "off-core":
        this.#activate(this.#looks);
        this.#looks.add(frame);
        break;
      case "end":
        this.#endMark = frame.t;
        model.exitCode = frame.exitCode;
        model.signal = frame.signal;
        for (const progress of this.#progress.values()) progress.ended = true;
        break;
      case "damage":
        this.#damage += frame.length;
        model.cut = `${this.#damage} damaged bytes were skipped.`;
        return;
    }
    this.#run(this.#watermark());
  }

  #process(pid: number): ProcessGroup {
    const group = this.#model.process(pid);
    if (!this.#progress.has(pid)) {
      const from = Number.isNaN(group.startNs) ? 0 : group.startNs;
      this.#progress.set(pid, { completeTo: from, spoke: false, ended: false });
    }
    return group;
  }

  #thread(group: ProcessGroup, number: number): ThreadInput {
    let inputs = this.#threads.get(group.pid);
    if (inputs === undefined) {
      inputs = new Map();
      this.#threads.set(group.pid, inputs);
    }
    let input = inputs.get(number);
    if (input === undefined) {
      const applier = new RecordApplier(this.#model, group, number);
      // At one instant: switches first, then threads in the order of their processes and numbers, ends last.
      input = { applier, source: new ColumnsSource(2 + group.index * 2 ** 32 + number, applier.apply) };
      inputs.set(number, input);
    }
    return input;
  }

  /** What a process does from its start on is waited for, also before it has told anything itself. */
  #awaitChildren({ kind, a, t }: ThreadEvents): void {
    for (let at = kind.indexOf(EventKind.ProcessSpawn); at >= 0; at = kind.indexOf(EventKind.ProcessSpawn, at + 1)) {
      const pid = a[at]!;
      if (!(pid > 0)) continue;
      const child = this.#model.process(pid);
      if (Number.isNaN(child.startNs)) child.startNs = t[at]!;
      this.#process(pid);
    }
  }

  #activate(source: Source): void {
    if (!this.#active.includes(source)) this.#active.push(source);
  }

  #advance(who: number | "switches" | "samples", completeTo: number): void {
    let progress = this.#progress.get(who);
    if (progress === undefined) {
      progress = { completeTo: 0, spoke: false, ended: false };
      this.#progress.set(who, progress);
    }
    if (completeTo > 0) progress.spoke = true;
    if (completeTo > progress.completeTo) progress.completeTo = completeTo;
    if (completeTo > this.#newest) this.#newest = completeTo;
  }

  #watermark(): number {
    if (!Number.isNaN(this.#endMark)) return Number.MAX_VALUE;
    const of = this.saved ? "saved" : "live";
    let lowest = Number.POSITIVE_INFINITY;
    for (const { completeTo, spoke, ended } of this.#progress.values()) {
      if (ended) continue;
      const known = Math.max(completeTo, this.#newest - (spoke ? PATIENCE_NS[of] : START_PATIENCE_NS[of]));
      if (known < lowest) lowest = known;
    }
    return lowest === Number.POSITIVE_INFINITY ? this.#newest : lowest;
  }

  #run(watermark: number): void {
    const model = this.#model;
    if (this.#active.length > 0) {
      runMerged(this.#active, watermark);
      let latest = 0;
      for (const source of this.#active) if (source.latest > latest) latest = source.latest;
      if (latest > model.endNs) model.endNs = latest;
      this.#active = this.#active.filter((source) => source.key !== Number.POSITIVE_INFINITY);
    }
    if (watermark !== Number.MAX_VALUE && watermark > model.endNs) model.endNs = watermark;
  }

  #processStart(frame: ProcessStartFrame): void {
    const group = this.#process(frame.pid);
    if (frame.parentPid > 0) group.parentPid = frame.parentPid;
    if (frame.name !== "" && !group.namedByParent) group.name = frame.name;
    if (!(group.startNs <= frame.t)) group.startNs = frame.t;
  }

  #processEnd(frame: ProcessEndFrame): void {
    const model = this.#model;
    const group = this.#process(frame.pid);
    group.endedBy(frame.exitCode, frame.signal);
    this.#progress.get(frame.pid)!.ended = true;
    this.#activate(this.#agenda);
    this.#agenda.at(frame.t, (t) => {
      // The process itself says when it begins to end, the system when it has ended.
      if (!(group.endNs >= t)) group.endNs = t;
      model.finishProcess(group, t);
    });
  }

  #systemThreads(frame: SystemThreadsFrame): void {
    for (const thread of frame.threads) {
      const lane = this.#model.systemThread(thread.pid, thread.tid);
      if (lane.number === 0) {
        if (thread.name !== "") lane.name = thread.name;
        if (thread.startNs !== null && !(lane.startNs <= thread.startNs)) lane.startNs = thread.startNs;
      }
      if (thread.startNs !== null && this.#model.coreSource === "perf") {
        this.#activate(this.#agenda);
        this.#agenda.at(thread.startNs, (t) => lane.born(t));
      }
      if (thread.endNs !== null) {
        this.#activate(this.#agenda);
        this.#agenda.at(thread.endNs, (t) => {
          this.#scheduling.gone(lane, t);
          this.#model.finishThread(lane, t);
        });
      }
    }
  }
}

function latestOf(lane: { readonly slices: { readonly count: number; readonly start: Float64Array } }): number {
  return lane.slices.count === 0 ? 0 : lane.slices.start[lane.slices.count - 1]!;
}
