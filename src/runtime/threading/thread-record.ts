/**
 * What all threads know of each thread: a record in the heap. The state is a word to wait on, so that `joinSync` works
 * while nobody's event loop turns. Records of living threads form a list; those of dead ones leave it and stay readable
 * for whoever holds the thread's object.
 *
 * A record is given back when its creator has dropped the thread's object, unless its place may be known elsewhere
 * (`Known`): to another thread, to a lock that names its holder by it, to a thread it started. Who knows it is not
 * counted, so such a record stays for good: 64 bytes and the name, for a thread that took megabytes.
 */
import { readdirSync } from "node:fs";
import { allocate, free, HeapWord, heapBytes, words } from "../core/heap.js";
import { HeapLock, threadExists } from "../core/heap-lock.js";
import { SharedFlag } from "../core/shared-flag.js";

/** Words of a record. */
const R = {
  State: 0,
  Ident: 1,
  NativeId: 2,
  Daemon: 3,
  Next: 4,
  Name: 5,
  NameBytes: 6,
  Error: 7,
  ErrorBytes: 8,
  HookWord: 9,
  HasHook: 10,
  Returned: 11,
  Kind: 12,
  Born: 13,
  /** Two words. */ Cancel: 14,
  Known: 16,
  OnlyDaemons: 17,
} as const;
const RECORD_WORDS = 18;

/** What class the thread's object is, beyond the user's own: the same in all threads. */
export const ThreadKind = { Thread: 0, Timer: 1 } as const;

export const ThreadState = { Initial: 0, Started: 1, Running: 2, Ended: 3 } as const;

const { view } = words;
const lock = new HeapLock(words, HeapWord.ThreadsLock);
const startLock = new HeapLock(words, HeapWord.StartLock);

function putBytes(bytes: Uint8Array): number {
  const block = allocate(Math.max(1, (bytes.length + 3) >> 2), false);
  heapBytes.set(bytes, block * 4);
  return block;
}

function freeBytes(block: number, length: number): void {
  if (block !== 0) free(block, Math.max(1, (length + 3) >> 2));
}

/** The threads of this process, as the system numbers them. */
function tasks(): string[] {
  try {
    return readdirSync("/proc/self/task");
  } catch {
    return [];
  }
}

export class ThreadRecord {
  /** `index` is its place in the heap: its identity for all threads. */
  constructor(readonly index: number) {}

  static create(name: string, daemon: boolean): ThreadRecord {
    const record = new ThreadRecord(allocate(RECORD_WORDS));
    record.name = name;
    record.daemon = daemon;
    return record;
  }

  /** Records of the threads that have started and not ended. */
  static living(): ThreadRecord[] {
    const found: ThreadRecord[] = [];
    lock.lock();
    let before: number = HeapWord.Threads;
    for (let at = view[before] as number; at !== 0; at = view[at + R.Next] as number) {
      if (view[at + R.State] === ThreadState.Ended) view[before] = view[at + R.Next] as number;
      else {
        view[at + R.Known] = 1;
        found.push(new ThreadRecord(at));
        before = at + R.Next;
      }
    }
    lock.unlock();
    return found.filter((record) => record.alive);
  }

  /** Gives its memory back if nobody else can know it. For its creator, who has no object of it any more. */
  static release(index: number): void {
    lock.lock();
    const state = view[index + R.State] as number;
    const unknown = view[index + R.Known] === 0 && (state === ThreadState.Initial || state === ThreadState.Ended);
    for (
      let before: number = HeapWord.Threads;
      unknown && view[before] !== 0;
      before = (view[before] as number) + R.Next
    ) {
      if (view[before] !== index) continue;
      view[before] = view[index + R.Next] as number;
      break;
    }
    lock.unlock();
    if (!unknown) return;
    const record = new ThreadRecord(index);
    record.takeError();
    freeBytes(words.load(index + R.Name), words.load(index + R.NameBytes));
    free(index, RECORD_WORDS);
  }

  /** From now on somebody may know its place of whom its creator does not know. */
  markKnown(): void {
    words.store(this.index + R.Known, 1);
  }

  /** A {@link ThreadKind}. */
  get kind(): number {
    return words.load(this.index + R.Kind);
  }

  set kind(value: number) {
    words.store(this.index + R.Kind, value);
  }

  /** Raised to end a timer's wait. */
  get cancelFlag(): SharedFlag {
    return new SharedFlag(words, this.index + R.Cancel);
  }

  /**
   * Calls `start`, which starts one worker, and notes which thread of the system that made. A worker that ends before
   * its first line of ours, as one whose preload throws, never says so itself.
   */
  watchBirth<W>(start: () => W): W {
    if (process.platform !== "linux") return start();
    startLock.lock();
    try {
      const before = new Set(tasks());
      const worker = start();
      const born = tasks().filter((task) => !before.has(task));
      // More than one: somebody else started a thread meanwhile, and which is ours cannot be told.
      if (born.length === 1) words.store(this.index + R.Born, Number(born[0]));
      return worker;
    } finally {
      startLock.unlock();
    }
  }

  get state(): number {
    return words.load(this.index + R.State);
  }

  get alive(): boolean {
    const { state } = this;
    if (state === ThreadState.Ended || state === ThreadState.Initial) return false;
    return true;
  }

  get ident(): number {
    return words.load(this.index + R.Ident);
  }

  get nativeId(): number {
    return words.load(this.index + R.NativeId);
  }

  /** True if it is known which thread of the system it is, so that {@link ended} can ask for it. */
  get isNumbered(): boolean {
    return this.nativeId !== 0 || words.load(this.index + R.Born) !== 0;
  }

  get daemon(): boolean {
    return words.load(this.index + R.Daemon) !== 0;
  }

  set daemon(value: boolean) {
    words.store(this.index + R.Daemon, value ? 1 : 0);
  }

  get name(): string {
    lock.lock();
    const start = words.load(this.index + R.Name) * 4;
    const bytes = heapBytes.slice(start, start + words.load(this.index + R.NameBytes));
    lock.unlock();
    return Buffer.from(bytes).toString();
  }

  set name(value: string) {
    const bytes = Buffer.from(value);
    const block = putBytes(bytes);
    lock.lock();
    const [old, oldBytes] = [words.load(this.index + R.Name), words.load(this.index + R.NameBytes)];
    words.store(this.index + R.NameBytes, bytes.length);
    words.store(this.index + R.Name, block);
    lock.unlock();
    freeBytes(old, oldBytes);
  }

  /** Enters the list of the living. `hookWord`: where its starter says whether it has a hook for errors (0: nowhere). */
  enter(ident: number, hookWord: number, state: number): void {
    words.store(this.index + R.Ident, ident);
    words.store(this.index + R.HookWord, hookWord);
    words.store(this.index + R.State, state);
    lock.lock();
    view[this.index + R.Next] = view[HeapWord.Threads] as number;
    view[HeapWord.Threads] = this.index;
    lock.unlock();
  }

  /** The thread itself says that it runs. */
  begin(nativeId: number): void {
    words.store(this.index + R.NativeId, nativeId);
    words.notify(this.index + R.NativeId);
    words.compareExchange(this.index + R.State, ThreadState.Started, ThreadState.Running);
  }

  /** Its `run` has returned: what it still holds it left so on purpose. */
  markReturned(): void {
    words.store(this.index + R.Returned, 1);
  }

  /** It has ended and stays only for daemons that it started. */
  markOnlyDaemons(): void {
    words.store(this.index + R.OnlyDaemons, 1);
  }

  /**
   * True if the thread is gone from the system, after all that it still had to do at its end, or stays for its daemons
   * only. Where the system cannot be asked, that it has ended must do.
   */
  get left(): boolean {
    if (!this.ended()) return false;
    if (words.load(this.index + R.OnlyDaemons) !== 0) return true;
    return process.platform !== "linux" || this.nativeId === 0 || !threadExists(this.nativeId);
  }

  /** True if its `run` has returned, not thrown. */
  get returned(): boolean {
    return words.load(this.index + R.Returned) !== 0;
  }

  /** It has ended: wakes all who join it. */
  end(): void {
    words.store(this.index + R.State, ThreadState.Ended);
    words.notify(this.index + R.State);
  }

  /** Blocks until the OS thread is known. */
  waitForNativeId(timeout: number): number {
    const deadline = performance.now() + timeout;
    while (this.nativeId === 0 && !this.ended() && performance.now() < deadline) {
      words.wait(this.index + R.NativeId, 0, Math.max(1, Math.min(100, deadline - performance.now())));
    }
    return this.nativeId;
  }

  /**
   * Blocks until it has ended or `slice` milliseconds are over. A thread that died without a word counts as ended.
   * `endless`: the caller goes on until it has ended.
   */
  waitSync(slice: number, endless: boolean): boolean {
    const { state } = this;
    if (state === ThreadState.Ended) return true;
    words.wait(this.index + R.State, state, slice, endless);
    return this.ended();
  }

  /** The same by a promise. */
  async waitAsync(slice: number, signal: AbortSignal | undefined, endless: boolean): Promise<boolean> {
    const { state } = this;
    if (state === ThreadState.Ended) return true;
    await words.waitAsync(this.index + R.State, state, { timeout: slice, signal, endless });
    return this.ended();
  }

  /** True if it has ended, also if it died without a word: then the system is asked. */
  ended(): boolean {
    if (this.state === ThreadState.Ended) return true;
    if (this.state === ThreadState.Initial) return false;
    if (threadExists(this.nativeId || words.load(this.index + R.Born))) return false;
    this.end();
    return true;
  }

  /** Leaves the encoded error that ended the thread for its starter's hook. */
  leaveError(bytes: Uint8Array): void {
    words.store(this.index + R.ErrorBytes, bytes.length);
    words.store(this.index + R.Error, putBytes(bytes));
  }

  /** Takes that error out, once. */
  takeError(): Uint8Array | null {
    const block = words.exchange(this.index + R.Error, 0);
    if (block === 0) return null;
    const length = words.load(this.index + R.ErrorBytes);
    const bytes = new Uint8Array(heapBytes.slice(block * 4, block * 4 + length));
    freeBytes(block, length);
    return bytes;
  }

  /** True if its starter wants to have its error. */
  get starterHasHook(): boolean {
    const word = words.load(this.index + R.HookWord);
    return word !== 0 && words.load(word) !== 0;
  }

  /** The {@link hookWord} of who started it; 0 for the main thread. */
  get starter(): number {
    return words.load(this.index + R.HookWord);
  }

  /** The word for {@link enter}, of the thread that this record is of: whether it set a hook of its own. */
  get hookWord(): number {
    return this.index + R.HasHook;
  }
}
