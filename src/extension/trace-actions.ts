/** What can be done with a saved trace: rename, delete, reveal. */
import { rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as vscode from "vscode";

/** Asks for a new name. @returns The new path, or undefined if the user decided against it. */
export async function renameTrace(path: string): Promise<string | undefined> {
  const old = basename(path, ".heddle");
  const typed = await vscode.window.showInputBox({
    title: "Rename Trace",
    value: old,
    validateInput: async (value) => {
      const name = cleanName(value);
      if (name === "" || name === "." || name === "..") return "A trace needs a name.";
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
      if (/[\\/:*?"<>|\u0000-\u001f]/.test(name)) return 'A file name cannot hold any of \\ / : * ? " < > |';
      if (name !== old && (await isThere(join(dirname(path), `${name}.heddle`))))
        return "There is a trace of that name.";
      return undefined;
    },
  });
  if (typed === undefined || cleanName(typed) === old) return undefined;
  const target = join(dirname(path), `${cleanName(typed)}.heddle`);
  // As VS Code renames files itself: the editors that show it go along.
  const edit = new vscode.WorkspaceEdit();
  edit.renameFile(vscode.Uri.file(path), vscode.Uri.file(target), { overwrite: false });
  if (!(await vscode.workspace.applyEdit(edit))) await rename(path, target);
  return target;
}

/** Asks, and deletes. @returns What was deleted. */
export async function deleteTraces(paths: readonly string[]): Promise<string[]> {
  const what = paths.length === 1 ? `the trace “${basename(paths[0]!)}”` : `${paths.length} traces`;
  const confirm = await vscode.window.showWarningMessage(`Delete ${what}?`, { modal: true }, "Delete");
  if (confirm !== "Delete") return [];
  const deleted: string[] = [];
  for (const path of paths) {
    const uri = vscode.Uri.file(path);
    try {
      await vscode.workspace.fs.delete(uri, { useTrash: true });
    } catch {
      // Somebody else was faster, or this system has no trash; the user has said yes.
      if (await isThere(path)) await vscode.workspace.fs.delete(uri);
    }
    deleted.push(path);
  }
  return deleted;
}

/** Shows the file in the system's file manager, or in the explorer where there is none. */
export async function revealTrace(path: string): Promise<void> {
  const uri = vscode.Uri.file(path);
  const isLocal = vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop;
  if (isLocal) await vscode.commands.executeCommand("revealFileInOS", uri);
  else if (vscode.workspace.getWorkspaceFolder(uri)) await vscode.commands.executeCommand("revealInExplorer", uri);
  else {
    const copy = "Copy Path";
    if ((await vscode.window.showInformationMessage(path, copy)) === copy) await vscode.env.clipboard.writeText(path);
  }
}

function cleanName(value: string): string {
  return value.trim().replace(/\.heddle$/, "");
}

export async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
