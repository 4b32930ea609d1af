/** The user's settings, read when they are needed: a change takes effect with the next run. */
import * as vscode from "vscode";

export interface Settings {
  /** "" means: find it. */
  readonly nodePath: string;
  readonly nodeArguments: readonly string[];
  /** null removes a variable. */
  readonly environment: Readonly<Record<string, string | null>>;
  /** "" means: the default folder. */
  readonly traceFolder: string;
  /** 0 means: all. */
  readonly keepTraces: number;
}

/** The settings that hold for a file. What has the wrong type counts as not set. */
export function readSettings(scope?: vscode.Uri): Settings {
  const config = vscode.workspace.getConfiguration("heddle", scope ?? null);
  const environment = config.get<unknown>("environment");
  const args = config.get<unknown>("nodeArguments");
  const keep = config.get<unknown>("keepTraces");
  return {
    nodePath: text(config.get("nodePath")),
    nodeArguments: Array.isArray(args) ? args.filter((arg) => typeof arg === "string") : [],
    environment: Object.fromEntries(
      Object.entries(typeof environment === "object" && environment !== null ? environment : {}).filter(
        (entry): entry is [string, string | null] => typeof entry[1] === "string" || entry[1] === null,
      ),
    ),
    traceFolder: text(config.get("traceFolder")),
    keepTraces: typeof keep === "number" && keep >= 0 ? Math.floor(keep) : 20,
  };
}

/** Opens the settings editor at one of ours. */
export function openSetting(name: keyof Settings): Thenable<unknown> {
  return vscode.commands.executeCommand("workbench.action.openSettings", `heddle.${name}`);
}

function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}
