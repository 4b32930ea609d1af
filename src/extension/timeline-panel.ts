/**
 * The timeline beside the editor: one panel for a script, used again by its next run, and kept over a reload of the
 * window.
 */
import { resolve } from "node:path";
import * as vscode from "vscode";
import { isRememberedView } from "../protocol/messages.js";
import { type TimelineServices, TimelineView, type TraceSource } from "./timeline-view.js";
import { traceName } from "./trace-folder.js";
import type { TraceRun } from "./trace-run.js";
import { readSummary } from "./trace-summary.js";

/** The manifest wakes us for panels of this type. */
export const panelViewType = "heddle.timeline";

interface Panel {
  readonly panel: vscode.WebviewPanel;
  readonly view: TimelineView;
  /** The script whose next run is shown here; "" if it is not known. */
  script: string;
}

export class TimelinePanels implements vscode.WebviewPanelSerializer, vscode.Disposable {
  readonly #services: TimelineServices;
  readonly #runOf: (path: string) => TraceRun | undefined;
  readonly #takenUp: TraceSource[] = [];
  readonly #panels = new Set<Panel>();
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;

  /** @param runOf The run that writes a trace, if one of ours does. */
  constructor(services: TimelineServices, runOf: (path: string) => TraceRun | undefined) {
    this.#services = services;
    this.#runOf = runOf;
  }

  /** Shows a trace beside the active editor, without taking the focus from it. */
  show(source: TraceSource): TimelineView {
    const known = this.#panelFor(source);
    const title = titleOf(source);
    if (known !== undefined) {
      known.panel.title = title;
      if (known.view.source?.path !== source.path) known.view.show(source);
      known.panel.reveal(undefined, true);
      return known.view;
    }
    const panel = vscode.window.createWebviewPanel(
      panelViewType,
      title,
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      // Reading a big trace again at each change of tabs would take seconds.
      { retainContextWhenHidden: true },
    );
    const added = this.#add(panel, source.run?.plan.script ?? "");
    added.view.show(source);
    return added.view;
  }

  /** To be told of runs that an earlier window showed, newest last, before VS Code brings its panels back. */
  expect(source: TraceSource): void {
    this.#takenUp.push(source);
  }

  /** The newest of those runs that no panel shows. */
  #lost(): TraceSource | undefined {
    const shown = new Set([...this.#panels].map(({ view }) => view.source?.path));
    return this.#takenUp.findLast(({ path }) => !shown.has(path));
  }

  /** VS Code brings a panel back after the window was reloaded, with what its page remembered. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    if (!isRememberedView(state)) {
      // Its page had no time to remember anything: then the run that has lost its panel is meant.
      const source = this.#lost();
      if (source === undefined) panel.dispose();
      else this.#add(panel, source.run?.plan.script ?? "").view.show(source);
      return;
    }
    const { path, name } = state;
    const run = this.#runOf(path);
    const added = this.#add(panel, run?.plan.script ?? "");
    added.view.show({ path, name, ...(run && { run }) });
    if (run !== undefined) return;
    const summary = await readSummary(path).catch(() => undefined);
    const script = summary?.command[0];
    if (summary !== undefined && script !== undefined) added.script ||= resolve(summary.cwd, script);
  }

  /** A panel that shows the trace, else the one of its script. One whose script still runs is left to that run. */
  #panelFor(source: TraceSource): Panel | undefined {
    const all = [...this.#panels];
    const script = source.run?.plan.script;
    return (
      all.find(({ view }) => view.source?.path === source.path) ??
      all.find((one) => one.script !== "" && one.script === script && !one.view.source?.run?.isActive)
    );
  }

  #add(panel: vscode.WebviewPanel, script: string): Panel {
    const icon = (theme: string) => vscode.Uri.joinPath(this.#services.extensionUri, "media", `timeline-${theme}.svg`);
    panel.iconPath = { light: icon("light"), dark: icon("dark") };
    const added: Panel = { panel, view: new TimelineView(panel.webview, "full", this.#services), script };
    this.#panels.add(added);
    panel.onDidChangeViewState(() => this.#changed.fire());
    panel.onDidDispose(() => {
      added.view.dispose();
      this.#panels.delete(added);
      this.#changed.fire();
    });
    this.#changed.fire();
    return added;
  }

  /** The view of the focused panel. */
  get active(): TimelineView | undefined {
    return [...this.#panels].find(({ panel }) => panel.active)?.view;
  }

  get views(): readonly TimelineView[] {
    return [...this.#panels].map(({ view }) => view);
  }

  /** The panel that shows a trace goes on with it under its new name. */
  moved(from: string, to: string): void {
    for (const { panel, view } of this.#panels) {
      if (view.source?.path !== from) continue;
      const source = { path: to, name: traceName(to) };
      panel.title = titleOf(source);
      view.show(source);
    }
  }

  /** Closes the panel that shows a trace which is no more. */
  close(path: string): void {
    for (const { panel, view } of [...this.#panels]) if (view.source?.path === path) panel.dispose();
  }

  /** The panels themselves stay: a window that is loaded again brings them back. */
  dispose(): void {
    for (const { view } of this.#panels) view.dispose();
    this.#changed.dispose();
  }
}

function titleOf(source: TraceSource): string {
  return `${source.name} — Timeline`;
}
