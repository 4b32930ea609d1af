/** A saved trace in a few words for the list of traces, from its first and last bytes: big files cost no more. */
import { open } from "node:fs/promises";
import { type EndFrame, TraceFormatError, type TraceFrame, TraceReader } from "../trace/reader.js";

export interface TraceSummary {
  /** Script and arguments; empty if the header cannot be read. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** Milliseconds since 1970; the file's own time if the header cannot be read. */
  readonly startedAt: number;
  /** NaN if nothing says it. */
  readonly durationNs: number;
  /** The end mark is there. */
  readonly complete: boolean;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** It ended where it could never have gone on. */
  readonly hung: boolean;
  readonly bytes: number;
  /** Why it cannot be shown, for a person; "" if it can. */
  readonly problem: string;
}

const PIECE = 64 * 1024;

/** @throws NodeJS.ErrnoException if the file cannot be read; a file that is no trace is told in `problem`. */
export async function readSummary(path: string): Promise<TraceSummary> {
  const file = await open(path, "r");
  try {
    const { size, mtimeMs } = await file.stat();
    const head = await piece(file, 0, Math.min(PIECE, size));
    const first = new TraceReader();
    let problem = "";
    let frames: readonly TraceFrame[] = [];
    try {
      frames = first.push(head);
      if (size <= PIECE) first.finish();
    } catch (error) {
      if (!(error instanceof TraceFormatError)) throw error;
      problem = error.message;
    }
    if (size > PIECE && problem === "") frames = lastFrames(await piece(file, Math.max(0, size - PIECE), PIECE));
    const end = frames.findLast((frame): frame is EndFrame => frame.type === "end");
    return {
      command: first.header?.command ?? [],
      cwd: first.header?.cwd ?? "",
      startedAt: first.header?.startedAt ?? mtimeMs,
      durationNs: end?.t ?? knownTo(frames),
      complete: end !== undefined,
      exitCode: end?.exitCode ?? null,
      signal: end?.signal ?? null,
      hung: end?.hung ?? false,
      bytes: size,
      problem,
    };
  } finally {
    await file.close();
  }
}

/** A trace without an end mark counts as being written while it has changed within this many milliseconds. */
const QUIET_MS = 3000;

/**
 * Whether something seems to write the trace now: who records says at least every quarter of a second that it is there.
 * @param modified When the file was changed, milliseconds since 1970.
 */
export function isBeingWritten(summary: TraceSummary, modified: number): boolean {
  return !summary.complete && summary.problem === "" && Math.abs(Date.now() - modified) < QUIET_MS;
}

/** Up to where the frames say that they are complete; NaN if none does. */
function knownTo(frames: readonly TraceFrame[]): number {
  let known = Number.NaN;
  for (const frame of frames) {
    const to = "completeTo" in frame ? frame.completeTo : 0;
    if (to > 0 && !(to <= known)) known = to;
  }
  return known;
}

/** The frames of a piece that begins somewhere within one. */
function lastFrames(bytes: Uint8Array): TraceFrame[] {
  const reader = new TraceReader();
  try {
    const frames = reader.push(bytes);
    reader.finish((frame) => frames.push(frame));
    return frames;
  } catch {
    return []; // No whole frame among the last bytes: a cut trace.
  }
}

async function piece(file: import("node:fs/promises").FileHandle, from: number, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  const { bytesRead } = await file.read(buffer, 0, length, from);
  return buffer.subarray(0, bytesRead);
}

/** "1.24 s", "850 ms", "2 min 5 s". */
export function formatDuration(ns: number): string {
  const ms = ns / 1e6;
  if (!Number.isFinite(ms)) return "unknown duration";
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
}
