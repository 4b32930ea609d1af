/** The extension's log, and errors as a person sees them: one sentence, and a button that shows the log. */
import * as vscode from "vscode";

/** Something the user can mend: its message is shown as it is, and `actions` are offered as buttons. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly actions: readonly ErrorAction[];
  constructor(message: string, actions: readonly ErrorAction[] = [], options?: ErrorOptions) {
    super(message, options);
    this.actions = actions;
  }
}

export interface ErrorAction {
  readonly title: string;
  readonly run: () => unknown;
}

export class Log {
  readonly channel: vscode.LogOutputChannel;
  constructor(channel: vscode.LogOutputChannel) {
    this.channel = channel;
  }

  info(message: string): void {
    this.channel.info(message);
  }

  warn(message: string): void {
    this.channel.warn(message);
  }

  /** Writes the error with its stack and causes into the log, and shows its message with "Show Log". */
  report(error: unknown, doing = ""): void {
    const message = error instanceof Error ? error.message : String(error);
    this.channel.error(doing ? `${doing}: ${describe(error)}` : describe(error));
    const actions = error instanceof UserError ? error.actions : [];
    const text = doing && !(error instanceof UserError) ? `Heddle: ${doing}: ${message}` : `Heddle: ${message}`;
    void this.offer(
      vscode.window.showErrorMessage(text, ...actions.map((action) => action.title), "Show Log"),
      actions,
    );
  }

  /** As {@link report}, for what went on in another way: `message` says which. */
  reportWarning(message: string, actions: readonly ErrorAction[] = []): void {
    this.channel.warn(message);
    const titles = actions.map((action) => action.title);
    void this.offer(vscode.window.showWarningMessage(`Heddle: ${message}`, ...titles, "Show Log"), actions);
  }

  private async offer(choice: Thenable<string | undefined>, actions: readonly ErrorAction[]): Promise<void> {
    const chosen = await choice;
    if (chosen === "Show Log") return this.channel.show(true);
    try {
      await actions.find((action) => action.title === chosen)?.run();
    } catch (error) {
      this.report(error, chosen);
    }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
