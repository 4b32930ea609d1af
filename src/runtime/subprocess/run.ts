/**
 * Runs a program to its end, as Python's `subprocess.run` does.
 *
 * The blocking form blocks the thread in Node's own `spawnSync`. In both, a program that is out of time is killed, and
 * nobody waits for what its own children still hold open: Python does, and may then wait for ever.
 */

import { type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { callSite, emit, emitAt, intern, newWaitNumber, now, recording } from "../../recorder/emit.js";
import { EventFlag, EventKind, WaitReason } from "../../trace/events.js";
import { checkName, checkOptions, knownOptions, refuseSignal } from "../core/check-options.js";
import { checkTimeout } from "../core/deadline.js";
import { describe } from "../core/describe-value.js";
import { CalledProcessError, TimeoutExpired } from "../core/errors.js";
import { localFrames, setFrames } from "../core/local-frames.js";
import type { NameOptions, TimeoutOptions } from "../types.js";
import { blocked } from "./blocked-threads.js";
import { type Command, commandName, parseCommand } from "./command.js";
import { Output } from "./output.js";

const OPTIONS = knownOptions(
  "{ captureOutput: true }",
  "timeout",
  "check",
  "captureOutput",
  "encoding",
  "input",
  "shell",
  "cwd",
  "env",
  "name",
  "signal",
);

export interface RunSyncOptions extends NameOptions, TimeoutOptions {
  /** The longest run in milliseconds; then the program is killed and `TimeoutExpired` thrown. */
  timeout?: number | undefined;
  /** True to throw `CalledProcessError` for a code other than 0. */
  check?: boolean | undefined;
  /** True to keep what it prints instead of passing it on. */
  captureOutput?: boolean | undefined;
  /** How to read and write its texts; "utf8" by default. */
  encoding?: BufferEncoding | undefined;
  /** What it reads on stdin; nothing by default. */
  input?: string | Uint8Array | undefined;
  /** True to give the command to a shell; the default for a command that is one string. */
  shell?: boolean | undefined;
  /** The folder to run in. */
  cwd?: string | URL | undefined;
  /** Its whole environment. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
}
export interface RunOptions extends RunSyncOptions {
  /** Kills the program when aborted. */
  signal?: AbortSignal | undefined;
}

/** A program that has ended. */
export interface CompletedProcess {
  /** The command. */
  readonly args: string | readonly string[];
  /** The code it exited with, or -N after signal N. */
  readonly returnCode: number;
  /** What it printed, or null if that was not captured. */
  readonly stdout: string | null;
  /** What it printed on stderr, or null if that was not captured. */
  readonly stderr: string | null;
}

/** Milliseconds for which the output of a killed program is waited for when its own children still hold it. */
const OUTPUT_GRACE_MS = 100;
/** The longest timer of Node. */
const LONGEST_TIMER_MS = 0x7fffffff;

/** What both forms make of the arguments. */
interface Plan extends Command {
  readonly name: string;
  readonly options: RunSyncOptions;
  readonly timeout: number;
  readonly input: Uint8Array | null;
  readonly encoding: BufferEncoding;
  readonly spawnOptions: SpawnOptions;
}

function plan(command: string | readonly string[], options: RunSyncOptions): Plan {
  const { input, encoding = "utf8", captureOutput = false, cwd, env } = options;
  const parsed = parseCommand(command, options.shell);
  const timeout = checkTimeout(options.timeout);
  if (!Buffer.isEncoding(encoding))
    throw new TypeError(`encoding must be one that Node knows, not ${String(encoding)}`);
  if (input !== undefined && typeof input !== "string" && !(input instanceof Uint8Array)) {
    throw new TypeError("input must be a string or a Uint8Array");
  }
  const { shell, name } = options;
  if (shell !== undefined && typeof shell !== "boolean") {
    // Node would take the name of one; which shell it is belongs into the command.
    throw new TypeError(`shell must be true or false, not ${describe(shell)}`);
  }
  if (env !== undefined && (typeof env !== "object" || env === null)) {
    throw new TypeError(`env must be an object such as { ...process.env, LANG: "C" }, not ${describe(env)}`);
  }
  checkName(name);
  const folder = cwd === undefined ? undefined : checkFolder(cwd);
  const print = captureOutput ? "pipe" : "inherit";
  return {
    ...parsed,
    name: options.name ?? commandName(command),
    options,
    timeout,
    input: input === undefined ? null : typeof input === "string" ? Buffer.from(input, encoding) : input,
    encoding,
    spawnOptions: {
      shell: parsed.shell,
      stdio: [input === undefined ? "ignore" : "pipe", print, print],
      windowsHide: true,
      ...(folder !== undefined && { cwd: folder }),
      ...(env !== undefined && { env: env as NodeJS.ProcessEnv }),
    },
  };
}

/** A folder that is missing is told as such: Node would say that the program is. */
function checkFolder(cwd: string | URL): string {
  const path = cwd instanceof URL ? fileURLToPath(cwd) : cwd;
  if (typeof path !== "string") throw new TypeError("cwd must be a string or a URL");
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw Object.assign(new Error(`cwd is no folder: ${path}`), { code: "ENOENT", path });
  }
  return path;
}

/**
 * Runs a program to its end. Rejects with `CalledProcessError` (with `check`), `TimeoutExpired`, the signal's reason,
 * or an `Error` with a code, as `ENOENT`, if it cannot start; `TypeError` or `RangeError` for a command or option that
 * makes no sense.
 *
 * @example
 * ```ts
 * import { CalledProcessError, run } from "heddle/subprocess";
 *
 * const { stdout } = await run([process.execPath, "--print", "6 * 7"], { captureOutput: true, check: true });
 * console.log(stdout?.trim()); // prints 42
 *
 * try {
 *   await run([process.execPath, "--eval", "process.exit(5)"], { check: true });
 * } catch (error) {
 *   if (error instanceof CalledProcessError) console.log(error.returnCode); // prints 5
 * }
 * ```
 */
export async function run(command: string | readonly string[], options: RunOptions = {}): Promise<CompletedProcess> {
  checkOptions(options, OPTIONS);
  const { signal } = options;
  signal?.throwIfAborted();
  const it = plan(command, options);
  const site = recording ? callSite() : 0;
  const caller = localFrames();
  const child = spawn(it.file, it.args, it.spawnOptions);
  const stdout = new Output(child.stdout);
  const stderr = new Output(child.stderr);
  return new Promise((resolve, rejectAsIs) => {
    // Its end comes by an event of Node's, from where no stack leads back to the caller.
    const reject = (error: unknown) => {
      if (error instanceof Error && error !== signal?.reason) setFrames(error, caller);
      rejectAsIs(error);
    };
    let wait = 0;
    let failure: (() => unknown) | null = null;
    let timer: NodeJS.Timeout | undefined;
    const kill = (why: () => unknown) => {
      failure ??= why;
      child.kill("SIGKILL");
    };
    const onAbort = () => kill(() => signal?.reason);
    const arm = (left: number) => {
      const step = Math.min(Math.max(0, left), LONGEST_TIMER_MS);
      timer = setTimeout(() => (left > step ? arm(left - step) : kill(() => expired(it, stdout, stderr))), step);
    };
    const over = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    child.once("error", (error) => {
      // Also the error of a signal that could not be sent; its end still comes then.
      if (child.pid !== undefined) return;
      over();
      reject(error);
    });
    if (child.pid === undefined) return;
    const { pid } = child;
    if (recording) {
      wait = newWaitNumber();
      emit(EventKind.ProcessSpawn, 0, site, pid, intern(it.name), 0);
      emit(EventKind.WaitBegin, pid, site, wait, WaitReason.ProcessJoin, EventFlag.Async);
    }
    signal?.addEventListener("abort", onAbort, { once: true });
    if (it.timeout !== Number.POSITIVE_INFINITY) arm(it.timeout);
    if (child.stdin !== null) {
      // A program need not read what it is given.
      child.stdin.on("error", () => {});
      child.stdin.end(it.input);
    }
    let ended = false;
    const end = (code: number | null, by: NodeJS.Signals | null) => {
      if (ended) return;
      ended = true;
      over();
      child.stdout?.destroy();
      child.stderr?.destroy();
      const returnCode = returnCodeOf(code, by);
      if (recording) {
        emit(EventKind.ProcessExit, 0, 0, pid, returnCode + 1000, 0);
        emit(EventKind.WaitEnd, pid, 0, wait, 0, EventFlag.Async | (failure === null ? 0 : EventFlag.Failed));
      }
      if (failure !== null) reject(failure());
      else settle(() => complete(it, returnCode, stdout.text(it.encoding), stderr.text(it.encoding)), resolve, reject);
    };
    child.once("exit", (code, by) => {
      if (failure !== null) setTimeout(end, OUTPUT_GRACE_MS, code, by);
    });
    child.once("close", end);
  });
}

/** Blocking {@link run}. */
export function runSync(command: string | readonly string[], options: RunSyncOptions = {}): CompletedProcess {
  refuseSignal(options);
  checkOptions(options, OPTIONS);
  const it = plan(command, options);
  const site = recording ? callSite() : 0;
  const began = now();
  const wait = recording ? newWaitNumber() : 0;
  // Which process it is, Node tells only afterwards.
  if (recording) emit(EventKind.WaitBegin, 0, site, wait, WaitReason.ProcessJoin, 0);
  const { pid, status, signal, error, stdout, stderr } = blocked(() =>
    spawnSync(it.file, it.args, {
      ...it.spawnOptions,
      encoding: "buffer",
      maxBuffer: Number.POSITIVE_INFINITY,
      killSignal: "SIGKILL",
      ...(it.input !== null && { input: it.input }),
      ...(it.timeout !== Number.POSITIVE_INFINITY && { timeout: Math.max(1, Math.ceil(it.timeout)) }),
    }),
  );
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const started = pid !== 0 && (error === undefined || code === "ETIMEDOUT" || code === "EPIPE");
  if (recording) {
    if (started) {
      emitAt(began, EventKind.ProcessSpawn, 0, site, pid, intern(it.name), 0);
      emit(EventKind.ProcessExit, 0, 0, pid, returnCodeOf(status, signal) + 1000, 0);
    }
    emit(EventKind.WaitEnd, started ? pid : 0, 0, wait, 0, error === undefined ? 0 : EventFlag.Failed);
  }
  const text = (bytes: Buffer | null) => (it.options.captureOutput ? (bytes?.toString(it.encoding) ?? "") : null);
  if (code === "ETIMEDOUT") {
    throw expired(it, { text: () => text(stdout) }, { text: () => text(stderr) });
  }
  if (!started) throw error;
  return complete(it, returnCodeOf(status, signal), text(stdout), text(stderr));
}

function settle<T>(make: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): void {
  try {
    resolve(make());
  } catch (error) {
    reject(error);
  }
}

function complete(it: Plan, returnCode: number, stdout: string | null, stderr: string | null): CompletedProcess {
  if (it.options.check && returnCode !== 0) {
    const how = returnCode < 0 ? `died of ${signalName(-returnCode)}` : `returned the non-zero exit code ${returnCode}`;
    throw new CalledProcessError(`the command ${JSON.stringify(it.command)} ${how}`, {
      cmd: it.command,
      returnCode,
      stdout,
      stderr,
    });
  }
  return { args: it.command, returnCode, stdout, stderr };
}

interface Printed {
  text(encoding: BufferEncoding): string | null;
}

function expired(it: Plan, stdout: Printed, stderr: Printed): TimeoutExpired {
  return new TimeoutExpired(`the command ${JSON.stringify(it.command)} was killed after ${it.timeout} ms`, {
    cmd: it.command,
    timeout: it.timeout,
    stdout: stdout.text(it.encoding),
    stderr: stderr.text(it.encoding),
  });
}

function returnCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 1) : -constants.signals[signal];
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}
