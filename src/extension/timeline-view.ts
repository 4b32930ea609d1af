/**
 * Joins one web view with one trace: sends it the file's bytes as they come, and does what the page asks for.
 *
 * Panel, custom editor and sidebar are three frames around this.
 */
import * as vscode from "vscode";
import {
  defaultSettings,
  type FromWebview,
  type Headline,
  isFromWebview,
  type ToWebview,
  type ViewCommand,
  type ViewMode,
} from "../protocol/messages.js";
import { type Log, UserError } from "./log.js";
import { openSource } from "./source-opener.js";
import { timelineHtml, webviewOptions } from "./timeline-html.js";
import type { TraceRun } from "./trace-run.js";
import { type TailSink, TraceTail } from "./trace-tail.js";
import { WholeTrace } from "./whole-trace.js";

/** A trace to show: a file, and the run that writes it if it is one of ours. */
export interface TraceSource {
  /** Of a trace that is no file on disk, its URI. */
  readonly path: string;
  readonly name: string;
  readonly run?: TraceRun;
  /** How to read a trace that is no file on disk. */
  readonly read?: () => PromiseLike<Uint8Array>;
}

/** What the frames around a view share. */
export interface TimelineServices {
  readonly extensionUri: vscode.Uri;
  readonly log: Log;
  openTimeline(source: TraceSource, span?: { fromNs: number; toNs: number }): void;
  exportHtml(path: string): unknown;
}

/** The page's own account of what it has loaded; tests wait for it. */
export type ViewState = Extract<FromWebview, { type: "state" }>;

export class TimelineView implements vscode.Disposable {
  readonly mode: ViewMode;
  readonly #webview: vscode.Webview;
  readonly #services: TimelineServices;
  readonly #subscriptions: vscode.Disposable[] = [];
  readonly #stateChanged = new vscode.EventEmitter<ViewState>();
  readonly onDidChangeState = this.#stateChanged.event;
  #source: TraceSource | undefined;
  #runListener: vscode.Disposable | undefined;
  #tail: TraceTail | WholeTrace | undefined;
  #isReady = false;
  #isDisposed = false;
  /** Why there is nothing to show; "" if there may be. */
  #failure = "";
  #pendingSpan: { fromNs: number; toNs: number } | undefined;
  headline: Headline | undefined;
  state: ViewState | undefined;

  constructor(webview: vscode.Webview, mode: ViewMode, services: TimelineServices) {
    this.mode = mode;
    this.#webview = webview;
    this.#services = services;
    webview.options = webviewOptions(services.extensionUri);
    this.#subscriptions.push(
      this.#stateChanged,
      webview.onDidReceiveMessage((message: unknown) => {
        if (isFromWebview(message)) this.#receive(message);
      }),
    );
    webview.html = timelineHtml(webview, services.extensionUri, mode);
  }

  get source(): TraceSource | undefined {
    return this.#source;
  }

  /** Shows another trace, or this one from its beginning. */
  show(source: TraceSource): void {
    this.#source = source;
    this.headline = undefined;
    this.state = undefined;
    this.#runListener?.dispose();
    this.#runListener = source.run?.onDidChange(() => {
      if (!source.run!.isActive) this.#tail?.finish();
      this.#sendStatus();
    });
    if (this.#isReady) this.#load();
  }

  /** Shows nothing: the page begins anew. */
  clear(): void {
    if (this.#source === undefined) return;
    this.#source = undefined;
    this.headline = undefined;
    this.state = undefined;
    this.#runListener?.dispose();
    this.#tail?.dispose();
    this.#tail = undefined;
    this.#isReady = false;
    this.#webview.html = timelineHtml(this.#webview, this.#services.extensionUri, this.mode);
  }

  reveal(span: { fromNs: number; toNs: number }): void {
    if (this.#isReady && this.#tail !== undefined) void this.#send({ type: "reveal-time", ...span });
    else this.#pendingSpan = span;
  }

  command(command: ViewCommand): void {
    void this.#send({ type: "command", command });
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#tail?.dispose();
    this.#runListener?.dispose();
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #load(): void {
    this.#tail?.dispose();
    this.#failure = "";
    const source = this.#source;
    if (source === undefined) return;
    const isCurrent = () => this.#tail === tail && !this.#isDisposed;
    const sink: TailSink = {
      reset: async (live, size) => {
        if (!isCurrent()) return;
        const { name, path } = source;
        await this.#send({ type: "trace-reset", name, live, path, size });
        await this.#sendStatus();
      },
      bytes: async (bytes, done) => {
        if (!isCurrent()) return;
        await this.#send({ type: "trace-bytes", bytes, done });
        if (this.#pendingSpan !== undefined) {
          await this.#send({ type: "reveal-time", ...this.#pendingSpan });
          this.#pendingSpan = undefined;
        }
      },
    };
    const tail =
      source.read !== undefined
        ? new WholeTrace(source.read, sink)
        : new TraceTail(source.path, sink, source.run?.isActive ?? false);
    this.#tail = tail;
    tail.follow().catch(async (error: unknown) => {
      if (!isCurrent()) return;
      // A run that ended without ever writing says why in its terminal.
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      const detail = isMissing
        ? source.run === undefined
          ? "The file is gone: it was deleted or moved."
          : "The script ended before anything was recorded. Its terminal says why."
        : `The file cannot be read: ${error instanceof Error ? error.message : String(error)}`;
      this.#services.log.warn(`${source.path}: ${detail}`);
      this.#failure = detail;
      await this.#send({ type: "trace-reset", name: source.name, live: false });
      await this.#sendStatus();
    });
  }

  #sendStatus(): PromiseLike<unknown> {
    if (this.#failure !== "") return this.#send({ type: "trace-status", state: "failed", detail: this.#failure });
    const run = this.#source?.run;
    if (run === undefined) return this.#send({ type: "trace-status", state: "file", detail: "" });
    const detail = run.state === "ended" && run.exitCode !== undefined ? `Exit code ${run.exitCode}` : "";
    return this.#send({ type: "trace-status", state: run.state, detail });
  }

  #receive(message: FromWebview): void {
    switch (message.type) {
      case "ready":
        this.#isReady = true;
        void this.#send({ type: "settings", settings: defaultSettings });
        this.#load();
        break;
      case "open-source":
        void this.#openSource(message);
        break;
      case "stop":
        void this.#source?.run?.stop();
        break;
      case "open-timeline":
        if (this.#source !== undefined) {
          const { fromNs, toNs } = message;
          this.#services.openTimeline(this.#source, fromNs === null || toNs === null ? undefined : { fromNs, toNs });
        }
        break;
      case "export-html":
        if (this.#source !== undefined) void this.#services.exportHtml(this.#source.path);
        break;
      case "headline":
        this.headline = message.headline;
        this.#source?.run?.setHeadline(message.headline);
        break;
      case "state":
        this.state = message;
        this.#stateChanged.fire(message);
        break;
      case "error":
        this.#services.log.channel.error(`timeline: ${message.message}\n${message.stack}`);
        break;
    }
  }

  async #openSource(place: Extract<FromWebview, { type: "open-source" }>): Promise<void> {
    const { log } = this.#services;
    try {
      await openSource(place, this.#source?.path, this.#source?.run?.plan.cwd, place.keepFocus);
    } catch (error) {
      // A click that only looks around does not deserve a dialog, for instance in a trace from another machine.
      if (!place.keepFocus || !(error instanceof UserError)) return log.report(error, "opening a source");
      log.warn(error.message);
      vscode.window.setStatusBarMessage(`$(warning) ${error.message}`, 5000);
    }
  }

  /** A web view that is gone or hidden takes nothing; it asks again with `ready` when it is back. */
  #send(message: ToWebview): PromiseLike<unknown> {
    if (this.#isDisposed) return Promise.resolve(false);
    return this.#webview.postMessage(message);
  }
}
