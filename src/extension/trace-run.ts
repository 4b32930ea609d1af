/**
 * One run of a script under trace, as a task in a real terminal: stdin, live output and the exit code are the
 * terminal's. The task runs our command line with the user's Node, so what happens here happens in any terminal.
 *
 * The terminal outlives the window: when that is loaded again, or the extension host is started again, the run goes on.
 * A run that was taken up ({@link TraceRun.takeUp}) looks at its process, and in its trace for how it ended, until VS
 * Code tells of its task again; it may never do so, for instance where the user has turned that off.
 */
import * as vscode from "vscode";
import type { Headline, RunState } from "../protocol/messages.js";
import { HUNG_EXIT_CODE } from "../runner/hang-monitor.js";
import { exists, processStart } from "./process-identity.js";
import type { RunPlan } from "./run-plan.js";
import { isTaskOf, makeTask } from "./run-task.js";
import { readSummary } from "./trace-summary.js";

/** What a later window needs in order to take a run up. */
export interface RunRecord {
  readonly plan: RunPlan;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The command line's process. */
  readonly pid: number;
  /** Tells it from another process that gets the number later; see {@link processStart}. */
  readonly processStart: string;
}

/** How often a process is looked at, of whose end nobody tells: milliseconds. */
const LOOK_MS = 250;
/** How long a run that was asked to stop may take, milliseconds. It ends its own tree within a second. */
const PATIENCE_MS = 5000;

export class TraceRun implements vscode.Disposable {
  readonly plan: RunPlan;
  readonly startedAt: number;
  state: RunState = "starting";
  /** undefined: not ended, or ended without one. */
  exitCode: number | undefined;
  endedAt: number | undefined;
  headline: Headline | undefined;
  #isHung = false;
  #execution: vscode.TaskExecution | undefined;
  #pid: number | undefined;
  #record: RunRecord | undefined;
  /** Resolves when it is known whether the process of that number is still ours. */
  #isKnown: Promise<void> = Promise.resolve();
  #isFollowed = false;
  #look: NodeJS.Timeout | undefined;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[];
  readonly onDidChange = this.#changed.event;

  private constructor(plan: RunPlan, startedAt: number) {
    this.plan = plan;
    this.startedAt = startedAt;
    const isOurs = ({ execution }: { execution: vscode.TaskExecution }) => isTaskOf(execution.task, plan.tracePath);
    this.#subscriptions = [
      vscode.tasks.onDidStartTaskProcess((event) => {
        if (!isOurs(event)) return;
        this.#pid = event.processId;
        this.#execution ??= event.execution;
        // From now on VS Code tells of it.
        clearTimeout(this.#look);
        this.#isFollowed = false;
        void this.#makeRecord(event.processId);
        if (this.state === "starting") this.#set("running");
      }),
      vscode.tasks.onDidEndTaskProcess((event) => {
        if (!isOurs(event)) return;
        this.exitCode = event.exitCode;
        this.#end();
      }),
      vscode.tasks.onDidEndTask((event) => {
        if (isOurs(event)) this.#end();
      }),
    ];
  }

  /** A run that is still to be started. */
  static of(plan: RunPlan): TraceRun {
    return new TraceRun(plan, Date.now());
  }

  /** A run that an earlier window started. It counts as running until it is known that it has ended. */
  static takeUp(record: RunRecord): TraceRun {
    const run = new TraceRun(record.plan, record.startedAt);
    run.state = "running";
    run.#pid = record.pid;
    run.#record = record;
    run.#isKnown = processStart(record.pid).then(async (start) => {
      if (start !== record.processStart) await run.#endUnseen();
      else if (run.#execution === undefined) run.#follow(record.pid);
    });
    return run;
  }

  get isActive(): boolean {
    return this.state === "starting" || this.state === "running" || this.state === "stopping";
  }

  /** What another window needs to take it up; undefined as long as there is no process, and after the end. */
  get record(): RunRecord | undefined {
    return this.isActive ? this.#record : undefined;
  }

  /** @throws Error if the task could not be started. */
  async start(): Promise<void> {
    try {
      this.#execution = await vscode.tasks.executeTask(makeTask(this.plan));
    } catch (error) {
      this.#set("failed");
      this.dispose();
      throw error;
    }
  }

  /** Ends the script and all that it started; resolves when it has ended. */
  async stop(): Promise<void> {
    await this.#isKnown;
    if (!this.isActive) return;
    const ended = new Promise<void>((done) => {
      const listener = this.onDidChange(() => {
        if (this.isActive) return;
        listener.dispose();
        done();
      });
    });
    this.#set("stopping");
    // The runner takes SIGTERM, ends its tree and writes the end mark. The terminal goes only if that did not do.
    const asked = this.#pid !== undefined && signal(this.#pid, "SIGTERM");
    const insist = setTimeout(() => void this.#insist(), asked ? PATIENCE_MS : 0);
    await ended;
    clearTimeout(insist);
  }

  async #insist(): Promise<void> {
    if (this.#execution !== undefined) return this.#execution.terminate();
    for (const terminal of vscode.window.terminals) {
      if ((await terminal.processId) === this.#pid) terminal.dispose();
    }
    if (this.isActive && this.#pid !== undefined) signal(this.#pid, "SIGKILL");
  }

  /** It goes on waiting for what nobody will ever bring. */
  get isHung(): boolean {
    return this.#isHung && this.isActive;
  }

  setHung(isHung: boolean): void {
    if (isHung === this.#isHung) return;
    this.#isHung = isHung;
    this.#changed.fire();
  }

  /** Milliseconds since the start, up to the end. */
  get elapsedMs(): number {
    return (this.endedAt ?? Date.now()) - this.startedAt;
  }

  setHeadline(headline: Headline): void {
    this.headline = headline;
  }

  async #makeRecord(pid: number): Promise<void> {
    const start = await processStart(pid);
    if (start === undefined || !this.isActive) return;
    this.#record = { plan: this.plan, startedAt: this.startedAt, pid, processStart: start };
    this.#changed.fire();
  }

  /** Waits for the end of a process of which VS Code tells nothing. */
  #follow(pid: number): void {
    this.#isFollowed = true;
    const look = async () => {
      const isThere = await exists(pid);
      if (!this.#isFollowed || !this.isActive) return;
      if (isThere) this.#look = setTimeout(look, LOOK_MS);
      else await this.#endUnseen();
    };
    void look();
  }

  /** It has ended, and the trace says how. */
  async #endUnseen(): Promise<void> {
    const summary = await readSummary(this.plan.tracePath).catch(() => undefined);
    const wasStopped = summary?.hung === true && this.plan.onHang === "stop";
    this.exitCode ??= wasStopped ? HUNG_EXIT_CODE : (summary?.exitCode ?? undefined);
    this.#end();
  }

  #end(): void {
    if (!this.isActive) return;
    this.endedAt = Date.now();
    this.#set("ended");
  }

  #set(state: RunState): void {
    this.state = state;
    this.#changed.fire();
  }

  dispose(): void {
    this.#isFollowed = false;
    clearTimeout(this.#look);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
