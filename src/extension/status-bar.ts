/** The status bar while a script runs: which, for how long; a click shows it or stops it. */
import * as vscode from "vscode";
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
    const name = first.plan.script.split(/[\\/]/).pop();
    const more = others.length === 0 ? "" : ` +${others.length}`;
    const doing = first.state === "stopping" ? "stopping" : clock(first.elapsedMs);
    this.#item.text = `$(sync~spin) ${name}${more} ${doing}`;
    const cores = first.headline && `${first.headline.coresUsed.toFixed(1)} of ${first.headline.coresAvailable} cores`;
    this.#item.tooltip = `Heddle traces ${first.plan.script}${cores ? `\n${cores} in use` : ""}\nClick to show or stop it`;
    this.#item.show();
    this.#timer ??= setInterval(() => this.update(), 1000);
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#item.dispose();
  }
}

function clock(ms: number): string {
  const s = Math.floor(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
