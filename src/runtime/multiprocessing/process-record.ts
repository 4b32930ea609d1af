/**
 * What is known of a child, in shared memory: written by the io-service, read by the threads of the parent, so that
 * `start`, `join` and `exitCode` need no event loop.
 */
import { AtomicWords } from "../core/words.js";

/** Where a child stands. */
export const ProcessState = { Starting: 0, Running: 1, Ended: 2, Failed: 3 } as const;

const STATE = 0;
const PID = 1;
const EXIT_CODE = 2;
const ERROR_BYTES = 3;
const ERROR_AT = 16;
const RECORD_BYTES = 512;
/** How often, in milliseconds, who blocks asks whether the service is there that would tell of the child. */
const ASK_MS = 500;
/** What a child ends with whose service is gone: the reaper kills it. */
const KILLED = -9;

/** A child's state, pid and exit code. */
export class ProcessRecord {
  readonly buffer: SharedArrayBuffer;
  readonly words: AtomicWords;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(RECORD_BYTES)) {
    this.buffer = buffer;
    this.words = new AtomicWords(buffer);
  }

  /** One of {@link ProcessState}. */
  get state(): number {
    return this.words.load(STATE);
  }

  get pid(): number {
    return this.words.load(PID);
  }

  get exitCode(): number {
    return this.words.load(EXIT_CODE);
  }

  /** Why it could not be started. */
  get error(): string {
    const bytes = new Uint8Array(this.buffer, ERROR_AT, this.words.load(ERROR_BYTES)).slice();
    return new TextDecoder().decode(bytes);
  }

  setStarted(pid: number): void {
    this.words.store(PID, pid);
    this.#setState(ProcessState.Running);
  }

  setEnded(exitCode: number): void {
    this.words.store(EXIT_CODE, exitCode);
    this.#setState(ProcessState.Ended);
  }

  setFailed(message: string): void {
    // encodeInto never cuts a character, and refuses shared memory.
    const bytes = new Uint8Array(RECORD_BYTES - ERROR_AT);
    const { written } = new TextEncoder().encodeInto(message, bytes);
    new Uint8Array(this.buffer, ERROR_AT).set(bytes);
    this.words.store(ERROR_BYTES, written);
    this.#setState(ProcessState.Failed);
  }

  /** Blocks until the io-service has started it or could not. `isGone`: whether there is no service any more. */
  waitStartedSync(isGone: () => boolean): void {
    while (this.state === ProcessState.Starting) {
      // The service is no thread that anybody watches: this is no wait without end.
      const outcome = this.words.wait(STATE, ProcessState.Starting, ASK_MS, false);
      if (outcome === "timed-out" && isGone())
        this.setFailed("the thread of the library that starts processes has ended");
    }
  }

  /** Blocks until it has ended, at most `timeoutMs` milliseconds. */
  waitEndedSync(timeoutMs: number, isGone: () => boolean): void {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      if (this.state !== ProcessState.Running) return;
      const left = deadline - performance.now();
      if (left <= 0) return;
      const endless = left === Number.POSITIVE_INFINITY;
      const outcome = this.words.wait(STATE, ProcessState.Running, Math.min(left, ASK_MS), endless);
      if (outcome === "timed-out" && isGone()) this.setEnded(KILLED);
    }
  }

  /** Resolves when it has ended or after `timeoutMs` milliseconds; keeps the event loop alive until then. */
  async waitEnded(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      if (this.state !== ProcessState.Running) return;
      const left = deadline - performance.now();
      if (left <= 0) return;
      await this.words.waitAsync(STATE, ProcessState.Running, { timeout: left, signal });
    }
  }

  #setState(state: number): void {
    this.words.store(STATE, state);
    this.words.notify(STATE);
  }
}
