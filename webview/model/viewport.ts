/**
 * The window of time that is on the screen: nanoseconds to CSS pixels and back, zooming, panning, clamping, and
 * whether it follows a growing trace.
 */

/** Nothing is measured more finely than this, so nobody gets lost in emptiness (nanoseconds). */
export const MIN_SPAN_NS = 200;
/** The part of the view's width kept free at the right of a trace, so that its last event is not glued to the edge. */
const END_MARGIN = 0.012;

export class Viewport {
  #start = 0;
  #end = 1e6;
  #limit = 0;
  #width = 1;
  /** Scroll along with the right edge of a live trace. */
  following = true;

  /** First visible instant, nanoseconds. */
  get start(): number {
    return this.#start;
  }
  /** First instant that is no longer visible. */
  get end(): number {
    return this.#end;
  }
  get span(): number {
    return this.#end - this.#start;
  }
  /** Up to where there is something to see. */
  get limit(): number {
    return this.#limit;
  }
  /** Width in CSS pixels. */
  get width(): number {
    return this.#width;
  }
  get nsPerPixel(): number {
    return this.span / this.#width;
  }
  /** Whether all of the trace is visible. */
  get isFit(): boolean {
    return this.#start <= 0 && this.#end >= this.#limit;
  }

  xOf(time: number): number {
    return ((time - this.#start) / this.span) * this.#width;
  }

  timeAt(x: number): number {
    return this.#start + (x / this.#width) * this.span;
  }

  setWidth(width: number): void {
    this.#width = Math.max(1, width);
  }

  /** The trace is known up to here now. A following view keeps its zoom, or all in view if all was in view. */
  setLimit(limit: number): void {
    const limitBefore = this.#limit;
    const wasFit = limitBefore === 0 || this.isFit;
    this.#limit = Math.max(0, limit);
    if (!this.following) this.#place(this.#start, this.span);
    else if (wasFit) this.fit();
    else this.#place(Number.MAX_VALUE, this.span);
  }

  /** Forgets the trace. */
  reset(): void {
    this.#limit = 0;
    this.#start = 0;
    this.#end = 1e6;
    this.following = true;
  }

  /** Shows all of the trace. */
  fit(): void {
    this.#start = 0;
    this.#end = this.#whole();
  }

  /** Shows `from` to `to`, with `padding` (a part of the span) at both sides. */
  show(from: number, to: number, padding = 0): void {
    const span = Math.max(MIN_SPAN_NS, Math.abs(to - from));
    const start = Math.min(from, to) - span * padding;
    this.following = false;
    this.#place(start, span * (1 + 2 * padding));
  }

  /** Zooms by `factor` (below 1: in), keeping the instant at pixel `x` where it is. */
  zoomAt(x: number, factor: number): void {
    const anchor = this.timeAt(x);
    const span = this.#clampSpan(this.span * factor);
    this.#place(anchor - (x / this.#width) * span, span);
    if (factor < 1) this.following = this.following && this.#end >= this.#limit;
  }

  /** Moves by CSS pixels; positive shows later times. Leaving the right edge ends following. */
  panBy(pixels: number): void {
    this.#place(this.#start + pixels * this.nsPerPixel, this.span);
    if (pixels > 0) this.following = this.#end >= this.#limit;
    else if (!this.isFit) this.following = false;
  }

  /** Moves just as far as needed to have `from` to `to` in view; zooms out if it is longer than the view. */
  reveal(from: number, to: number): void {
    if (from >= this.#start && to <= this.#end) return;
    if (to - from > this.span * 0.9) {
      this.show(from, to, 0.1);
      return;
    }
    this.following = false;
    this.#place((from + to) / 2 - this.span / 2, this.span);
  }

  /** The span that shows everything. */
  #whole(): number {
    return Math.max(MIN_SPAN_NS, this.#limit / (1 - END_MARGIN));
  }

  #clampSpan(span: number): number {
    return Math.min(Math.max(span, MIN_SPAN_NS), this.#whole());
  }

  #place(start: number, span: number): void {
    const clamped = this.#clampSpan(span);
    const most = this.#limit - clamped * (1 - END_MARGIN);
    this.#start = Math.max(0, Math.min(start, most));
    this.#end = this.#start + clamped;
  }
}
