/** The timeline beside the editor: one panel for a script, used again by its next run. */
import * as vscode from "vscode";
import { type TimelineServices, TimelineView, type TraceSource } from "./timeline-view.js";

interface Panel {
  readonly panel: vscode.WebviewPanel;
  readonly view: TimelineView;
}

export class TimelinePanels implements vscode.Disposable {
  readonly #services: TimelineServices;
  readonly #panels = new Map<string, Panel>();
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.#changed.event;

  constructor(services: TimelineServices) {
    this.#services = services;
  }

  /** Shows a trace beside the active editor, without taking the focus from it. */
  show(source: TraceSource): TimelineView {
    const key = source.run?.plan.script ?? source.path;
    const showing = [...this.#panels.values()].find(({ view }) => view.source?.path === source.path);
    const known = showing ?? this.#panels.get(key);
    const title = `${source.name} — Timeline`;
    if (known !== undefined) {
      known.panel.title = title;
      if (known.view.source?.path !== source.path) known.view.show(source);
      known.panel.reveal(undefined, true);
      return known.view;
    }
    const panel = vscode.window.createWebviewPanel(
      "heddle.timeline",
      title,
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      // Reading a big trace again at each change of tabs would take seconds.
      { retainContextWhenHidden: true },
    );
    const icon = (theme: string) => vscode.Uri.joinPath(this.#services.extensionUri, "media", `timeline-${theme}.svg`);
    panel.iconPath = { light: icon("light"), dark: icon("dark") };
    const view = new TimelineView(panel.webview, "full", this.#services);
    this.#panels.set(key, { panel, view });
    panel.onDidChangeViewState(() => this.#changed.fire());
    panel.onDidDispose(() => {
      view.dispose();
      this.#panels.delete(key);
      this.#changed.fire();
    });
    view.show(source);
    this.#changed.fire();
    return view;
  }

  /** The view of the focused panel. */
  get active(): TimelineView | undefined {
    return [...this.#panels.values()].find(({ panel }) => panel.active)?.view;
  }

  get views(): readonly TimelineView[] {
    return [...this.#panels.values()].map(({ view }) => view);
  }

  /** Closes the panel that shows a trace which is no more. */
  close(path: string): void {
    for (const { panel, view } of [...this.#panels.values()]) if (view.source?.path === path) panel.dispose();
  }

  dispose(): void {
    for (const { panel } of [...this.#panels.values()]) panel.dispose();
    this.#changed.dispose();
  }
}
