/**
 * Runs a script under trace, from the check of its path to the end mark of its trace.
 *
 * The script's process is the user's as far as possible: its arguments, environment, folder, standard streams and
 * signals are what plain `node` would give it. What Heddle adds are `--require` of the preload, and one environment
 * variable that the preload takes away again.
 */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { INSIDE } from "../loader/in-thread-hooks.js";
import { SESSION_VARIABLE } from "../recorder/session.js";
import { startSystemSampler } from "../recorder/system-sampler.js";
import { createTraceFile, type TraceFile } from "../recorder/trace-file.js";
import type { TraceHeader } from "../trace/frames.js";
import { processEndFrame, processStartFrame } from "../trace/writer.js";
import { checkNode } from "./check-node.js";
import { Guard } from "./guard.js";
import { type Hang, HangMonitor } from "./hang-monitor.js";
import { otherThanTrace, reasonOf } from "./output-file.js";
import { PATIENCE, ProcessTree } from "./process-tree.js";
import { RunError } from "./run-error.js";
import { prepareFolder, traceFolders, traceNames } from "./trace-place.js";

export interface RunOptions {
  /** Path of the script, against `cwd`. */
  readonly script: string;
  readonly args?: readonly string[];
  /** The Node to run it with; the one that runs this by default. */
  readonly nodePath?: string;
  /** Arguments for Node itself. */
  readonly nodeArgs?: readonly string[];
  /** The script's environment; this process's by default. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The trace. By default a new file in `.heddle/` of `cwd`, or of the temporary folder if that cannot be written. */
  readonly file?: string;
  readonly stdio?: StdioOptions;
  /** Told when the script runs, and what the user should know about the trace. */
  readonly onProgress?: (progress: RunProgress) => void;
  /**
   * Told while the script runs that none of its threads can ever go on, when all that they do until then is in the
   * trace. What it resolves with says what becomes of the script.
   */
  readonly onHang?: (hang: Hang, file: string) => Promise<"stop" | "wait">;
  /** Aborting it stops the script and all that it started, within a second. */
  readonly signal?: AbortSignal;
  /** Pass this process's SIGINT, SIGTERM and SIGHUP on to the script. True by default. */
  readonly passSignals?: boolean;
}

export type RunProgress =
  | { readonly state: "started"; readonly pid: number; readonly file: string }
  | { readonly state: "note"; readonly message: string };

export interface RunResult {
  /** null if a signal ended the script. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The trace. */
  readonly file: string;
  /** It was stopped because it could never have gone on. */
  readonly hung: boolean;
}

/** How long processes of the runtime may outlive the script that started them. */
const GRACE = 500;

/** Runs a script. @throws RunError if it cannot begin. */
export async function run(options: RunOptions): Promise<RunResult> {
  const cwd = options.cwd ?? process.cwd();
  checkScript(options.script, cwd);
  const nodePath = options.nodePath ?? process.execPath;
  const version = checkNode(nodePath);
  const { args = [], nodeArgs = [], env = process.env, stdio = "inherit", onProgress = () => {} } = options;

  const origin = process.hrtime.bigint();
  const trace = openTrace(options, cwd, onProgress, {
    command: [options.script, ...args],
    cwd,
    startedAt: Date.now(),
    originNs: String(origin),
    node: version,
    platform: process.platform,
    cores: availableParallelism(),
  });
  const now = (): number => Number(process.hrtime.bigint() - origin);
  const session = JSON.stringify({ file: trace.path, originNs: String(origin), parentPid: -1 });
  const marker = `"originNs":"${origin}"`;
  const tree = new ProcessTree(marker);
  const attempt = noting(trace.path, onProgress);
  const write = (frame: Uint8Array): void => attempt(() => trace.write(frame));
  const sampler = startSystemSampler({ write, originNs: origin });

  const started = now();
  const child = spawn(
    nodePath,
    [
      ...nodeArgs,
      ...loaderArguments(version),
      "--require",
      join(__dirname, "preload.cjs"),
      asPath(options.script),
      ...args,
    ],
    { cwd, env: { ...env, [SESSION_VARIABLE]: session }, stdio },
  );
  const pid = child.pid;
  const guard = pid === undefined ? undefined : new Guard(pid, marker, nodePath);
  const stopper = new Stopper(child, tree);
  const release = options.passSignals === false ? () => {} : passSignals(child, stopper);
  const abort = (): void => stopper.stop("SIGTERM");
  const { onHang } = options;
  let hung = false;
  const monitor =
    onHang &&
    new HangMonitor(trace.path, (hang) => {
      if (hang === null) return;
      void onHang(hang, trace.path).then((then) => {
        if (then !== "stop" || child.exitCode !== null || child.signalCode !== null) return;
        hung = true;
        abort();
      });
    });
  try {
    const ended = endOf(child);
    if (pid !== undefined) {
      sampler.watch(pid);
      tree.add(pid);
      write(processStartFrame({ pid, parentPid: -1, name: basename(options.script), t: started }));
      onProgress({ state: "started", pid, file: trace.path });
      if (options.signal?.aborted) abort();
      options.signal?.addEventListener("abort", abort);
    }
    const { exitCode, signal } = await ended;
    const t = now();
    const stoodStill = hung || monitor?.isHung === true;
    monitor?.stop();
    await stopper.finish(signal !== null);
    await sampler.stop();
    write(processEndFrame({ pid: pid!, t, exitCode, signal }));
    attempt(() => trace.finish({ t, exitCode, signal, hung: stoodStill }));
    trace.close();
    return { exitCode, signal, file: trace.path, hung };
  } catch (error) {
    monitor?.stop();
    await sampler.stop();
    trace.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new RunError("no-start", `The script could not be started: ${why}`);
  } finally {
    options.signal?.removeEventListener("abort", abort);
    guard?.dismiss();
    release();
  }
}

function checkScript(script: string, cwd: string): void {
  const path = resolve(cwd, script);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new RunError("no-script", `There is no script at ${path}.`);
  if (found.isDirectory()) throw new RunError("script-is-folder", `${path} is a folder; name the script in it.`);
  if (path.endsWith(".heddle")) {
    throw new RunError("no-script", `${path} is a trace, not a script: heddle view or heddle report show it.`);
  }
}

/** What lets Node 20 call the loader's hooks where they are. */
function loaderArguments(version: string): string[] {
  return version.startsWith("v20.") ? [INSIDE] : [];
}

/** The script as Node's command line takes it for a path. */
function asPath(script: string): string {
  return script.startsWith("-") ? `./${script}` : script;
}

function openTrace(
  { file, script }: RunOptions,
  cwd: string,
  onProgress: (progress: RunProgress) => void,
  header: Omit<TraceHeader, "version">,
): TraceFile {
  if (file !== undefined) return openNamed(resolve(cwd, file), header);
  const failures: string[] = [];
  for (const folder of traceFolders(cwd)) {
    try {
      const trace = openNew(folder, script, header);
      if (failures.length > 0) onProgress({ state: "note", message: `${failures[0]}; the trace is ${trace.path}` });
      return trace;
    } catch (error) {
      failures.push(`Cannot write to ${folder}: ${reasonOf(error)}`);
    }
  }
  throw new RunError("no-trace-file", `${failures.join("; ")}.`);
}

/** The file that was asked for. A trace of that name is replaced; what is something else was hardly meant. */
function openNamed(path: string, header: Omit<TraceHeader, "version">): TraceFile {
  try {
    const other = otherThanTrace(path);
    if (other !== "") {
      throw new RunError(
        "no-trace-file",
        `${path} is there already and is ${other}: it is not overwritten. Name another file for the trace.`,
      );
    }
    prepareFolder(dirname(path));
    return createTraceFile(path, header);
  } catch (error) {
    if (error instanceof RunError) throw error;
    throw new RunError("no-trace-file", `Cannot write ${path}: ${reasonOf(error)}.`);
  }
}

/** A new file, also when other runs of the script begin at this moment. */
function openNew(folder: string, script: string, header: Omit<TraceHeader, "version">): TraceFile {
  prepareFolder(folder);
  for (const name of traceNames(script, new Date(header.startedAt))) {
    try {
      return createTraceFile(join(folder, name), header, true);
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST" || syscall !== "open") throw error;
    }
  }
  throw new Error("There is always one more name.");
}

/**
 * For what the runner writes to the trace: where that fails (a full disk), it says so, once, and the script goes on as
 * it would without a trace. What comes later is tried all the same: there may be room again.
 */
function noting(path: string, onProgress: (progress: RunProgress) => void): (write: () => void) => void {
  let isTold = false;
  return (write) => {
    try {
      write();
    } catch (error) {
      if (isTold) return;
      isTold = true;
      const why = error instanceof Error ? error.message : String(error);
      onProgress({ state: "note", message: `${path} cannot be written any more (${why}); the trace is not whole` });
    }
  };
}

function endOf(child: ChildProcess): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("exit", (exitCode, signal) => done({ exitCode, signal }));
  });
}

/** Ends a run early, at most once, and tidies up after it in any case. */
class Stopper {
  readonly #child: ChildProcess;
  readonly #tree: ProcessTree;
  #ending: Promise<unknown> | undefined;

  constructor(child: ChildProcess, tree: ProcessTree) {
    this.#child = child;
    this.#tree = tree;
  }

  stop(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    this.#ending ??= this.#tree.end(signal, PATIENCE);
  }

  /** The script is over: nothing that writes to its trace may be left. */
  async finish(killed: boolean): Promise<void> {
    if (killed) this.stop("SIGTERM");
    if (this.#ending !== undefined) {
      await this.#ending;
      return;
    }
    await this.#tree.endMarked(GRACE);
  }
}

/** What a script may use for its own purposes, or what Node does with it (SIGUSR1: wait for a debugger). */
const OWN_SIGNALS: readonly NodeJS.Signals[] = process.platform === "win32" ? [] : ["SIGQUIT", "SIGUSR1", "SIGUSR2"];

/**
 * SIGINT goes to the script, which may have its own opinion of it; from a terminal it got it already. So do signals of
 * the script's own. The second SIGINT, and SIGTERM and SIGHUP, stop the run. Returns how to leave signals alone again.
 */
function passSignals(child: ChildProcess, stopper: Stopper): () => void {
  let interrupts = 0;
  const interrupt = (): void => {
    if (++interrupts > 1) stopper.stop("SIGINT");
    else if (!process.stdin.isTTY) child.kill("SIGINT");
  };
  const pass = (signal: NodeJS.Signals): void => {
    // From a terminal the script got it already.
    if (signal !== "SIGQUIT" || !process.stdin.isTTY) child.kill(signal);
  };
  const terminate = (): void => stopper.stop("SIGTERM");
  const hangUp = (): void => stopper.stop("SIGHUP");
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", terminate);
  process.on("SIGHUP", hangUp);
  for (const signal of OWN_SIGNALS) process.on(signal, pass);
  return () => {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", terminate);
    process.off("SIGHUP", hangUp);
    for (const signal of OWN_SIGNALS) process.off(signal, pass);
  };
}
