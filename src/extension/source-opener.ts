/** Opens the line of source that a trace names. What a trace says is not trusted: only existing files are opened. */
import { stat } from "node:fs/promises";
import { dirname, isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as vscode from "vscode";
import { UserError } from "./log.js";
import { readSummary } from "./trace-summary.js";

export interface SourcePlace {
  /** A path or a `file:` URL. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/**
 * Opens the place in an editor that does not cover the timeline.
 * @param tracePath The trace that names it.
 * @param cwd What relative paths are relative to; read from the trace if not given.
 * @param preserveFocus The keys stay where they are.
 * @throws UserError if there is no such file.
 */
export async function openSource(
  place: SourcePlace,
  tracePath?: string,
  cwd?: string,
  preserveFocus = false,
): Promise<void> {
  const path = await findSource(place.file, tracePath, cwd);
  if (path === undefined) throw new UserError(`The source file ${place.file} is not there (any more).`);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
  const line = clamp(place.line - 1, document.lineCount - 1);
  const column = clamp(place.column - 1, document.lineAt(line).text.length);
  const position = new vscode.Position(line, column);
  const editor = await vscode.window.showTextDocument(document, {
    viewColumn: columnFor(document),
    selection: new vscode.Range(position, position),
    preserveFocus,
  });
  editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  if (preserveFocus) mark(editor, position);
}

let marks: vscode.Disposable | undefined;

/** A cursor in an editor without the focus is hardly seen: its line is marked, until the user goes to that editor. */
function mark(editor: vscode.TextEditor, position: vscode.Position): void {
  marks?.dispose();
  const style = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("editor.rangeHighlightBackground"),
  });
  editor.setDecorations(style, [new vscode.Range(position, position)]);
  const listener = vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
    if (textEditor === editor && kind !== undefined && kind !== vscode.TextEditorSelectionChangeKind.Command)
      shown.dispose();
  });
  const shown = vscode.Disposable.from(style, listener);
  marks = shown;
}

async function findSource(file: string, tracePath?: string, cwd?: string): Promise<string | undefined> {
  let path: string;
  try {
    path = file.startsWith("file:") ? fileURLToPath(file) : file;
  } catch {
    return undefined;
  }
  if (path === "" || path.includes("\0") || /^[a-z][a-z0-9+.-]+:/i.test(path)) return undefined;
  const bases: (string | undefined)[] = [cwd];
  if (!isAbsolute(path) && tracePath !== undefined) {
    bases.push(
      await readSummary(tracePath)
        .then((summary) => summary.cwd || undefined)
        .catch(() => undefined),
    );
    bases.push(...(vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath), dirname(tracePath));
  }
  for (const candidate of isAbsolute(path) ? [path] : bases.flatMap((base) => (base ? [resolve(base, path)] : []))) {
    if (
      await stat(candidate).then(
        (info) => info.isFile(),
        () => false,
      )
    )
      return candidate;
  }
  return undefined;
}

/** Where the document shows already, else a column that no timeline (or other web view) fills, else a new one. */
function columnFor(document: vscode.TextDocument): vscode.ViewColumn {
  const shown = vscode.window.visibleTextEditors.find((editor) => editor.document === document);
  if (shown?.viewColumn !== undefined) return shown.viewColumn;
  const free = vscode.window.tabGroups.all.find(({ activeTab }) => {
    const input = activeTab?.input;
    return !(input instanceof vscode.TabInputWebview || input instanceof vscode.TabInputCustom);
  });
  return free?.viewColumn ?? vscode.ViewColumn.Beside;
}

function clamp(value: number, most: number): number {
  return Number.isFinite(value) ? Math.max(0, Math.min(Math.floor(value), most)) : 0;
}
