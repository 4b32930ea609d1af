/**
 * The line of promises that wait for something of a queue that never left its thread, in order of arrival. Who was
 * woken and found that somebody else had been faster goes back to the front.
 */
import { deadlineIn, SLICE } from "../core/deadline.js";
import { words } from "../core/heap.js";
import { beginTimedWait, endTimedWait } from "../core/stuck-loop.js";
import { holdLoop, releaseLoop } from "../core/words.js";
import type { Place } from "./place.js";

const { view } = words;

export class LocalLine {
  private readonly places = new Set<LocalPlace>();
  /** Those who were woken in vain, before all others. */
  private readonly returned = new Set<LocalPlace>();

  /** True if anybody waits and has not been woken. */
  get occupied(): boolean {
    return this.places.size > 0 || this.returned.size > 0;
  }

  /** Joins at the end. */
  enter(): Place {
    const place = new LocalPlace(this);
    this.places.add(place);
    return place;
  }

  /** Wakes who waits longest. */
  wakeOne(): void {
    for (const line of [this.returned, this.places]) {
      for (const place of line) {
        line.delete(place);
        place.wake();
        return;
      }
    }
  }

  wakeAll(): void {
    while (this.occupied) this.wakeOne();
  }

  putInFront(place: LocalPlace): void {
    this.returned.add(place);
  }

  remove(place: LocalPlace): void {
    if (!this.places.delete(place)) this.returned.delete(place);
  }
}

class LocalPlace implements Place {
  readonly shared = false;
  /** It was woken, and so is in the line no more. */
  private woken = false;
  /** Its owner came back from `wait` by that wake. */
  private told = false;
  private resume: (() => void) | null = null;

  constructor(private readonly line: LocalLine) {}

  wake(): void {
    this.woken = true;
    if (this.resume !== null) {
      this.told = true;
      this.resume();
    }
  }

  /** Nothing else of this thread has run since the owner looked around, so it can lie down without another look. */
  private returnToLine(): void {
    if (!this.woken) return;
    this.woken = false;
    this.told = false;
    this.line.putInFront(this);
  }

  wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    this.returnToLine();
    return new Promise((resolve, reject) => {
      // Longer than a slice: for ever, without a timer, which would look like something that may yet happen.
      const deadline = deadlineIn(ms > SLICE ? Number.POSITIVE_INFINITY : ms);
      let timer: NodeJS.Timeout | undefined;
      const over = () => {
        this.resume = null;
        clearTimeout(timer);
        releaseLoop();
        if (signal === undefined) return;
        endTimedWait();
        signal.removeEventListener("abort", onAbort);
      };
      const done = () => {
        over();
        resolve();
      };
      const onAbort = () => {
        over();
        reject(signal?.reason);
      };
      const arm = () => {
        const left = deadline - performance.now();
        if (left <= 0) done();
        else timer = setTimeout(arm, Math.ceil(left));
      };
      holdLoop();
      if (signal !== undefined) {
        beginTimedWait();
        signal.addEventListener("abort", onAbort, { once: true });
      }
      this.resume = done;
      if (deadline !== Number.POSITIVE_INFINITY) arm();
    });
  }

  /** No other thread knows the queue, so nothing can change while this one is blocked. */
  waitSync(ms: number): void {
    this.returnToLine();
    words.wait(0, view[0] as number, ms);
  }

  leave(available: boolean): void {
    if (!this.woken) this.line.remove(this);
    else if (!this.told && available) this.line.wakeOne();
  }
}
