/**
 * Runs a script as a user would, in a process of its own, and tells what came of it. Runtime tests are such scripts
 * with asserts inside, since a thread or process imports its script again.
 *
 * The node binary is `HEDDLE_TEST_NODE`, or the one that runs the tests. `dist/` must be built.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export interface RunOptions {
  /** True to run it by `heddle run`, with a trace; else by `node` with the loader only. */
  traced?: boolean;
  /** Arguments of `heddle run` before the script. */
  runArgs?: readonly string[];
  /** Arguments of the script. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** What it reads on stdin; nothing by default. */
  input?: string;
  /** Milliseconds after which the script and all it started are killed. */
  timeout?: number;
  /** The name of the file a source is written to: its extension decides how it is loaded. */
  name?: string;
  /** More files beside it, by name. */
  files?: Readonly<Record<string, string>>;
}

export interface RunResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** True if it had to be killed. */
  readonly timedOut: boolean;
}

const root = resolve(__dirname, "../..");
export const dist: string = join(root, "dist");
/** The node binary under test. */
export const testNode: string = process.env.HEDDLE_TEST_NODE ?? process.execPath;

/** Runs a file. */
export function runFile(file: string, options: RunOptions = {}): Promise<RunResult> {
  const { traced = false, runArgs = [], args = [], timeout = 20_000 } = options;
  const command = traced
    ? [join(dist, "cli.cjs"), "run", ...runArgs, file, ...args]
    : ["--require", join(dist, "preload.cjs"), file, ...args];
  return new Promise((done, fail) => {
    // A group of its own, so that all it started can be ended with it.
    const child = spawn(testNode, command, {
      detached: true,
      cwd: options.cwd ?? root,
      env: { ...process.env, NODE_OPTIONS: "", ...options.env },
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, timeout);
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (part: Buffer) => out.push(part));
    child.stderr.on("data", (part: Buffer) => err.push(part));
    child.on("error", fail);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      killGroup(child.pid);
      const text = (parts: Buffer[]) => Buffer.concat(parts).toString();
      done({ code, signal, stdout: text(out), stderr: text(err), timedOut });
    });
    child.stdin.on("error", () => {}); // it may end without reading
    child.stdin.end(options.input ?? "");
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // all gone
  }
}

/** Runs a source, written to a folder of its own that is removed afterwards. */
export async function runScript(source: string, options: RunOptions = {}): Promise<RunResult> {
  const folder = mkdtempSync(join(tmpdir(), "heddle-test-"));
  try {
    for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(folder, name), text);
    const file = join(folder, options.name ?? "script.ts");
    writeFileSync(file, source);
    return await runFile(file, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a source that checks itself: it must end with code 0, in time, and print `done` last. */
export async function expectScript(source: string, options: RunOptions = {}): Promise<RunResult> {
  const result = await runScript(source, options);
  const lastLine = result.stdout.trimEnd().split("\n").pop();
  if (result.code !== 0 || result.timedOut || lastLine !== "done") {
    throw new Error(
      `the script ${result.timedOut ? "did not end" : `ended with ${result.code ?? result.signal}`}\n--- stdout\n${result.stdout}\n--- stderr\n${result.stderr}`,
    );
  }
  return result;
}
