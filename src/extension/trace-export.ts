/** Exports a saved trace through our own command line, in a process of its own: big traces do not hold up the editor. */
import { spawn } from "node:child_process";
import { basename, dirname, isAbsolute, join } from "node:path";
import * as vscode from "vscode";
import { UserError } from "./log.js";

export type ExportFormat = "html" | "perfetto";

const formats: Record<ExportFormat, { ending: string; filter: Record<string, string[]>; title: string }> = {
  html: { ending: "html", filter: { "HTML page": ["html"] }, title: "as HTML" },
  perfetto: { ending: "perfetto.json", filter: { "Perfetto trace": ["json"] }, title: "for Perfetto" },
};

/**
 * Asks where to, and exports.
 * @param cli dist/cli.cjs.
 * @throws UserError with what the export said, if it failed.
 */
export async function exportTrace(cli: string, trace: string, format: ExportFormat): Promise<void> {
  if (!isAbsolute(trace)) throw new UserError(`${trace} is not on disk. Save a copy of it and export that.`);
  const { ending, filter, title } = formats[format];
  const suggested = vscode.Uri.file(join(dirname(trace), `${basename(trace, ".heddle")}.${ending}`));
  const target = await vscode.window.showSaveDialog({
    defaultUri: suggested,
    filters: filter,
    title: `Export ${title}`,
  });
  if (target === undefined) return;
  const cancelled = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `Heddle: exporting ${title}…`, cancellable: true },
    (_progress, cancel) => runExport(cli, trace, format, target.fsPath, cancel),
  );
  if (cancelled) return;
  const reveal = "Reveal";
  if ((await vscode.window.showInformationMessage(`Heddle: exported to ${target.fsPath}`, reveal)) === reveal) {
    await vscode.commands.executeCommand(vscode.env.remoteName ? "revealInExplorer" : "revealFileInOS", target);
  }
}

/** @returns Whether it was cancelled. */
function runExport(
  cli: string,
  trace: string,
  format: ExportFormat,
  target: string,
  cancel: vscode.CancellationToken,
): Promise<boolean> {
  return new Promise((done, fail) => {
    // The editor's own Node: an export needs no Node of the user's and is allowed without trust.
    const child = spawn(process.execPath, [cli, "export", trace, "--format", format, "--out", target], {
      env: { ...process.env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
    cancel.onCancellationRequested(() => child.kill());
    child.on("error", (error) => fail(new UserError(`The export could not start: ${error.message}`)));
    child.on("close", (code) => {
      if (cancel.isCancellationRequested) done(true);
      else if (code === 0) done(false);
      else
        fail(
          new UserError(`The export failed: ${said.trim().split("\n")[0] || `exit code ${code}`}`, [], { cause: said }),
        );
    });
  });
}
