/** One animation frame for all drawing, and how long each took. */

const KEPT = 600;

export interface FrameStatistics {
  /** Frames drawn since the last reset. */
  readonly frames: number;
  /** Milliseconds of work, over the last 600 frames at most. */
  readonly mean: number;
  readonly median: number;
  readonly min: number;
  readonly p95: number;
  readonly max: number;
  /** Milliseconds from one frame to the next while drawing went on without a pause. */
  readonly medianInterval: number;
  reset(): void;
}

export class FrameScheduler {
  readonly #draw: (now: number) => void;
  readonly #times = new Float64Array(KEPT);
  readonly #intervals = new Float64Array(KEPT);
  #frames = 0;
  #intervalCount = 0;
  #last = Number.NaN;
  #requested = false;

  constructor(draw: (now: number) => void) {
    this.#draw = draw;
  }

  /** Draws at the next frame; many requests make one frame. */
  request(): void {
    if (this.#requested) return;
    this.#requested = true;
    requestAnimationFrame((now) => {
      this.#requested = false;
      const begin = performance.now();
      this.#draw(now);
      this.#times[this.#frames++ % KEPT] = performance.now() - begin;
      if (!Number.isNaN(this.#last)) this.#intervals[this.#intervalCount++ % KEPT] = now - this.#last;
      this.#last = this.#requested ? now : Number.NaN;
    });
  }

  /** Nothing waits to be drawn. */
  get idle(): boolean {
    return !this.#requested;
  }

  statistics(): FrameStatistics {
    const times = this.#times.slice(0, Math.min(this.#frames, KEPT)).sort();
    const intervals = this.#intervals.slice(0, Math.min(this.#intervalCount, KEPT)).sort();
    const at = (sorted: Float64Array, part: number): number => sorted[Math.floor(sorted.length * part)] ?? 0;
    return {
      frames: this.#frames,
      mean: times.length ? times.reduce((sum, time) => sum + time, 0) / times.length : 0,
      median: at(times, 0.5),
      p95: at(times, 0.95),
      min: times[0] ?? 0,
      max: times.at(-1) ?? 0,
      medianInterval: at(intervals, 0.5),
      reset: () => {
        this.#frames = 0;
        this.#intervalCount = 0;
        this.#last = Number.NaN;
      },
    };
  }
}
