/** The list of traces in the sidebar: newest first, each with when, how long, and how it ended. */
import { stat } from "node:fs/promises";
import * as vscode from "vscode";
import { listTraces, traceName } from "./trace-folder.js";
import type { TraceRun } from "./trace-run.js";
import { formatDuration, readSummary, type TraceSummary } from "./trace-summary.js";

/** A row of the list. */
export interface TraceNode {
  readonly path: string;
  readonly modified: number;
  readonly size: number;
}

export class TracesTree implements vscode.TreeDataProvider<TraceNode>, vscode.Disposable {
  readonly #folders: () => readonly string[];
  readonly #runOf: (path: string) => TraceRun | undefined;
  readonly #changed = new vscode.EventEmitter<void>();
  /** Summaries by path, size and time: a finished file is read once. */
  readonly #summaries = new Map<string, TraceSummary>();
  #watchers: vscode.Disposable[] = [];
  #watched = "";
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(folders: () => readonly string[], runOf: (path: string) => TraceRun | undefined) {
    this.#folders = folders;
    this.#runOf = runOf;
  }

  refresh(): void {
    this.#changed.fire();
  }

  async getChildren(node?: TraceNode): Promise<TraceNode[]> {
    if (node !== undefined) return [];
    const folders = [...new Set(this.#folders())];
    this.#watch(folders);
    const paths = new Set((await Promise.all(folders.map(listTraces))).flat());
    const nodes = await Promise.all(
      [...paths].map(async (path) => {
        const info = await stat(path).catch(() => undefined);
        return info?.isFile() ? [{ path, modified: info.mtimeMs, size: info.size }] : [];
      }),
    );
    return nodes.flat().sort((a, b) => b.modified - a.modified);
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
    item.contextValue = "trace";
    const summary = await this.#summary(node);
    item.description = summary === undefined ? "cannot be read" : describe(summary);
    item.iconPath = icon(summary);
    if (summary !== undefined) item.tooltip = tooltip(node.path, summary);
    return item;
  }

  async #summary(node: TraceNode): Promise<TraceSummary | undefined> {
    const key = `${node.path}\0${node.size}\0${node.modified}`;
    const known = this.#summaries.get(key);
    if (known !== undefined) return known;
    const summary = await readSummary(node.path).catch(() => undefined);
    if (summary !== undefined) {
      if (this.#summaries.size > 2000) this.#summaries.clear();
      this.#summaries.set(key, summary);
    }
    return summary;
  }

  /** Files that come and go show by themselves; those that only grow need no new list. */
  #watch(folders: readonly string[]): void {
    const key = folders.join("\0");
    if (key === this.#watched) return;
    this.#watched = key;
    this.#unwatch();
    for (const folder of folders) {
      const pattern = new vscode.RelativePattern(vscode.Uri.file(folder), "*.heddle");
      const watcher = vscode.workspace.createFileSystemWatcher(pattern, false, true, false);
      watcher.onDidCreate(() => this.refresh());
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
