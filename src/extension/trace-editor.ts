/** The custom editor of `.heddle` files: the same timeline for a saved trace, also while something still writes it. */
import * as vscode from "vscode";
import { type TimelineServices, TimelineView } from "./timeline-view.js";
import { traceName } from "./trace-folder.js";
import type { TraceRun } from "./trace-run.js";

export const traceViewType = "heddle.trace";

export class TraceEditorProvider implements vscode.CustomReadonlyEditorProvider {
  readonly #services: TimelineServices;
  readonly #runOf: (path: string) => TraceRun | undefined;
  readonly #editors = new Map<vscode.WebviewPanel, TimelineView>();

  /** @param runOf The run that writes a trace, if one of ours does. */
  constructor(services: TimelineServices, runOf: (path: string) => TraceRun | undefined) {
    this.#services = services;
    this.#runOf = runOf;
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose() {} };
  }

  resolveCustomEditor(document: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    const view = new TimelineView(panel.webview, "full", this.#services);
    this.#editors.set(panel, view);
    panel.onDidDispose(() => {
      view.dispose();
      this.#editors.delete(panel);
    });
    const { uri } = document;
    if (uri.scheme !== "file") {
      view.show({ path: uri.toString(), name: traceName(uri.path), read: () => vscode.workspace.fs.readFile(uri) });
      return;
    }
    const path = uri.fsPath;
    const run = this.#runOf(path);
    view.show({ path, name: traceName(path), ...(run && { run }) });
  }

  get active(): TimelineView | undefined {
    return [...this.#editors].find(([panel]) => panel.active)?.[1];
  }

  get views(): readonly TimelineView[] {
    return [...this.#editors.values()];
  }
}
