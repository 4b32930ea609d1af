/** What the tests in the extension host share. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as vscode from "vscode";
import type { HeddleApi } from "../../../src/extension/extension.js";

export const workspace = vscode.workspace.workspaceFolders![0]!.uri.fsPath;

/** The installed extension's own objects. */
export async function heddle(): Promise<HeddleApi> {
  const extension = vscode.extensions.getExtension<HeddleApi>("heddle.heddle");
  if (extension === undefined) throw new Error("the packaged extension is not installed");
  return await extension.activate();
}

export function write(name: string, text: string | Uint8Array): string {
  const path = join(workspace, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Resolves with the first value that `look` gives; looks again at each event, and now and then in between. */
export function until<T>(
  what: string,
  look: () => T | undefined | false,
  events: readonly vscode.Event<unknown>[] = [],
  timeoutMs = 20_000,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const subscriptions: vscode.Disposable[] = [];
    const finish = (act: () => void) => {
      clearInterval(poll);
      clearTimeout(timer);
      for (const subscription of subscriptions) subscription.dispose();
      act();
    };
    const check = () => {
      try {
        const found = look();
        if (found !== undefined && found !== false) finish(() => resolve(found));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const timer = setTimeout(() => finish(() => reject(new Error(`${what}: not within ${timeoutMs} ms`))), timeoutMs);
    const poll = setInterval(check, 50);
    for (const event of events) subscriptions.push(event(check));
    check();
  });
}

export async function set(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration("heddle").update(name, value, vscode.ConfigurationTarget.Workspace);
}

export async function closeAll(): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
}

/** Whether a process is there (a zombie does not count as there). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
