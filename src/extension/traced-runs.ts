/** Starts traced runs and knows those that go on: from "this file" to a task in a terminal. */
import { basename, dirname, join } from "node:path";
import * as vscode from "vscode";
import { type ErrorAction, type Log, UserError } from "./log.js";
import { type FoundNode, findNode, NodeError } from "./node-finder.js";
import { RememberedRuns } from "./remembered-runs.js";
import { openSetting, readSettings, type SettingName, settingProblems } from "./settings.js";
import { deleteOldTraces, newTracePath, prepareFolder, type TraceFolder, wantedFolder } from "./trace-folder.js";
import { TraceRun } from "./trace-run.js";

export class TracedRuns implements vscode.Disposable {
  readonly #context: vscode.ExtensionContext;
  readonly #log: Log;
  readonly #runs: TraceRun[] = [];
  readonly #remembered: RememberedRuns;
  /** Trace folders of which the user has been told that they cannot be written. */
  readonly #unwritable = new Set<string>();
  readonly #changed = new vscode.EventEmitter<TraceRun>();
  /** A run began, changed its state, or ended. */
  readonly onDidChange = this.#changed.event;

  constructor(context: vscode.ExtensionContext, log: Log) {
    this.#context = context;
    this.#log = log;
    this.#remembered = new RememberedRuns(context.workspaceState);
  }

  /**
   * Takes up what an earlier window left running, and tells of it as of any run. Those that have ended meanwhile end
   * here a moment later.
   */
  takeUp(): readonly TraceRun[] {
    const runs = this.#remembered.read().map((record) => TraceRun.takeUp(record));
    for (const run of runs) {
      this.#log.info(`takes up the run of ${run.plan.script}; trace: ${run.plan.tracePath}`);
      this.#add(run);
    }
    return runs;
  }

  /** The runs that go on, newest first. */
  get active(): readonly TraceRun[] {
    return this.#runs.filter((run) => run.isActive).reverse();
  }

  /** The run of this session that wrote or writes a trace. */
  of(tracePath: string): TraceRun | undefined {
    return this.#runs.find((run) => run.plan.tracePath === tracePath);
  }

  /** All folders that may hold traces: those set for the workspace folders, and our own. */
  folders(): string[] {
    const folders = (vscode.workspace.workspaceFolders ?? []).flatMap(
      (folder) => wantedFolder(readSettings(folder.uri).traceFolder, folder.uri.fsPath) ?? [],
    );
    const anywhere = wantedFolder(readSettings().traceFolder, undefined);
    const used = this.#runs.map((run) => dirname(run.plan.tracePath));
    return [...new Set([...folders, ...(anywhere === undefined ? [] : [anywhere]), this.#ownFolder, ...used])];
  }

  /**
   * Starts a script under trace.
   * @returns The run, or undefined if the user decided against it.
   * @throws UserError if it cannot be started: it says why and what to do.
   */
  async start(uri: vscode.Uri): Promise<TraceRun | undefined> {
    if (!vscode.workspace.isTrusted) {
      const manage = () => vscode.commands.executeCommand("workbench.trust.manage");
      throw new UserError("This workspace is not trusted, so its scripts are not run.", [
        { title: "Manage Workspace Trust", run: manage },
      ]);
    }
    if (uri.scheme === "untitled") {
      throw new UserError(`${basename(uri.path)} has never been saved, and Node runs files. Save it first.`, [
        { title: "Save and Run", run: () => this.#saveAndRun(uri) },
      ]);
    }
    if (uri.scheme !== "file") {
      throw new UserError(`Node runs files on disk, and this one is not (${uri.scheme}:). Save a copy and run that.`);
    }
    const [problem] = settingProblems(uri);
    if (problem !== undefined) throw new UserError(problem.message, [openSettings(problem.setting, uri)]);
    const script = uri.fsPath;
    if (!(await this.#saved(uri))) throw new UserError(`${script} could not be saved, so it was not run.`);
    if (!(await this.#mayRunAgain(script))) return undefined;

    const settings = readSettings(uri);
    const folder = vscode.workspace.getWorkspaceFolder(uri);
    const cwd = folder?.uri.fsPath ?? dirname(script);
    const node = await this.#node(settings.nodePath, cwd, uri);
    if (node === undefined) return undefined;
    const traces = await prepareFolder(settings.traceFolder, folder?.uri.fsPath, this.#ownFolder);
    if (traces.problem !== "") this.#tellUnwritable(traces, settings.traceFolder, folder);
    const tracePath = await newTracePath(traces.path, script);
    const inUse = new Set(this.active.map((run) => run.plan.tracePath));
    // One less: the new one comes on top.
    const keep = settings.keepTraces === 0 ? Number.POSITIVE_INFINITY : settings.keepTraces - 1;
    await deleteOldTraces(traces.path, keep, inUse).then(
      (deleted) => deleted.length > 0 && this.#log.info(`deleted old traces: ${deleted.join(", ")}`),
      (error: unknown) => this.#log.warn(`old traces could not be deleted: ${String(error)}`),
    );
    const run = TraceRun.of({
      script,
      tracePath,
      cwd,
      ...(folder && { folder: folder.uri.toString() }),
      node: node.path,
      nodeArguments: settings.nodeArguments,
      cli: join(this.#context.extensionPath, "dist", "cli.cjs"),
      environment: settings.environment,
      onHang: settings.onHang,
    });
    this.#log.info(`runs ${script} with Node ${node.version} (${node.path}); trace: ${tracePath}`);
    this.#add(run);
    await run.start();
    return run;
  }

  /** Once for each folder: a workspace that cannot be written stays so, and its runs are none the worse for it. */
  #tellUnwritable({ path, problem }: TraceFolder, setting: string, folder: vscode.WorkspaceFolder | undefined): void {
    const wanted = wantedFolder(setting, folder?.uri.fsPath) ?? "";
    const message = `${problem} The trace goes to ${path}.`;
    if (this.#unwritable.has(wanted)) {
      this.#log.warn(message);
      return;
    }
    this.#unwritable.add(wanted);
    this.#log.reportWarning(message, [{ title: "Open Setting", run: () => openSetting("traceFolder", folder?.uri) }]);
  }

  #add(run: TraceRun): void {
    this.#runs.push(run);
    run.onDidChange(() => {
      if (!run.isActive) this.#log.info(`${run.plan.script} ended with exit code ${run.exitCode ?? "unknown"}`);
      this.#remember();
      this.#changed.fire(run);
    });
    this.#changed.fire(run);
  }

  #remember(): void {
    const records = this.#runs.flatMap((run) => run.record ?? []);
    this.#remembered.keep(records).catch((error: unknown) => {
      this.#log.warn(`what runs could not be kept for a reload of the window: ${String(error)}`);
    });
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.active.map((run) => run.stop()));
  }

  get #ownFolder(): string {
    return join((this.#context.storageUri ?? this.#context.globalStorageUri).fsPath, "traces");
  }

  async #saved(uri: vscode.Uri): Promise<boolean> {
    const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
    if (document === undefined || !document.isDirty || (await document.save())) return true;
    // It also says no of a save that another one overtook: what counts is whether anything is left to be saved.
    return !document.isDirty || (await document.save());
  }

  async #saveAndRun(uri: vscode.Uri): Promise<void> {
    const saved = await vscode.workspace.save(uri);
    if (saved !== undefined) await this.start(saved);
  }

  async #mayRunAgain(script: string): Promise<boolean> {
    const running = this.active.filter((run) => run.plan.script === script);
    if (running.length === 0) return true;
    const again = "Stop It and Run Again";
    const both = "Run Both";
    const chosen = await vscode.window.showWarningMessage(`${script} is still running.`, again, both);
    if (chosen === again) await Promise.all(running.map((run) => run.stop()));
    return chosen !== undefined;
  }

  /** Asking a login shell can take seconds: with a progress that can be cancelled. */
  async #node(setting: string, cwd: string, scope: vscode.Uri): Promise<FoundNode | undefined> {
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: "Heddle: looking for Node…",
      cancellable: true,
    };
    const search = findNode(setting, cwd);
    try {
      // Most searches are over at once; those need no notification.
      const quick = await Promise.race([search, new Promise<"slow">((done) => setTimeout(done, 700, "slow"))]);
      if (quick !== "slow") return quick;
      return await vscode.window.withProgress(options, (_progress, cancel) =>
        Promise.race([search, new Promise<undefined>((done) => cancel.onCancellationRequested(() => done(undefined)))]),
      );
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      throw new UserError(error.message, [openSettings("nodePath", scope)], { cause: error });
    }
  }

  dispose(): void {
    for (const run of this.#runs) run.dispose();
    this.#changed.dispose();
  }
}

function openSettings(setting: SettingName, scope: vscode.Uri): ErrorAction {
  return { title: "Open Settings", run: () => openSetting(setting, scope) };
}
