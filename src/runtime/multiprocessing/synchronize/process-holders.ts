/**
 * The threads of any process as holders of the locks in a heap of processes: each has a record in that heap, made when
 * it takes something there for the first time, which stays, since locks name it also after its end.
 *
 * A process can be killed at any instant, so a record becomes visible whole, by a single compare-and-swap. Whether its
 * thread still lives the system is asked, by its number and the time it began.
 */
import { isMainThread } from "node:worker_threads";
import { threadNumber } from "../../../recorder/emit.js";
import { EventFlag } from "../../../trace/events.js";
import { type HeapMemory, HeapWord } from "../../core/heap-memory.js";
import type { Holders } from "../../core/holder.js";
import { nativeThreadId } from "../../core/native-id.js";
import { lives, ownBeginning, processLives } from "../../core/os-thread.js";
import { currentRecord } from "../../threading/current-record.js";
import { rootPid } from "../root-process.js";

/** Words of a record; the name follows. */
const R = { Next: 0, Pid: 1, NativeId: 2, Began: 3, Number: 4, EndedWell: 5, NameBytes: 6, Name: 7 } as const;

/** What makes a note at the end of this thread. */
const open = new Set<WeakRef<ProcessHolders>>();
let watching = false;

/** A thread whose program came to its end has ended well; one that exits with an error, or is killed, has not. */
function noteEnd(code: number): void {
  if (!(isMainThread ? code === 0 : currentRecord().returned)) return;
  for (const holders of open) holders.deref()?.noteEnd();
}

function nameOfThread(): string {
  const process_ = rootPid() === process.pid ? "MainProcess" : process.title;
  const inProcess = `process “${process_}” (pid ${process.pid})`;
  if (isMainThread) return inProcess;
  return `thread “${currentRecord().name}” (number ${threadNumber}) of ${inProcess}`;
}

export class ProcessHolders implements Holders {
  readonly ownNumber = nativeThreadId();
  readonly flag = EventFlag.Remote;
  self = 0;

  constructor(private readonly heap: HeapMemory) {}

  enter(): number {
    this.self = this.#find() || this.#make();
    open.add(new WeakRef(this));
    if (!watching) {
      watching = true;
      process.on("exit", noteEnd);
    }
    return this.self;
  }

  /** This thread's record, if it had the heap before. */
  #find(): number {
    const { words } = this.heap;
    const mine = nativeThreadId();
    for (let at = words.load(HeapWord.ProcessHolders); at !== 0; at = words.load(at + R.Next)) {
      if (words.load(at + R.NativeId) !== mine || words.load(at + R.Pid) !== process.pid) continue;
      if (words.load(at + R.Began) === ownBeginning && words.load(at + R.Number) === threadNumber) return at;
    }
    return 0;
  }

  #make(): number {
    const { heap } = this;
    const { words } = heap;
    const name = Buffer.from(nameOfThread());
    const record = heap.allocate(R.Name + ((name.length + 3) >> 2));
    words.note(record + R.Pid, process.pid);
    words.note(record + R.NativeId, nativeThreadId());
    words.note(record + R.Began, ownBeginning);
    words.note(record + R.Number, threadNumber);
    words.note(record + R.NameBytes, name.length);
    heap.write(record + R.Name, name);
    for (;;) {
      const first = words.load(HeapWord.ProcessHolders);
      words.note(record + R.Next, first);
      if (words.compareExchange(HeapWord.ProcessHolders, first, record) === first) return record;
    }
  }

  /** The calling thread ends well. */
  noteEnd(): void {
    if (this.self !== 0) this.heap.words.store(this.self + R.EndedWell, 1);
  }

  isDead(holder: number, strict: boolean): boolean {
    const { words } = this.heap;
    if (words.load(holder + R.EndedWell) !== 0) return strict;
    if (process.platform !== "linux") return !processLives(words.load(holder + R.Pid));
    return !lives(words.load(holder + R.NativeId), words.load(holder + R.Began));
  }

  numberOf(holder: number): number {
    return holder === 0 ? 0 : this.nativeIdOf(holder);
  }

  describe(holder: number): string {
    return Buffer.from(this.heap.read(holder + R.Name, this.heap.words.load(holder + R.NameBytes))).toString();
  }

  nativeIdOf(holder: number): number {
    return this.heap.words.load(holder + R.NativeId);
  }

  pidOf(holder: number): number {
    return this.heap.words.load(holder + R.Pid);
  }
}
