/** The commands of the manifest, each once: `registerCommands` does not compile unless every one has a handler. */
import * as vscode from "vscode";

export const commandIds = [
  "heddle.run",
  "heddle.stop",
  "heddle.showRun",
  "heddle.showLog",
  "heddle.openTrace",
  "heddle.openTimeline",
  "heddle.refreshTraces",
  "heddle.renameTrace",
  "heddle.deleteTrace",
  "heddle.revealTrace",
  "heddle.exportHtml",
  "heddle.exportPerfetto",
  "heddle.fitTimeline",
  "heddle.followTimeline",
  "heddle.searchTimeline",
] as const;
export type CommandId = (typeof commandIds)[number];

/** What VS Code passes depends on the place a command is called from, so a handler looks at it itself. */
export type CommandHandler = (...args: unknown[]) => unknown;

/**
 * Registers all commands. What a handler throws is given to `onError` with the command's title, and does not reach
 * VS Code as an unexplained failure.
 */
export function registerCommands(
  handlers: Record<CommandId, CommandHandler>,
  onError: (command: CommandId, error: unknown) => void,
): vscode.Disposable {
  return vscode.Disposable.from(
    ...commandIds.map((id) =>
      vscode.commands.registerCommand(id, async (...args: unknown[]) => {
        try {
          return await handlers[id](...args);
        } catch (error) {
          onError(id, error);
          return undefined;
        }
      }),
    ),
  );
}
