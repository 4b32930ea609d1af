/**
 * Finds out, while a script runs, that none of its processes can ever go on.
 *
 * Each process writes to the trace when all of its threads wait for something that only another thread can bring
 * (`src/recorder/hang-watch.ts`), and again while it lasts. Another process could bring it, so the program hangs when all
 * of them have said so, and have said it once more after the last of them did: until that came to rest it may have handed
 * something to one of the others. The monitor looks only at the heads of frames, so that following a large trace costs
 * next to nothing.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { ByteReader } from "../trace/byte-reader.js";
import { FrameType, type HangFrame, type ProcessStartFrame } from "../trace/frames.js";
import { FRAME_HEAD_BYTES, MAGIC, MAX_PAYLOAD_BYTES } from "../trace/writer.js";

/** Milliseconds between looks. */
const LOOK_MS = 300;
/**
 * How long a process may take until it records, in milliseconds; what it waited for a core is not counted. What never
 * records is no process of the runtime.
 */
const BEGIN_MS = 10_000;
/** How long, in milliseconds, the end of a process may be news to those who wait for it. */
const NEWS_MS = 5_000;
/** Bytes of a payload that hold its process number. */
const PID_BYTES = 8;

/** The exit code of `heddle run` when it stopped a script that could never have gone on. */
export const HUNG_EXIT_CODE = 86;

/** All processes of the run wait for each other or for nobody. */
export interface Hang {
  readonly pids: readonly number[];
  /** Since when the last of them could not go on: nanoseconds from the trace's origin. */
  readonly sinceNs: number;
}

/** A process that cannot go on, in nanoseconds from the trace's origin: since when, when it first said so, and last. */
interface Standstill {
  readonly sinceNs: number;
  readonly first: number;
  readonly last: number;
}

export class HangMonitor {
  readonly #fd: number;
  readonly #timer: NodeJS.Timeout;
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES + PID_BYTES);
  /** Processes that record; null while they can go on. */
  readonly #processes = new Map<number, Standstill | null>();
  /** Processes that began and do not record: when that was seen, `performance.now()`. */
  readonly #beginning = new Map<number, number>();
  readonly #helpers = new Set<number>();
  /** When a process was last seen to have ended. */
  #endedMs = Number.NEGATIVE_INFINITY;
  #position = 0;
  #told = false;

  /** `changed` is called when the program comes to a standstill, and with null should it go on after all. */
  constructor(
    file: string,
    private readonly changed: (hang: Hang | null) => void,
    private readonly coreAwaited: (pid: number) => number = coreAwaitedMs,
  ) {
    this.#fd = openSync(file, "r");
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Whether it stood still when last looked at; that it ended since does not change that. */
  get isHung(): boolean {
    return this.#told;
  }

  stop(): void {
    clearInterval(this.#timer);
    closeSync(this.#fd);
  }

  /** Takes in what was written since, and tells what has changed with that. It does so by itself a few times a second. */
  look(): void {
    this.#read();
    for (const pid of this.#processes.keys()) {
      if (exists(pid)) continue;
      this.#processes.delete(pid);
      this.#endedMs = performance.now();
    }
    const living = [...this.#processes];
    if (living.length === 0) return;
    const standstills = living.flatMap(([, standstill]) => standstill ?? []);
    // Who waits for a process that has just ended will hear of it.
    const news = performance.now() - this.#endedMs < NEWS_MS;
    if (standstills.length < living.length || news || this.#oneBegins()) {
      if (this.#told) this.changed(null);
      this.#told = false;
      return;
    }
    if (this.#told || !saidSinceLast(standstills)) return;
    this.#told = true;
    this.changed({ pids: living.map(([pid]) => pid), sinceNs: Math.max(...standstills.map(({ sinceNs }) => sinceNs)) });
  }

  /** Whether a process began a moment ago that may still come to record. */
  #oneBegins(): boolean {
    for (const [pid, seen] of this.#beginning) {
      const over = performance.now() - seen - BEGIN_MS;
      if ((over > 0 && over > this.coreAwaited(pid)) || !exists(pid)) this.#beginning.delete(pid);
    }
    return this.#beginning.size > 0;
  }

  /** Takes in the frames that were appended since. */
  #read(): void {
    const { size } = fstatSync(this.#fd);
    const head = this.#head;
    while (this.#position + FRAME_HEAD_BYTES <= size) {
      const count = readSync(this.#fd, head, 0, head.length, this.#position);
      const length = head.readUInt32LE(4);
      if (count < FRAME_HEAD_BYTES || MAGIC.some((byte, i) => head[i] !== byte) || length > MAX_PAYLOAD_BYTES) {
        // Not ours to mend: the reader of the trace tells what is damaged.
        this.#position = Number.POSITIVE_INFINITY;
        return;
      }
      const end = this.#position + FRAME_HEAD_BYTES + length;
      if (end > size) return;
      this.#take(head.readUInt16LE(8), length);
      this.#position = end;
    }
  }

  #take(type: number, length: number): void {
    if (type === FrameType.Events) {
      const pid = new ByteReader(this.#head.subarray(FRAME_HEAD_BYTES)).varint();
      this.#beginning.delete(pid);
      if (!this.#processes.has(pid)) this.#processes.set(pid, null);
    } else if (type === FrameType.ProcessStart) {
      const { pid, name } = this.#json<ProcessStartFrame>(length);
      // A helper of Heddle's never records. What it is called comes after its beginning.
      if (name.startsWith("heddle-")) this.#helpers.add(pid);
      if (this.#helpers.has(pid)) this.#beginning.delete(pid);
      else if (!this.#processes.has(pid)) this.#beginning.set(pid, performance.now());
    } else if (type === FrameType.Hang) {
      const { pid, hung, sinceNs, t } = this.#json<HangFrame>(length);
      this.#beginning.delete(pid);
      const first = this.#processes.get(pid)?.first ?? t;
      this.#processes.set(pid, hung ? { sinceNs, first, last: t } : null);
    }
  }

  #json<T>(length: number): Omit<T, "type"> {
    const payload = Buffer.alloc(length);
    readSync(this.#fd, payload, 0, length, this.#position + FRAME_HEAD_BYTES);
    return JSON.parse(payload.toString());
  }
}

/** Whether all have said it again since the last of them first did. One alone has nobody to wait for. */
function saidSinceLast(standstills: readonly Standstill[]): boolean {
  if (standstills.length === 1) return true;
  const lastToRest = Math.max(...standstills.map(({ first }) => first));
  return standstills.every(({ last }) => last > lastToRest);
}

/** Milliseconds for which a process's main thread was ready and had no core; 0 where the system does not tell. */
function coreAwaitedMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ")[1]) / 1e6 || 0;
  } catch {
    return 0;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
