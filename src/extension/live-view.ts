/** The small timeline of the sidebar: the run that goes on, or the last one. */
import type * as vscode from "vscode";
import { type TimelineServices, TimelineView, type TraceSource } from "./timeline-view.js";
import { traceName } from "./trace-folder.js";

export class LiveView implements vscode.WebviewViewProvider {
  readonly #services: TimelineServices;
  #source: TraceSource | undefined;
  #view: TimelineView | undefined;
  #frame: vscode.WebviewView | undefined;

  readonly #latest: () => Promise<TraceSource | undefined>;

  /** @param latest What to show before anything ran: the newest saved trace. */
  constructor(services: TimelineServices, latest: () => Promise<TraceSource | undefined>) {
    this.#services = services;
    this.#latest = latest;
  }

  resolveWebviewView(frame: vscode.WebviewView): void {
    const view = new TimelineView(frame.webview, "compact", this.#services);
    this.#frame = frame;
    this.#view = view;
    frame.onDidDispose(() => {
      view.dispose();
      if (this.#view === view) {
        this.#view = undefined;
        this.#frame = undefined;
      }
    });
    this.#show();
    if (this.#source === undefined) void this.showLatest();
  }

  /** Shows the newest trace, or that there is none. */
  async showLatest(): Promise<void> {
    const before = this.#source;
    const source = await this.#latest();
    // Something was shown meanwhile.
    if (this.#source !== before) return;
    this.#source = source;
    this.#show();
  }

  /** The trace that is shown may have another name now. */
  moved(from: string, to: string): void {
    if (this.#source?.path === from) this.show({ path: to, name: traceName(to) });
  }

  show(source: TraceSource): void {
    this.#source = source;
    this.#show();
  }

  get view(): TimelineView | undefined {
    return this.#view;
  }

  #show(): void {
    if (this.#frame !== undefined) this.#frame.description = this.#source?.name ?? "";
    if (this.#source !== undefined) this.#view?.show(this.#source);
    else this.#view?.clear();
  }
}
