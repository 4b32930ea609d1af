/**
 * Promises that wait for words of memory that processes share.
 *
 * A thread cannot wait in the kernel and turn its event loop, so a worker does (`word-waiter.ts`): one for each thread
 * that has such promises, since a worker ends with the thread that started it. Promises that wait for the same word to
 * change from the same value stand in one line, for which the worker waits once. When that is woken and the word has
 * changed, all in the line look at it; when it has not, as somebody was faster, the first one does, and the others go on
 * waiting. A wake-up call for a line that was left by then (out of time, or aborted) is passed on.
 *
 * Nothing depends on the worker being in the kernel at every moment: the word is looked at whenever its wait there
 * begins, every 20 ms at least. So short waits are over before there is a worker, by looking again every millisecond;
 * and where the system has no `futex_waitv`, that is all there is.
 */
import { join } from "node:path";
import { isMainThread, Worker } from "node:worker_threads";
import { SLICE } from "../core/deadline.js";
import { beginTimedWait, endTimedWait, unrefOwn } from "../core/stuck-loop.js";
import { holdLoop, releaseLoop, type WaitAsyncOptions, type WaitOutcome } from "../core/words.js";
import { NOTHING } from "./futex-waitv.js";
import { Segment } from "./segment.js";
import { kernelWait } from "./system-wait.js";
import { MOST_ENTRIES, type WaiterData, WaiterState, WordList } from "./word-list.js";

/** Milliseconds between looks where there is no worker, at first and at most. */
const LOOK_MS = 1;
const MOST_LOOK_MS = 8;
/** After how many looks a worker is started: what is over soon needs none. */
const LOOKS = 10;
/** How long the end of a thread waits for the start of its worker. */
const START_PATIENCE_MS = 2000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Words that can be waited for like this. */
export interface KernelWords {
  load(index: number): number;
  notify(index: number, count: number): number;
  /** Where a word is in the address space of this process. */
  addressOf(index: number): number;
}

/** Those who wait for one word to change from one value. */
interface Line {
  readonly words: KernelWords;
  readonly index: number;
  readonly address: number;
  readonly expected: number;
  readonly wakes: Set<() => void>;
}

/** All lines; empty ones may be among them. */
const lines = new Map<string, Line>();

const changed = ({ words, index, expected }: Line): boolean => words.load(index) !== expected;

/** Wakes whom a line's wake-up call is for. */
function wakeLine(line: Line): void {
  if (line.wakes.size === 0) {
    line.words.notify(line.index, 1);
    return;
  }
  const all = changed(line);
  for (const wake of line.wakes) {
    line.wakes.delete(wake);
    wake();
    if (!all) break;
  }
}

/** Wakes all whose word has changed, and forgets lines that are empty. */
function lookAtAll(): void {
  for (const [key, line] of lines) {
    if (line.wakes.size > 0 && changed(line)) wakeLine(line);
    if (line.wakes.size === 0) lines.delete(key);
  }
}

// ---- without a worker

let looks = 0;
let lookDue = false;

function lookSoon(): void {
  if (lookDue) return;
  lookDue = true;
  unrefOwn(setTimeout(look, looks < 4 * LOOKS ? LOOK_MS : MOST_LOOK_MS));
}

function look(): void {
  lookDue = false;
  lookAtAll();
  looks = lines.size === 0 ? 0 : looks + 1;
  if (lines.size === 0 || waiter?.ready === true) return;
  if (looks >= LOOKS) waiter ??= Waiter.start();
  lookSoon();
}

// ---- with one

class Waiter {
  ready = false;
  /** Version and words of the list as the worker knows it, or will in a moment, and those of the list before. */
  #version = 0;
  #listed: readonly Line[] = [];
  #listedBefore: readonly Line[] = [];
  #due = false;

  private constructor(
    private readonly list: WordList,
    private readonly control: Int32Array,
    private readonly controlAddress: number,
  ) {}

  static start(): Waiter {
    const segment = Segment.create(64);
    const list = new WordList();
    const waiter = new Waiter(list, new Int32Array(segment.view(0, 64)), Number(segment.addressOf(0)));
    if (process.platform !== "linux") return waiter;
    const workerData: WaiterData = { list: list.buffer, control: waiter.controlAddress };
    const worker = new Worker(join(__dirname, "word-waiter.cjs"), {
      name: "heddle waiter",
      workerData,
      // It is a part of the library: neither the user's preloads nor the recorder belong in it.
      execArgv: [],
      env: {},
    });
    worker.unref();
    worker.on("error", () => {
      list.ring(NOTHING, 0, WaiterState.Unable);
      // Then the thread looks by itself.
      waiter.ready = false;
      lookSoon();
    });
    void waiter.#listen();
    // The worker ends with this thread, and must not do so in the middle of its start (see `native.ts`, which looks after
    // the end of the main thread).
    if (!isMainThread) process.on("exit", () => list.waitForState(WaiterState.Starting, START_PATIENCE_MS));
    return waiter;
  }

  async #listen(): Promise<void> {
    const { list } = this;
    for (let rung = await list.bell(0); ; rung = await list.bell(rung)) {
      if (list.state === WaiterState.Unable) return;
      if (this.ready) this.#take(list.found, list.foundIn);
      this.ready = true;
      // Those who were woken are to look first, and to wait again.
      this.publishSoon();
    }
  }

  #take(found: number, version: number): void {
    const listed = version === this.#version ? this.#listed : this.#listedBefore;
    const line = found < 0 ? undefined : listed[found];
    if (line !== undefined) wakeLine(line);
    lookAtAll();
  }

  /** Tells the worker, when all that is under way has come to rest, what to wait for. */
  publishSoon(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.#publish();
    });
  }

  #publish(): void {
    lookAtAll();
    const { list, control } = this;
    list.setVersion(this.#version + 1);
    this.#listedBefore = this.#listed;
    this.#listed = [...lines.values()].slice(0, MOST_ENTRIES);
    list.count = this.#listed.length;
    for (const [i, { address, expected }] of this.#listed.entries()) list.set(i, address, expected);
    this.#version = (this.#version + 2) & 0x3fffffff;
    Atomics.store(control, 0, this.#version);
    list.setVersion(this.#version);
    kernelWait().wake(this.controlAddress, 1);
  }
}

let waiter: Waiter | null = null;

/** See `SharedWords.waitAsync`. */
export function waitForWord(
  words: KernelWords,
  index: number,
  expected: number,
  options: WaitAsyncOptions,
): Promise<WaitOutcome> {
  const { signal, timeout = Number.POSITIVE_INFINITY } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (words.load(index) !== expected) return Promise.resolve("not-equal");
  if (timeout <= 0) return Promise.resolve("timed-out");
  const address = words.addressOf(index);
  const key = `${address}:${expected}`;
  let line = lines.get(key);
  if (line === undefined) {
    line = { words, index, address, expected, wakes: new Set() };
    lines.set(key, line);
    if (waiter?.ready === true) waiter.publishSoon();
    else lookSoon();
  }
  const { wakes } = line;
  const timed = !(options.endless ?? timeout > SLICE) || signal !== undefined;
  return new Promise((resolve, reject) => {
    let expiry: NodeJS.Timeout | undefined;
    const end = (again: boolean) => {
      wakes.delete(wake);
      clearTimeout(expiry);
      signal?.removeEventListener("abort", onAbort);
      releaseLoop(again);
      if (timed) endTimedWait();
    };
    const wake = () => {
      end(false);
      resolve("ok");
    };
    const onAbort = () => {
      end(false);
      reject(signal?.reason);
    };
    const onExpiry = () => {
      const outcome = words.load(index) === expected ? "timed-out" : "ok";
      end(!timed && outcome === "timed-out");
      resolve(outcome);
    };
    if (timeout !== Number.POSITIVE_INFINITY) {
      expiry = unrefOwn(setTimeout(onExpiry, Math.min(timeout, LONGEST_TIMER_MS)));
    }
    holdLoop();
    if (timed) beginTimedWait();
    wakes.add(wake);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
