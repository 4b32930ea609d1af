/**
 * One run of a script under trace, as a task in a real terminal: stdin, live output and the exit code are the
 * terminal's. The task runs our command line with the user's Node, so what happens here happens in any terminal.
 */
import * as vscode from "vscode";
import type { Headline, RunState } from "../protocol/messages.js";

export interface RunPlan {
  readonly script: string;
  readonly tracePath: string;
  readonly cwd: string;
  readonly folder: vscode.WorkspaceFolder | undefined;
  readonly node: string;
  readonly nodeArguments: readonly string[];
  /** dist/cli.cjs. */
  readonly cli: string;
  readonly environment: Readonly<Record<string, string | null>>;
  /** What becomes of the script when it can never go on. */
  readonly onHang: "stop" | "wait";
}

let runs = 0;

export class TraceRun implements vscode.Disposable {
  readonly plan: RunPlan;
  readonly startedAt = Date.now();
  state: RunState = "starting";
  /** undefined: not ended, or ended by Stop before it had one. */
  exitCode: number | undefined;
  endedAt: number | undefined;
  headline: Headline | undefined;
  #isHung = false;
  #execution: vscode.TaskExecution | undefined;
  #pid: number | undefined;
  readonly #task: vscode.Task;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[];
  readonly onDidChange = this.#changed.event;

  constructor(plan: RunPlan) {
    this.plan = plan;
    this.#task = makeTask(plan, ++runs);
    const isOurs = (execution: vscode.TaskExecution) =>
      execution === this.#execution || execution.task.definition.run === this.#task.definition.run;
    this.#subscriptions = [
      vscode.tasks.onDidStartTaskProcess((event) => {
        if (!isOurs(event.execution)) return;
        this.#pid = event.processId;
        if (this.state === "starting") this.#set("running");
      }),
      vscode.tasks.onDidEndTaskProcess((event) => {
        if (!isOurs(event.execution)) return;
        this.exitCode = event.exitCode;
        this.#end();
      }),
      vscode.tasks.onDidEndTask((event) => {
        if (isOurs(event.execution)) this.#end();
      }),
    ];
  }

  get isActive(): boolean {
    return this.state === "starting" || this.state === "running" || this.state === "stopping";
  }

  /** @throws Error if the task could not be started. */
  async start(): Promise<void> {
    try {
      this.#execution = await vscode.tasks.executeTask(this.#task);
    } catch (error) {
      this.#set("failed");
      this.dispose();
      throw error;
    }
  }

  /** Ends the script and all that it started; resolves when it has ended. */
  async stop(): Promise<void> {
    if (!this.isActive) return;
    this.#set("stopping");
    const ended = new Promise<void>((done) => {
      const listener = this.onDidChange(() => {
        if (this.isActive) return;
        listener.dispose();
        done();
      });
    });
    // The runner takes SIGTERM, ends its tree and writes the end mark. The terminal goes only if that did not do.
    const asked = this.#pid !== undefined && signal(this.#pid, "SIGTERM");
    const insist = setTimeout(() => this.#execution?.terminate(), asked ? 5000 : 0);
    await ended;
    clearTimeout(insist);
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

function makeTask(plan: RunPlan, run: number): vscode.Task {
  const args = [...plan.nodeArguments, plan.cli, "run", "--on-hang", plan.onHang, "--out", plan.tracePath, plan.script];
  const task = new vscode.Task(
    { type: "heddle", script: plan.script, run },
    plan.folder ?? vscode.TaskScope.Workspace,
    `Trace ${plan.script.split(/[\\/]/).pop()}`,
    "Heddle",
    execution(plan, args),
    [],
  );
  task.presentationOptions = {
    reveal: vscode.TaskRevealKind.Always,
    panel: vscode.TaskPanelKind.Shared,
    focus: false,
    clear: true,
    echo: false,
    showReuseMessage: false,
  };
  return task;
}

/** A task can set variables but not take any away; `env` can, and becomes Node itself. Windows has none: empty there. */
function execution(plan: RunPlan, args: readonly string[]): vscode.ProcessExecution {
  const entries = Object.entries(plan.environment);
  const unset = entries.flatMap(([name, value]) => (value === null ? [name] : []));
  const isWindows = process.platform === "win32";
  const env: Record<string, string> = {};
  for (const [name, value] of entries) if (value !== null || isWindows) env[name] = value ?? "";
  const options = { cwd: plan.cwd, env };
  if (unset.length === 0 || isWindows) return new vscode.ProcessExecution(plan.node, [...args], options);
  const taken = unset.flatMap((name) => ["-u", name]);
  return new vscode.ProcessExecution("/usr/bin/env", [...taken, plan.node, ...args], options);
}
