/** The status bar while a script runs: which, for how long; a click shows it or stops it. */
import * as vscode from "vscode";
import { scriptName } from "./run-plan.js";
import type { TraceRun } from "./trace-run.js";

export class RunStatus implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem("heddle.run", vscode.StatusBarAlignment.Left, 50);
  readonly #runs: () => readonly TraceRun[];
  #timer: NodeJS.Timeout | undefined;

  /** @param runs The runs that go on. */
  constructor(runs: () => readonly TraceRun[]) {
    this.#runs = runs;
    this.#item.name = "Heddle: Traced Scripts";
    this.#item.command = "heddle.showRun";
  }

  /** To be called when a run begins or ends. */
  update(): void {
    const [first, ...others] = this.#runs();
    if (first === undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#item.hide();
      return;
    }
    const more = others.length === 0 ? "" : ` +${others.length}`;
    const doing = first.state === "stopping" ? "stopping" : clock(first.elapsedMs);
    // The one that the user has to do something about.
    const hung = this.#runs().find((run) => run.isHung);
    if (hung !== undefined) {
      this.#item.text = `$(error) ${fileName(hung)}${more} can never go on`;
      this.#item.tooltip = `${hung.plan.script} waits for what nobody will ever bring\nClick to show or stop it`;
      this.#item.backgroundColor = new vscode.ThemeColor("statusBarItem.errorBackground");
      this.#show();
      return;
    }
    this.#item.backgroundColor = undefined;
    this.#item.text = `$(sync~spin) ${fileName(first)}${more} ${doing}`;
    const cores = first.headline && `${first.headline.coresUsed.toFixed(1)} of ${first.headline.coresAvailable} cores`;
    this.#item.tooltip = `Heddle traces ${first.plan.script}${cores ? `\n${cores} in use` : ""}\nClick to show or stop it`;
    this.#show();
  }

  #show(): void {
    this.#item.show();
    this.#timer ??= setInterval(() => this.update(), 1000);
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#item.dispose();
  }
}

function fileName(run: TraceRun): string {
  return asText(scriptName(run.plan));
}

/** A name where VS Code would show an icon for `$(…)`. */
export function asText(name: string): string {
  return name.replaceAll("$(", "$\u200b(");
}

function clock(ms: number): string {
  const s = Math.floor(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
