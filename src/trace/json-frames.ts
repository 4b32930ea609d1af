/**
 * The frames whose payload is JSON, checked field by field: a right checksum says that a writer wrote it so, not that
 * the writer was ours. What a frame cannot do without must be there (else a RangeError, and the frame counts as
 * damaged); the rest becomes its empty value.
 */
import type {
  CoreSourceFrame,
  EndFrame,
  HangFrame,
  ProcessEndFrame,
  ProcessStartFrame,
  SystemThread,
  SystemThreadsFrame,
  TraceHeader,
} from "./frames.js";

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(payload: Uint8Array): Fields {
  const value: unknown = JSON.parse(new TextDecoder().decode(payload));
  return asFields(value);
}

function asFields(value: unknown): Fields {
  if (typeof value !== "object" || value === null) throw new RangeError("not an object");
  return value as Fields;
}

/** Times and numbers of things: up to where integers are exact. */
function number(value: unknown): number {
  if (typeof value !== "number" || !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) throw new RangeError("not a number");
  return value;
}

/** What the system numbers processes and threads with. */
function id(value: unknown): number {
  const n = number(value);
  if (!Number.isInteger(n) || n < 0 || n > 0xffff_ffff) throw new RangeError("not a pid");
  return n;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const numberOr = <T>(value: unknown, otherwise: T): number | T =>
  typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : otherwise;
const integerOr = <T>(value: unknown, otherwise: T): number | T =>
  Number.isSafeInteger(value) ? (value as number) : otherwise;
const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** The latest time a Date can hold: milliseconds. */
const MOST_DATE = 8.64e15;
/** More cores than any machine has. */
const MOST_CORES = 1 << 16;

export function headerOf(payload: Uint8Array): Omit<TraceHeader, "version"> {
  const { command, cwd, startedAt, originNs, node, platform, cores } = fieldsOf(payload);
  const at = numberOr(startedAt, 0);
  const count = integerOr(cores, 0);
  return {
    command: Array.isArray(command) ? command.map(text) : [],
    cwd: text(cwd),
    startedAt: Math.abs(at) <= MOST_DATE ? at : 0,
    originNs: text(originNs),
    node: text(node),
    platform: text(platform),
    cores: count >= 0 && count <= MOST_CORES ? count : 0,
  };
}

export function processStartOf(payload: Uint8Array): ProcessStartFrame {
  const { pid, parentPid, name, t } = fieldsOf(payload);
  const parent = Math.max(-1, integerOr(parentPid, -1));
  return { type: "process-start", pid: id(pid), parentPid: parent, name: text(name), t: number(t) };
}

export function processEndOf(payload: Uint8Array): ProcessEndFrame {
  const { pid, t, exitCode, signal } = fieldsOf(payload);
  const code = integerOr(exitCode, null);
  return { type: "process-end", pid: id(pid), t: number(t), exitCode: code, signal: textOrNull(signal) };
}

export function systemThreadsOf(payload: Uint8Array): SystemThreadsFrame {
  const { threads } = fieldsOf(payload);
  if (!Array.isArray(threads)) throw new RangeError("no threads");
  return { type: "system-threads", threads: threads.map(systemThread) };
}

function systemThread(value: unknown): SystemThread {
  const { pid, tid, name, startNs, endNs } = asFields(value);
  const [start, end] = [numberOr(startNs, null), numberOr(endNs, null)];
  return { pid: id(pid), tid: id(tid), name: text(name), startNs: start, endNs: end };
}

export function coreSourceOf(payload: Uint8Array): CoreSourceFrame {
  const { source, reason } = fieldsOf(payload);
  if (source !== "perf" && source !== "sampled" && source !== "process-only") throw new RangeError("no such source");
  return { type: "core-source", source, reason: text(reason) };
}

export function hangOf(payload: Uint8Array): HangFrame {
  const { pid, t, hung, sinceNs } = fieldsOf(payload);
  return { type: "hang", pid: id(pid), t: number(t), hung: hung === true, sinceNs: number(sinceNs) };
}

export function endOf(payload: Uint8Array): EndFrame {
  const { t, exitCode, signal, hung } = fieldsOf(payload);
  return {
    type: "end",
    t: number(t),
    exitCode: integerOr(exitCode, null),
    signal: textOrNull(signal),
    hung: hung === true,
  };
}
