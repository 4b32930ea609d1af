/** How this thread's children are started: the same Node, with the same arguments, environment and trace. */
import { join } from "node:path";
import { sessionEnvironment } from "../../recorder/emit.js";
import { withLoaderArguments } from "../core/node-arguments.js";
import type { ChildSettings } from "./child.js";

/** Arguments of Node that are about the parent's own script or its debugger, with how many values follow each. */
const NOT_INHERITED = new Map([
  ["-e", 1],
  ["--eval", 1],
  ["-p", 1],
  ["--print", 1],
  ["-c", 0],
  ["--check", 0],
  ["-i", 0],
  ["--interactive", 0],
  ["--test", 0],
  ["--watch", 0],
]);

/** The arguments of Node that a child gets of its parent's. */
function inheritedArguments(args: readonly string[]): string[] {
  const inherited: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const values = NOT_INHERITED.get(arg);
    if (values !== undefined) i += values;
    // A debugger's port is taken already.
    else if (!/^--inspect|^--(eval|print)=|^--watch/.test(arg)) inherited.push(arg);
  }
  return inherited;
}

/** The settings as they are now: the environment may change at any time. */
export function childSettings(): ChildSettings {
  return {
    execPath: process.execPath,
    execArgv: withLoaderArguments(inheritedArguments(process.execArgv)),
    program: join(__dirname, "process-main.cjs"),
    env: { ...process.env, ...sessionEnvironment() },
  };
}
