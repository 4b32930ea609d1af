/**
 * The task that runs a script under trace: our command line, with the user's Node, in a terminal.
 *
 * It counts as a background task, because VS Code keeps the terminals of those alone when a window is loaded again. It
 * then asks for the task by its definition, joins it with the terminal, and tells of its end as before. Should VS Code
 * ever start the command itself again (it does so with terminals that it restores after it was closed), `--once` keeps
 * the script from running a second time.
 *
 * In a window without a folder VS Code starts terminals in the user's home only, so the command line goes from there to
 * where the script is to run.
 */
import { homedir } from "node:os";
import * as vscode from "vscode";
import { type RunPlan, scriptName } from "./run-plan.js";

/** In the manifest, too. */
const taskType = "heddle";

export function makeTask(plan: RunPlan): vscode.Task {
  const options = ["--on-hang", plan.onHang, "--once", "--cwd", plan.cwd, "--out", plan.tracePath];
  const args = [...plan.nodeArguments, plan.cli, "run", ...options, plan.script];
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.toString() === plan.folder);
  const task = new vscode.Task(
    // No two runs have the same trace, not even in windows that follow each other.
    { type: taskType, script: plan.script, trace: plan.tracePath },
    folder ?? vscode.TaskScope.Workspace,
    `Trace ${scriptName(plan)}`,
    "Heddle",
    execution(plan, args),
    [],
  );
  task.isBackground = true;
  task.presentationOptions = {
    reveal: vscode.TaskRevealKind.Always,
    panel: vscode.TaskPanelKind.Shared,
    focus: false,
    clear: true,
    echo: false,
    showReuseMessage: false,
  };
  return task;
}

/** Whether the task is the run's that writes a trace. */
export function isTaskOf(task: vscode.Task, tracePath: string): boolean {
  return task.definition.type === taskType && task.definition.trace === tracePath;
}

/** Makes again the tasks of runs that were taken up. There are none to choose from: a run begins with a script. */
export function provideTasks(planOf: (tracePath: string) => RunPlan | undefined): vscode.Disposable {
  return vscode.tasks.registerTaskProvider(taskType, {
    provideTasks: () => [],
    resolveTask: ({ definition }) => {
      const plan = planOf(String(definition.trace));
      return plan && makeTask(plan);
    },
  });
}

/** A task can set variables but not take any away; `env` can, and becomes Node itself. Windows has none: empty there. */
function execution(plan: RunPlan, args: readonly string[]): vscode.ProcessExecution {
  const entries = Object.entries(plan.environment);
  const unset = entries.flatMap(([name, value]) => (value === null ? [name] : []));
  const isWindows = process.platform === "win32";
  const env: Record<string, string> = {};
  for (const [name, value] of entries) if (value !== null || isWindows) env[name] = value ?? "";
  const options = { cwd: vscode.workspace.workspaceFolders === undefined ? homedir() : plan.cwd, env };
  if (unset.length === 0 || isWindows) return new vscode.ProcessExecution(plan.node, [...args], options);
  const taken = unset.flatMap((name) => ["-u", name]);
  return new vscode.ProcessExecution("/usr/bin/env", [...taken, plan.node, ...args], options);
}
