/**
 * The list of traces in the sidebar: newest first, each with when, how long, and how it ended.
 *
 * A trace keeps its row for as long as it is there, and the whole list is renewed only when other traces are in it, or
 * in another order: while VS Code renews a list it knows none of its rows, and what is chosen from a menu that is open
 * on one comes without it.
 */
import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import * as vscode from "vscode";
import { listTraces, traceName } from "./trace-folder.js";
import type { TraceRun } from "./trace-run.js";
import { formatDuration, isBeingWritten, readSummary, type TraceSummary } from "./trace-summary.js";

/** How soon a trace is looked at again that something else writes, a run in a terminal for instance: milliseconds. */
const LOOK_MS = 1000;

/** A row of the list: one for each path, always the same. */
export interface TraceNode {
  readonly path: string;
}

export class TracesTree implements vscode.TreeDataProvider<TraceNode>, vscode.Disposable {
  readonly #folders: () => readonly string[];
  readonly #runOf: (path: string) => TraceRun | undefined;
  readonly #changed = new vscode.EventEmitter<TraceNode[] | undefined>();
  /** Summaries by path, size and time: a finished file is read once. */
  readonly #summaries = new Map<string, TraceSummary>();
  readonly #nodes = new Map<string, TraceNode>();
  /** The rows that VS Code has. */
  #shown: readonly TraceNode[] = [];
  #looking: Promise<void> | undefined;
  #isToLookAgain = false;
  readonly #looks = new Map<TraceNode, NodeJS.Timeout>();
  #watchers: vscode.Disposable[] = [];
  #watched = "";
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(folders: () => readonly string[], runOf: (path: string) => TraceRun | undefined) {
    this.#folders = folders;
    this.#runOf = runOf;
  }

  /** Looks at the folders again. */
  refresh(): void {
    if (this.#looking !== undefined) {
      this.#isToLookAgain = true;
      return;
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined;
      if (!this.#isToLookAgain) return;
      this.#isToLookAgain = false;
      this.refresh();
    });
  }

  async #look(): Promise<void> {
    const nodes = await this.list();
    const shown = this.#shown;
    const isSame = nodes.length === shown.length && nodes.every((node, i) => node === shown[i]);
    this.#changed.fire(isSame ? nodes : undefined);
  }

  /** For VS Code: what it gets here counts as shown. */
  async getChildren(node?: TraceNode): Promise<TraceNode[]> {
    if (node !== undefined) return [];
    const nodes = await this.list();
    this.#shown = nodes;
    return nodes;
  }

  /** The traces of all folders, newest first. */
  async list(): Promise<TraceNode[]> {
    const folders = [...new Set(this.#folders())];
    this.#watch(folders);
    const paths = new Set((await Promise.all(folders.map(listTraces))).flat());
    const found = await Promise.all(
      [...paths].map(async (path) => {
        const info = await stat(path).catch(() => undefined);
        return info?.isFile() ? [{ path, modified: info.mtimeMs }] : [];
      }),
    );
    for (const path of this.#nodes.keys()) if (!paths.has(path)) this.#nodes.delete(path);
    return found
      .flat()
      .sort((a, b) => b.modified - a.modified)
      .map(({ path }) => this.#nodeOf(path));
  }

  #nodeOf(path: string): TraceNode {
    const known = this.#nodes.get(path);
    if (known !== undefined) return known;
    const node = { path };
    this.#nodes.set(path, node);
    return node;
  }

  async getTreeItem(node: TraceNode): Promise<vscode.TreeItem> {
    const run = this.#runOf(node.path);
    const item = new vscode.TreeItem(traceName(node.path), vscode.TreeItemCollapsibleState.None);
    item.id = node.path;
    item.resourceUri = vscode.Uri.file(node.path);
    item.command = { command: "heddle.openTimeline", title: "Show Timeline", arguments: [node] };
    if (run?.isActive) {
      item.description = `${run.isHung ? "hung, " : ""}running since ${when(run.startedAt)}`;
      item.iconPath = new vscode.ThemeIcon(run.isHung ? "error" : "sync~spin");
      item.contextValue = "trace-running";
      return item;
    }
    const info = await stat(node.path).catch(() => undefined);
    const summary = info && (await this.#summary(node.path, info));
    if (run === undefined && summary !== undefined && isBeingWritten(summary, info!.mtimeMs)) {
      item.description = `recording since ${when(summary.startedAt)}`;
      item.iconPath = new vscode.ThemeIcon("sync~spin");
      item.contextValue = "trace-running";
      this.#lookAgainAt(node);
      return item;
    }
    item.contextValue = "trace";
    item.description = summary === undefined ? "cannot be read" : describe(summary);
    item.iconPath = icon(summary);
    if (summary !== undefined) item.tooltip = tooltip(node.path, summary);
    return item;
  }

  /** Nobody tells of the end of a run that is not of this window. */
  #lookAgainAt(node: TraceNode): void {
    if (this.#looks.has(node)) return;
    const look = setTimeout(() => {
      this.#looks.delete(node);
      this.#changed.fire([node]);
    }, LOOK_MS);
    this.#looks.set(node, look);
  }

  async #summary(path: string, { size, mtimeMs }: Stats): Promise<TraceSummary | undefined> {
    const key = `${path}\0${size}\0${mtimeMs}`;
    const known = this.#summaries.get(key);
    if (known !== undefined) return known;
    const summary = await readSummary(path).catch(() => undefined);
    if (summary !== undefined) {
      if (this.#summaries.size > 2000) this.#summaries.clear();
      this.#summaries.set(key, summary);
    }
    return summary;
  }

  /** Files that come and go show by themselves; one that only changes needs no new list. */
  #watch(folders: readonly string[]): void {
    const key = folders.join("\0");
    if (key === this.#watched) return;
    this.#watched = key;
    this.#unwatch();
    for (const folder of folders) {
      const pattern = new vscode.RelativePattern(vscode.Uri.file(folder), "*.heddle");
      const watcher = vscode.workspace.createFileSystemWatcher(pattern);
      watcher.onDidCreate(() => this.refresh());
      watcher.onDidChange(({ fsPath }) => {
        const node = this.#nodes.get(fsPath);
        if (node !== undefined && !this.#runOf(fsPath)?.isActive) this.#lookAgainAt(node);
      });
      watcher.onDidDelete(() => this.refresh());
      this.#watchers.push(watcher);
    }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers) watcher.dispose();
    this.#watchers = [];
  }

  dispose(): void {
    this.#unwatch();
    for (const look of this.#looks.values()) clearTimeout(look);
    this.#changed.dispose();
  }
}

function describe(summary: TraceSummary): string {
  if (summary.problem !== "") return "cannot be shown";
  return [when(summary.startedAt), formatDuration(summary.durationNs), ending(summary)].join(" · ");
}

function ending(summary: TraceSummary): string {
  if (!summary.complete) return "cut off";
  if (summary.hung) return "hung";
  return summary.signal === null ? `exit code ${summary.exitCode ?? "unknown"}` : summary.signal;
}

function when(time: number): string {
  const at = new Date(time);
  const isToday = at.toDateString() === new Date().toDateString();
  const clock = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return isToday ? clock : `${at.toLocaleDateString()} ${clock}`;
}

function icon(summary: TraceSummary | undefined): vscode.ThemeIcon {
  if (summary === undefined || summary.problem !== "") return new vscode.ThemeIcon("warning");
  if (summary.hung) return new vscode.ThemeIcon("error", new vscode.ThemeColor("testing.iconFailed"));
  if (!summary.complete || summary.signal !== null) return new vscode.ThemeIcon("circle-slash");
  return summary.exitCode === 0
    ? new vscode.ThemeIcon("pass", new vscode.ThemeColor("testing.iconPassed"))
    : new vscode.ThemeIcon("error", new vscode.ThemeColor("testing.iconFailed"));
}

/** As plain text: a command may hold anything, and nothing of it is markup. */
function tooltip(path: string, summary: TraceSummary): string {
  const lines = [path, summary.command.join(" "), new Date(summary.startedAt).toLocaleString()];
  lines.push(
    summary.problem === ""
      ? `${formatDuration(summary.durationNs)}, ${summary.hung ? "hung: it could never go on" : ending(summary)}`
      : summary.problem,
  );
  lines.push(`${(summary.bytes / 1e6).toFixed(2)} MB`);
  return lines.filter((line) => line !== "").join("\n");
}
