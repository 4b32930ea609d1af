/** Heddle in VS Code: makes the parts and joins them. Each part says at its top what it does. */
import { basename, isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import type { ViewCommand } from "../protocol/messages.js";
import { type CommandHandler, type CommandId, registerCommands } from "./commands.js";
import { HangNotices } from "./hang-notice.js";
import { LiveView } from "./live-view.js";
import { Log, UserError } from "./log.js";
import { scriptName } from "./run-plan.js";
import { provideTasks } from "./run-task.js";
import { asText, RunStatus } from "./status-bar.js";
import { panelViewType, TimelinePanels } from "./timeline-panel.js";
import type { TimelineServices, TimelineView, TraceSource } from "./timeline-view.js";
import { deleteTraces, isThere, renameTrace, revealTrace } from "./trace-actions.js";
import { TraceEditorProvider, traceViewType } from "./trace-editor.js";
import { type ExportFormat, exportTrace } from "./trace-export.js";
import { traceName } from "./trace-folder.js";
import type { TraceRun } from "./trace-run.js";
import { TracedRuns } from "./traced-runs.js";
import { TracesTree } from "./traces-tree.js";

/** What other code of the extension host sees of us: the tests use it to wait, and nothing else does. */
export interface HeddleApi {
  readonly runs: TracedRuns;
  readonly tree: TracesTree;
  readonly hangs: HangNotices;
  /** All full timelines that are open, in panels and in custom editors. */
  views(): readonly TimelineView[];
  /** The small one of the sidebar. */
  liveView(): TimelineView | undefined;
}

export function activate(context: vscode.ExtensionContext): HeddleApi {
  const log = new Log(vscode.window.createOutputChannel("Heddle", { log: true }));
  const runs = new TracedRuns(context, log);
  const cli = join(context.extensionPath, "dist", "cli.cjs");
  const exportTo = (path: string, format: ExportFormat) =>
    exportTrace(cli, path, format).catch((error: unknown) => log.report(error, "exporting a trace"));
  const services: TimelineServices = {
    extensionUri: context.extensionUri,
    log,
    openTimeline: (source, span) => {
      const view = panels.show(source);
      if (span !== undefined) view.reveal(span);
    },
    exportHtml: (path) => exportTo(path, "html"),
  };
  const panels = new TimelinePanels(services, (path) => runs.of(path));
  const editors = new TraceEditorProvider(services, (path) => runs.of(path));
  const live = new LiveView(services, async () => {
    const [newest] = await tree.list();
    return newest && sourceOf(newest.path);
  });
  const tree = new TracesTree(
    () => runs.folders(),
    (path) => runs.of(path),
  );
  const treeView = vscode.window.createTreeView("heddle.traces", { treeDataProvider: tree, canSelectMany: true });
  const hangs = new HangNotices(cli, log, (run) => panels.show(sourceOf(run.plan.tracePath)));
  const status = new RunStatus(() => runs.active);
  const sourceOf = (path: string): TraceSource => {
    const run = runs.of(path);
    return run === undefined ? { path, name: traceName(path) } : { path, name: scriptName(run.plan), run };
  };

  const seen = new WeakSet<TraceRun>();
  let isTakingUp = false;
  runs.onDidChange((run) => {
    if (!seen.has(run)) {
      seen.add(run);
      const source = sourceOf(run.plan.tracePath);
      // VS Code itself brings back the panels that were open.
      if (isTakingUp) panels.expect(source);
      else panels.show(source);
      live.show(source);
    }
    hangs.update(run);
    status.update();
    tree.refresh();
    void vscode.commands.executeCommand("setContext", "heddle.running", runs.active.length > 0);
  });
  panels.onDidChange(() => {
    void vscode.commands.executeCommand("setContext", "heddle.timelineActive", panels.active !== undefined);
  });

  const toView = (command: ViewCommand) => () => (panels.active ?? editors.active)?.command(command);
  const handlers: Record<CommandId, CommandHandler> = {
    "heddle.run": async (target) => {
      const uri = target instanceof vscode.Uri ? target : vscode.window.activeTextEditor?.document.uri;
      if (uri === undefined) throw new UserError("Open the script to run first.");
      await runs.start(uri);
    },
    "heddle.stop": () => runs.stopAll(),
    "heddle.showRun": () => showRun(runs, (run) => panels.show(sourceOf(run.plan.tracePath))),
    "heddle.showLog": () => log.channel.show(),
    "heddle.openTrace": openTrace,
    "heddle.openTimeline": async (...clicked) => {
      const [path] = chosen(clicked.slice(0, 1));
      if (path === undefined) return undefined;
      await demandThere(path);
      live.show(sourceOf(path));
      const uri = vscode.Uri.file(path);
      if (runs.of(path)?.isActive) return panels.show(sourceOf(path));
      return vscode.commands.executeCommand("vscode.openWith", uri, traceViewType);
    },
    "heddle.refreshTraces": () => tree.refresh(),
    "heddle.renameTrace": async (...clicked) => {
      const [path] = chosen(clicked.slice(0, 1));
      if (path === undefined) return;
      demandEnded([path]);
      await demandThere(path);
      const target = await renameTrace(path);
      if (target === undefined) return;
      panels.moved(path, target);
      live.moved(path, target);
      tree.refresh();
    },
    "heddle.deleteTrace": async (...clicked) => {
      const paths = chosen(clicked);
      if (paths.length === 0) return;
      demandEnded(paths);
      for (const path of paths) await demandThere(path);
      const deleted = await deleteTraces(paths);
      for (const path of deleted) panels.close(path);
      await closeEditors(deleted);
      tree.refresh();
      if (deleted.some((path) => live.view?.source?.path === path)) await live.showLatest();
    },
    "heddle.revealTrace": async (...clicked) => {
      const [path] = chosen(clicked.slice(0, 1));
      if (path === undefined) return;
      await demandThere(path);
      await revealTrace(path);
    },
    "heddle.exportHtml": (...clicked) => exportShown(clicked, "html"),
    "heddle.exportPerfetto": (...clicked) => exportShown(clicked, "perfetto"),
    "heddle.fitTimeline": toView("fit"),
    "heddle.followTimeline": toView("follow"),
    "heddle.searchTimeline": toView("search"),
  };

  /**
   * The traces that a command is about: the one it was called with (and behind it, if several are selected in the
   * list, all of those); if it was called with nothing, what is selected.
   * @throws UserError if it was called from the list with a row that VS Code does not know any more: another one that
   * happens to be selected is not meant.
   */
  function chosen(clicked: readonly unknown[]): string[] {
    if (clicked.length === 0) return treeView.selection.map((node) => node.path);
    const [one, all] = clicked;
    return (Array.isArray(all) && all.length > 0 ? all : [one]).map((target: unknown) => {
      if (target instanceof vscode.Uri) return target.scheme === "file" ? target.fsPath : target.toString();
      if (typeof target === "object" && target !== null && "path" in target) return String(target.path);
      tree.refresh();
      throw new UserError("The list of traces has just changed, and that row is no more. Choose the trace again.");
    });
  }

  async function demandThere(path: string): Promise<void> {
    if (!isAbsolute(path) || runs.of(path)?.isActive || (await isThere(path))) return;
    tree.refresh();
    throw new UserError(`The trace ${basename(path)} is gone: it was deleted or moved.`);
  }

  function demandEnded(paths: readonly string[]): void {
    const running = paths.find((path) => runs.of(path)?.isActive);
    if (running === undefined) return;
    throw new UserError(`${basename(running)} is still being recorded. Stop its script first.`);
  }

  async function exportShown(clicked: readonly unknown[], format: ExportFormat): Promise<void> {
    const shown = panels.active ?? editors.active;
    // From the palette: what is looked at, then what is selected.
    const path =
      clicked.length === 0 && shown?.source
        ? shown.source.path
        : (chosen(clicked.slice(0, 1))[0] ?? live.view?.source?.path);
    if (path === undefined) throw new UserError("Open a trace to export first.");
    await demandThere(path);
    await exportTo(path, format);
  }

  isTakingUp = true;
  runs.takeUp();
  isTakingUp = false;

  context.subscriptions.push(
    log.channel,
    runs,
    panels,
    tree,
    treeView,
    status,
    hangs,
    provideTasks((path) => runs.of(path)?.plan),
    vscode.window.registerWebviewPanelSerializer(panelViewType, panels),
    vscode.window.registerWebviewViewProvider("heddle.live", live),
    vscode.window.registerCustomEditorProvider(traceViewType, editors, {
      supportsMultipleEditorsPerDocument: true,
      webviewOptions: { retainContextWhenHidden: true },
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("heddle.traceFolder")) tree.refresh();
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => tree.refresh()),
    registerCommands(handlers, (command, error) => log.report(error, command.replace("heddle.", ""))),
  );
  return {
    runs,
    tree,
    hangs,
    views: () => [...panels.views, ...editors.views],
    liveView: () => live.view,
  };
}

/**
 * Runs go on in their terminals, and the next activation takes them up: a window that is only loaded again ends nothing.
 * When VS Code ends for good, it closes the terminals, and each run ends with its own.
 */
export function deactivate(): void {}

/** Closes the custom editors of traces that are no more. */
async function closeEditors(paths: readonly string[]): Promise<void> {
  const gone = new Set(paths);
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const theirs = tabs.filter(({ input }) => input instanceof vscode.TabInputCustom && gone.has(input.uri.fsPath));
  if (theirs.length > 0) await vscode.window.tabGroups.close(theirs, true);
}

async function openTrace(): Promise<void> {
  const chosen = await vscode.window.showOpenDialog({ filters: { "Heddle trace": ["heddle"] }, canSelectMany: true });
  for (const uri of chosen ?? []) await vscode.commands.executeCommand("vscode.openWith", uri, traceViewType);
}

async function showRun(runs: TracedRuns, show: (run: TraceRun) => unknown): Promise<void> {
  const items = runs.active.flatMap((run) => [
    { label: "$(open-preview) Show Timeline", description: asText(scriptName(run.plan)), act: () => show(run) },
    { label: "$(debug-stop) Stop", description: asText(scriptName(run.plan)), act: () => run.stop() },
  ]);
  if (items.length === 0) return;
  const chosen = await vscode.window.showQuickPick(items, { placeHolder: "Traced scripts" });
  await chosen?.act();
}
