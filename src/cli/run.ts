/** `heddle run`: the run, then its report and its HTML, then the script's own end. */
import { existsSync, mkdirSync } from "node:fs";
import { constants } from "node:os";
import { dirname, relative, resolve } from "node:path";
import { HUNG_EXIT_CODE } from "../runner/hang-monitor.js";
import { run } from "../runner/run.js";

export interface RunCommandOptions {
  readonly out?: string;
  readonly html?: string;
  readonly report: "text" | "json" | "none";
  readonly reportFile?: string;
  readonly node?: string;
  /** What becomes of a script that can never go on. */
  readonly onHang: "stop" | "wait";
  /** Run nothing if the trace is there already: an editor that restores its terminals may start a command again. */
  readonly once?: boolean;
  /** Where to run: an editor cannot start terminals everywhere. */
  readonly cwd?: string;
}

/** Runs a script and ends as it ended. @throws RunError if it cannot begin. */
export async function runCommand(script: string, args: readonly string[], options: RunCommandOptions): Promise<void> {
  if (options.cwd) process.chdir(options.cwd);
  if (options.once && options.out && existsSync(options.out)) {
    process.stderr.write(`heddle: ${script} ran already and is not run again; its trace is ${shown(options.out)}\n`);
    return;
  }
  await prepareOutputs(options);
  const ended = await run({
    script,
    args,
    nodeArgs: process.execArgv,
    ...(options.node && { nodePath: options.node }),
    ...(options.out && { file: options.out }),
    onProgress: (progress) => {
      if (progress.state === "note") process.stderr.write(`heddle: ${progress.message}\n`);
    },
    onHang: async (hang, file) => {
      const { explainHang } = await import("./hang.js");
      return explainHang(hang, file, options.onHang);
    },
  });
  const { exitCode, signal, file, hung } = ended;
  // The script's end is what the caller waits for: nothing that goes wrong from here on may hide it.
  try {
    const html = options.html && (await writePage(file, options.html));
    const { report, reportFile } = options;
    const { printRunReport } = await import("./report.js");
    await printRunReport({ file: shown(file), html: html && shown(html), report, reportFile, exitCode, signal });
  } catch (error) {
    process.stderr.write(`heddle: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  if (hung) {
    process.exitCode = HUNG_EXIT_CODE;
  } else if (signal !== null) endBy(signal);
  else process.exitCode = exitCode ?? 1;
}

/** What is wrong with the files that were asked for is said before a long run, not after it. */
async function prepareOutputs({ out, html, reportFile }: RunCommandOptions): Promise<void> {
  if (html === undefined && reportFile === undefined) return;
  const { TraceFileError, asTraceFileError, refuseToReplace } = await import("./report-input.js");
  const paths = [out, html, reportFile].flatMap((path) => (path ? [resolve(path)] : []));
  const twice = paths.find((path, i) => paths.indexOf(path) < i);
  if (twice !== undefined) {
    throw new TraceFileError(`${twice} was named twice: --out, --html and --report-file are files of their own.`);
  }
  for (const path of [html, reportFile]) {
    if (path === undefined) continue;
    refuseToReplace(path);
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw asTraceFileError(dirname(path), error);
    }
  }
}

/** Writes the timeline; undefined, with a line on stderr, if that fails. */
async function writePage(file: string, html: string): Promise<string | undefined> {
  const path = resolve(html);
  try {
    const { writeHtml } = await import("./html.js");
    await writeHtml(file, path);
    return path;
  } catch (error) {
    process.stderr.write(`heddle: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

/** A path as a person here would type it. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}

/** Ends by the signal that ended the script, so that a shell sees the same. */
function endBy(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  try {
    process.kill(process.pid, signal);
  } catch {
    // It has no signals like that here.
  }
  // If it is ignored or blocked here: the number that a shell gives it.
  setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100);
}
