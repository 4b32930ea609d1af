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
  /** What becomes of a script that can never go on. */
  readonly onHang: "stop" | "wait";
}
export type SettingName = keyof Settings;

/** A setting that cannot be used as it is. `message` is for a person: which, what is wrong, and what would be right. */
export interface SettingProblem {
  readonly setting: SettingName;
  readonly message: string;
}

/** The settings that hold for a file. What cannot be used counts as not set; {@link settingProblems} tells of it. */
export function readSettings(scope?: vscode.Uri): Settings {
  const values = raw(scope);
  const wrong = new Set(problemsOf(values).map(({ setting }) => setting));
  return {
    nodePath: wrong.has("nodePath") ? "" : (values.nodePath as string).trim(),
    nodeArguments: wrong.has("nodeArguments") ? [] : (values.nodeArguments as string[]),
    environment: wrong.has("environment") ? {} : (values.environment as Record<string, string | null>),
    traceFolder: wrong.has("traceFolder") ? "" : (values.traceFolder as string).trim(),
    keepTraces: wrong.has("keepTraces") ? 20 : (values.keepTraces as number),
    onHang: wrong.has("onHang") ? "stop" : (values.onHang as "stop" | "wait"),
  };
}

/** What is wrong with the settings that hold for a file. Whether a path leads anywhere is known only when it is used. */
export function settingProblems(scope?: vscode.Uri): SettingProblem[] {
  return problemsOf(raw(scope));
}

/** Opens the settings editor at one of ours, on the page where it is set: another one might not show it. */
export function openSetting(name: SettingName, scope?: vscode.Uri): Thenable<unknown> {
  const found = vscode.workspace.getConfiguration("heddle", scope ?? null).inspect(name);
  const isOfWorkspace = (found?.workspaceFolderValue ?? found?.workspaceValue) !== undefined;
  // A path on another machine is that machine's setting, not the user's.
  const isOfMachine = name === "nodePath" && vscode.env.remoteName !== undefined;
  const page = isOfWorkspace ? "Workspace" : isOfMachine ? "Remote" : "";
  return vscode.commands.executeCommand(`workbench.action.open${page}Settings`, { query: `@id:heddle.${name}` });
}

function raw(scope?: vscode.Uri): Record<SettingName, unknown> {
  const config = vscode.workspace.getConfiguration("heddle", scope ?? null);
  // null, as settings.json may have it, means the same as nothing there.
  return {
    nodePath: config.get("nodePath") ?? "",
    nodeArguments: config.get("nodeArguments") ?? [],
    environment: config.get("environment") ?? {},
    traceFolder: config.get("traceFolder") ?? "",
    keepTraces: config.get("keepTraces") ?? 20,
    onHang: config.get("onHang") ?? "stop",
  };
}

function problemsOf(values: Record<SettingName, unknown>): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const demand = (setting: SettingName, isRight: boolean, wanted: string) => {
    if (isRight) return;
    const found = JSON.stringify(values[setting])?.slice(0, 80);
    problems.push({ setting, message: `The setting heddle.${setting} is ${found}, but must be ${wanted}.` });
  };
  const { nodePath, nodeArguments, environment, traceFolder, keepTraces, onHang } = values;
  demand("nodePath", isText(nodePath), "the path or name of a Node executable");
  demand(
    "nodeArguments",
    Array.isArray(nodeArguments) && nodeArguments.every((one) => isText(one) && one !== ""),
    "a list of texts, one for each argument",
  );
  demand(
    "environment",
    typeof environment === "object" &&
      !Array.isArray(environment) &&
      Object.entries(environment ?? {}).every(
        ([name, value]) => name !== "" && isText(name) && !name.includes("=") && (value === null || isText(value)),
      ),
    "an object that gives each variable a text, or null to remove it",
  );
  demand("traceFolder", isText(traceFolder), "the path of a folder");
  const keeps = typeof keepTraces === "number" && Number.isInteger(keepTraces) && keepTraces >= 0;
  demand("keepTraces", keeps, "a whole number, 0 or more");
  demand("onHang", onHang === "stop" || onHang === "wait", '"stop" or "wait"');
  return problems;
}

/** Text that an operating system takes. */
function isText(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}
