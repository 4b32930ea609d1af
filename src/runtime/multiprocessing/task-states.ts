/**
 * Whether a task that waits was taken by the io-service or taken back by its owner: one byte for each in shared memory,
 * so that `cancel` and `running` cost no round trip and no task is both cancelled and run.
 *
 * Tasks are numbered from 1. The bytes come in blocks of {@link BLOCK}; a block is dropped when all of its tasks are
 * over.
 */
export const BLOCK = 8192;

const Waiting = 0;
const Taken = 1;
const Cancelled = 2;

export class TaskStates {
  readonly #blocks = new Map<number, { states: Int8Array; over: number }>();

  /** Adds the block that another thread made. */
  attach(block: number, buffer: SharedArrayBuffer): void {
    this.#blocks.set(block, { states: new Int8Array(buffer), over: 0 });
  }

  /** Makes room for a task. Returns a buffer that the other side has to attach as `block`, or null. */
  add(id: number): { block: number; buffer: SharedArrayBuffer } | null {
    const block = Math.floor(id / BLOCK);
    if (this.#blocks.has(block)) return null;
    const buffer = new SharedArrayBuffer(BLOCK);
    this.attach(block, buffer);
    return { block, buffer };
  }

  /** For a worker: true if the task was not cancelled; now it cannot be any more. */
  take(id: number): boolean {
    return this.#exchange(id, Taken) === Waiting;
  }

  /** For the owner: true if nobody has taken the task; now nobody will. */
  cancel(id: number): boolean {
    return this.#exchange(id, Cancelled) === Waiting;
  }

  /** True if the task was taken. */
  isTaken(id: number): boolean {
    const block = this.#blocks.get(Math.floor(id / BLOCK));
    return block !== undefined && Atomics.load(block.states, id % BLOCK) === Taken;
  }

  /** Says that a task is over; each side says it once for each. */
  over(id: number): void {
    const number = Math.floor(id / BLOCK);
    const block = this.#blocks.get(number);
    // Number 0 is no task's.
    if (block !== undefined && ++block.over === (number === 0 ? BLOCK - 1 : BLOCK)) this.#blocks.delete(number);
  }

  #exchange(id: number, state: number): number {
    const block = this.#blocks.get(Math.floor(id / BLOCK));
    return block === undefined ? Taken : Atomics.compareExchange(block.states, id % BLOCK, Waiting, state);
  }
}
