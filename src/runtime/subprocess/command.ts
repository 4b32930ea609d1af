/** What a user gives as a command, as `spawn` takes it. */
import { basename } from "node:path";

export interface Command {
  /** As it was given. */
  readonly command: string | readonly string[];
  readonly file: string;
  readonly args: readonly string[];
  readonly shell: boolean;
}

/**
 * A command that is one string goes to a shell unless `shell` is false, then it is the name of a program. Throws
 * `TypeError` for what is no command and `RangeError` for an empty one.
 */
export function parseCommand(command: string | readonly string[], shell: boolean | undefined): Command {
  if (typeof command === "string") {
    check(command);
    return { command, file: command, args: [], shell: shell ?? true };
  }
  if (!Array.isArray(command)) throw new TypeError("a command is a string, or an array of a program and its arguments");
  const parts = [...command] as unknown[];
  const wrong = parts.findIndex((part) => typeof part !== "string");
  if (wrong >= 0) throw new TypeError(`command[${wrong}] must be a string, not ${typeof parts[wrong]}`);
  const [file, ...args] = parts as string[];
  if (file === undefined) throw new RangeError("the command is empty: it needs a program");
  check(file);
  // A shell takes one line. That of Node would join them the same way, but warn.
  if (shell === true) return { command: parts as string[], file: (parts as string[]).join(" "), args: [], shell };
  return { command: parts as string[], file, args, shell: false };
}

function check(text: string): void {
  if (text.trim() === "") throw new RangeError("the command is empty: it needs a program");
}

/** What the timeline calls it: the program's name. */
export function commandName(command: string | readonly string[]): string {
  const text = typeof command === "string" ? (command.trim().split(/\s+/)[0] ?? "") : (command[0] ?? "");
  return basename(text) || "program";
}
