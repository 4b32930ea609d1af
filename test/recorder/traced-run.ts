/**
 * Runs scripts under the recorder alone (no runtime, no runner): bundles its preload, collector and emit side into a
 * folder, as dist/ would have them, and reads the trace that a script leaves.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { EventKind } from "../../src/trace/events.js";
import { type EventsFrame, type TraceFrame, TraceReader } from "../../src/trace/reader.js";

const root = resolve(__dirname, "../..");
const node = process.env.HEDDLE_TEST_NODE ?? process.execPath;

/** One event of a trace, with its strings looked up. */
export interface ReadEvent {
  pid: number;
  thread: number;
  kind: string;
  t: number;
  flags: number;
  object: number;
  a: number;
  b: number;
  /** The string of `b`. */
  text: string;
  /** The string of `site`. */
  site: string;
}

export interface TracedRun {
  readonly child: ChildProcess;
  readonly file: string;
  readonly originNs: bigint;
  /** Resolves with the next line of its stdout. */
  line(): Promise<string>;
  /** Resolves when it is over. */
  readonly over: Promise<{ code: number | null; signal: string | null; stderr: string }>;
}

/** A folder with the bundles; `remove` it afterwards. */
export class RecorderBench {
  readonly folder = mkdtempSync(join(tmpdir(), "heddle-recorder-"));
  #runs = 0;

  constructor() {
    const file = (name: string) => join(this.folder, name);
    symlinkSync(join(root, "node_modules"), file("node_modules"));
    writeFileSync(
      file("preload.ts"),
      `import { startRecorder } from ${JSON.stringify(join(root, "src/recorder/start.ts"))};\nstartRecorder();\n`,
    );
    buildSync({
      entryPoints: {
        preload: file("preload.ts"),
        collector: join(root, "src/recorder/collector-worker.ts"),
        emit: join(root, "src/recorder/emit.ts"),
        start: join(root, "src/recorder/start.ts"),
      },
      bundle: true,
      platform: "node",
      format: "cjs",
      outdir: join(this.folder, "dist"),
      outExtension: { ".js": ".cjs" },
    });
  }

  /** Runs `source` (CommonJS; `emit` is the emit side, `K` the event kinds). Untraced if `traced` is false. */
  run(source: string, traced = true, started: (child: ChildProcess, originNs: bigint) => void = () => {}): TracedRun {
    const n = ++this.#runs;
    const script = join(this.folder, `script-${n}.cjs`);
    const file = join(this.folder, `trace-${n}.heddle`);
    const head = `const emit = require("./dist/emit.cjs"); const K = ${JSON.stringify(EventKind)}; const { Worker, isMainThread, workerData } = require("node:worker_threads");`;
    writeFileSync(script, `${head} ${source}`);
    writeFileSync(file, "");
    const originNs = process.hrtime.bigint();
    const session = traced ? { HEDDLE_SESSION: JSON.stringify({ file, originNs: String(originNs) }) } : {};
    const child = spawn(node, ["--require", join(this.folder, "dist/preload.cjs"), script], {
      env: { ...process.env, ...session },
      stdio: ["pipe", "pipe", "pipe"],
    });
    started(child, originNs);
    let stdout = "";
    let stderr = "";
    let taken = 0;
    const wake = new Set<() => void>();
    child.stdout?.on("data", (part) => {
      stdout += part;
      for (const look of wake) look();
    });
    child.stderr?.on("data", (part) => {
      stderr += part;
    });
    return {
      child,
      file,
      originNs,
      line: () =>
        new Promise((done) => {
          const look = (): void => {
            const end = stdout.indexOf("\n", taken);
            if (end < 0) return;
            wake.delete(look);
            const line = stdout.slice(taken, end);
            taken = end + 1;
            done(line);
          };
          wake.add(look);
          look();
        }),
      over: new Promise((done) => child.on("close", (code, signal) => done({ code, signal, stderr }))),
    };
  }

  /** A folder where the file was: even root cannot append to it. */
  makeUnwritable(file: string): void {
    rmSync(file, { force: true });
    mkdirSync(file);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Of a file, or of its bytes. */
export function readFrames(file: string | Uint8Array): TraceFrame[] {
  const reader = new TraceReader();
  const frames = reader.push(typeof file === "string" ? readFileSync(file) : file);
  if (frames.length > 0) reader.finish((frame) => frames.push(frame));
  return frames;
}

/** All events of a trace, in the order of the file. */
export function readEvents(file: string | Uint8Array): ReadEvent[] {
  const names = new Map<number, string>(Object.entries(EventKind).map(([name, number]) => [number, name]));
  const texts = new Map<string, string>();
  const events: ReadEvent[] = [];
  for (const frame of readFrames(file).filter((f): f is EventsFrame => f.type === "events")) {
    for (const section of frame.threads) {
      const key = (number: number) => `${frame.pid}:${section.thread}:${number}`;
      for (const { number, text } of section.texts) texts.set(key(number), text);
      for (let i = 0; i < section.count; i++) {
        events.push({
          pid: frame.pid,
          thread: section.thread,
          kind: names.get(section.kind[i] as number) ?? "?",
          t: section.t[i] as number,
          flags: section.flags[i] as number,
          object: section.object[i] as number,
          a: section.a[i] as number,
          b: section.b[i] as number,
          text: texts.get(key(section.b[i] as number)) ?? "",
          site: texts.get(key(section.site[i] as number)) ?? "",
        });
      }
    }
  }
  return events;
}
