/**
 * Tells the user, once a run, that a script can never go on, and why. A run that goes on waiting is told of while it
 * stands there; one that the command line stops, when that has ended.
 *
 * Why it hangs is worked out by our own command line, in a process of its own: big traces do not hold up the editor.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import * as vscode from "vscode";
import type { JsonReport } from "../analysis/index.js";
import { HangMonitor, HUNG_EXIT_CODE } from "../runner/hang-monitor.js";
import type { Log } from "./log.js";
import { scriptName } from "./run-plan.js";
import type { TraceRun } from "./trace-run.js";
import { readSummary } from "./trace-summary.js";

/** Milliseconds between looks for the trace of a run that has just begun. */
const LOOK_MS = 300;
/** The longest explanation that a notification holds. */
const MOST_LETTERS = 400;
const SHOW = "Show Timeline";
const STOP = "Stop";

export interface HangNotice {
  readonly run: TraceRun;
  readonly message: string;
}

export class HangNotices implements vscode.Disposable {
  readonly #cli: string;
  readonly #log: Log;
  readonly #show: (run: TraceRun) => unknown;
  readonly #known = new WeakSet<TraceRun>();
  readonly #told = new WeakSet<TraceRun>();
  readonly #watching = new Set<() => void>();
  readonly #said = new vscode.EventEmitter<HangNotice>();
  readonly onDidTell = this.#said.event;

  /**
   * @param cli dist/cli.cjs.
   * @param show Opens a run's timeline.
   */
  constructor(cli: string, log: Log, show: (run: TraceRun) => unknown) {
    this.#cli = cli;
    this.#log = log;
    this.#show = show;
  }

  /** To be called when a run begins, changes its state, or ends. */
  update(run: TraceRun): void {
    if (run.isActive) {
      if (!this.#known.has(run)) this.#watch(run);
      this.#known.add(run);
    } else if (run.exitCode === HUNG_EXIT_CODE) {
      this.#tellOf(run).catch((error: unknown) => this.#log.warn(`a standstill could not be explained: ${error}`));
    }
  }

  dispose(): void {
    for (const stop of this.#watching) stop();
    this.#said.dispose();
  }

  #watch(run: TraceRun): void {
    let monitor: HangMonitor | undefined;
    const stop = () => {
      clearInterval(look);
      listener.dispose();
      monitor?.stop();
      this.#watching.delete(stop);
    };
    const listener = run.onDidChange(() => {
      if (!run.isActive) stop();
    });
    // The command line makes the file when it has begun.
    const look = setInterval(() => {
      if (!existsSync(run.plan.tracePath)) return;
      clearInterval(look);
      try {
        monitor = new HangMonitor(run.plan.tracePath, (hang) => {
          run.setHung(hang !== null);
          if (hang !== null && run.plan.onHang === "wait") {
            this.#tellOf(run).catch((error: unknown) => this.#log.warn(`a standstill could not be told: ${error}`));
          }
        });
      } catch (error) {
        this.#log.warn(`${run.plan.tracePath}: cannot be watched for standstills: ${error}`);
      }
    }, LOOK_MS);
    this.#watching.add(stop);
  }

  async #tellOf(run: TraceRun): Promise<void> {
    if (this.#told.has(run)) return;
    this.#told.add(run);
    const { tracePath } = run.plan;
    const wasStopped = !run.isActive;
    // A script may have an exit code of its own that is the same.
    if (wasStopped && !(await readSummary(tracePath)).hung) return;
    const name = scriptName(run.plan);
    const why = await this.#explain(tracePath);
    const message = `${name} can never go on${wasStopped ? ", so it was stopped" : ""}${why === "" ? "." : `: ${why}`}`;
    this.#log.warn(message);
    this.#said.fire({ run, message });
    const actions = run.isActive ? [SHOW, STOP] : [SHOW];
    const chosen = await vscode.window.showWarningMessage(plain(`Heddle: ${message}`), ...actions);
    if (chosen === SHOW) this.#show(run);
    else if (chosen === STOP) await run.stop();
  }

  /** Who waits for what; "" if that cannot be found out. */
  async #explain(tracePath: string): Promise<string> {
    try {
      const { findings } = await this.#report(tracePath);
      const found =
        findings.find(({ rule }) => rule === "deadlock") ?? findings.find(({ rule }) => rule === "standstill");
      return found?.detail ?? "";
    } catch (error) {
      this.#log.warn(`${tracePath}: why it cannot go on was not found out: ${error}`);
      return "";
    }
  }

  #report(tracePath: string): Promise<JsonReport> {
    return new Promise((done, fail) => {
      const env = { ...process.env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" };
      const options = { env, maxBuffer: 256 * 1024 * 1024 };
      execFile(process.execPath, [this.#cli, "report", "--json", tracePath], options, (error, stdout) => {
        if (error !== null) return fail(error);
        try {
          done(JSON.parse(stdout) as JsonReport);
        } catch (wrong) {
          fail(wrong);
        }
      });
    });
  }
}

/** Names of the user as text: a notification would make links of some. */
function plain(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
  const shown = message.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
  const text = shown.replaceAll("](", "] (");
  return text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text;
}
