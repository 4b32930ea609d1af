/** What a user sees of a source that does not compile: where, why, and the lines around it. */
import { pathToFileURL } from "node:url";

/** A source that does not compile. Its stack is the message: the stack of the loader says nothing to anybody. */
export class CompileError extends SyntaxError {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;

  constructor(path: string, source: string, offset: number, message: string, help: string | null) {
    const before = source.slice(0, offset);
    const line = before.split("\n").length;
    const column = offset - (before.lastIndexOf("\n") + 1) + 1;
    // Without frames, Node has no line of ours to show when nobody catches it. A hardened script has `Error` read-only.
    const limit = Error.stackTraceLimit;
    Reflect.set(Error, "stackTraceLimit", 0);
    super(`${path}:${line}:${column}: ${message}\n\n${codeFrame(source, line, column)}${help ? `\n\n${help}` : ""}\n`);
    Reflect.set(Error, "stackTraceLimit", limit);
    this.name = "SyntaxError";
    this.path = path;
    this.line = line;
    this.column = column;
    Object.defineProperty(this, "stack", {
      value: `SyntaxError: ${this.message}`,
      writable: true,
      configurable: true,
      enumerable: false,
    });
    for (const name of ["name", "path", "line", "column"]) Object.defineProperty(this, name, { enumerable: false });
  }

  /** The module's URL. */
  get url(): string {
    return pathToFileURL(this.path).href;
  }
}

/** The line with two before and one after it, and a mark under the column. */
function codeFrame(source: string, line: number, column: number): string {
  const lines = source.split(/\r?\n/);
  const first = Math.max(1, line - 2);
  const last = Math.min(lines.length, line + 1);
  const width = String(last).length;
  const rows: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = lines[number - 1] ?? "";
    rows.push(`${number === line ? ">" : " "} ${String(number).padStart(width)} | ${text}`.trimEnd());
    if (number === line) {
      const lead = text.slice(0, column - 1).replace(/[^\t]/g, " ");
      rows.push(`  ${" ".repeat(width)} | ${lead}^`);
    }
  }
  return rows.join("\n");
}

/** Throws from a line that says what is the matter: Node shows the line that threw an uncaught error. */
export function throwPlainly(error: unknown): never {
  const { runInThisContext } = require("node:vm") as typeof import("node:vm");
  const filename = error instanceof CompileError ? error.path : "heddle";
  const rethrow = runInThisContext("(notCompiled) => { throw notCompiled; }", { filename }) as (e: unknown) => never;
  return rethrow(error);
}
