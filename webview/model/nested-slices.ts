import { type SliceColumns, SliceKind } from "../../src/analysis/model.js";
import { IntervalIndex } from "./interval-index.js";

/** Slices deeper than this are not drawn. */
const MAX_DEPTH = 12;

/** A thread's slices, one index a depth. */
export class NestedSlices {
  readonly depths: IntervalIndex[] = [];
  readonly #columns: SliceColumns;
  #taken = 0;
  #busy = false;

  constructor(columns: SliceColumns) {
    this.#columns = columns;
  }

  /** Whether it ever did anything but collect garbage and run its event loop. */
  get busy(): boolean {
    return this.#busy;
  }

  grow(): void {
    const { count, depth, kind } = this.#columns;
    for (; this.#taken < count; this.#taken++) {
      const k = kind[this.#taken]!;
      if (k !== SliceKind.Gc && k !== SliceKind.LoopDelay) this.#busy = true;
      const d = depth[this.#taken]!;
      if (d >= MAX_DEPTH) continue;
      while (this.depths.length <= d) this.depths.push(new IntervalIndex(this.#columns));
      this.depths[d]!.push(this.#taken);
    }
    for (const index of this.depths) index.grow();
  }
}
