/**
 * Draws a thread's state band pixel by pixel. A pixel in which several states follow each other shows them stacked in
 * their shares, the busy ones below. Idle and unknown time stays low, so that work stands out.
 *
 * Blocked time is hatched and ready time dotted: red, green and yellow are told apart without their colours too.
 */
import { ThreadState } from "../../src/analysis/model.js";
import { type BandPixels, MIXED, STATES } from "../model/state-shares.js";
import type { Theme } from "./theme.js";

/** From the bottom up. */
const stackOrder = [
  ThreadState.Running,
  ThreadState.Runnable,
  ThreadState.Blocked,
  ThreadState.Io,
  ThreadState.Sleeping,
] as const;
/** Device pixels a run needs before it gets its pattern. */
const PATTERN_FROM = 6;

export class StateBandPainter {
  #image: ImageData | null = null;
  #pixels = new Uint32Array(0);

  draw(
    context: CanvasRenderingContext2D,
    band: BandPixels,
    width: number,
    y: number,
    height: number,
    theme: Theme,
    ratio: number,
    background: number,
    ticks: readonly number[],
  ): void {
    if (!this.#image || this.#image.width !== width || this.#image.height !== height) {
      this.#image = new ImageData(width, height);
      this.#pixels = new Uint32Array(this.#image.data.buffer);
    }
    const pixels = this.#pixels;
    pixels.fill(background);
    for (const x of ticks)
      if (x >= 0 && x < width) for (let row = 0; row < height; row++) pixels[row * width + x] = theme.gridPixel;
    const { solid, share } = band;
    const colors = theme.statePixels;
    const low = Math.max(2, Math.round(height * 0.25));
    for (let x = 0; x < width; ) {
      const state = solid[x]!;
      if (state === 0) {
        x++;
        continue;
      }
      if (state === MIXED) {
        let bottom = height;
        let filled = 0;
        for (const s of stackOrder) {
          const part = share[x * STATES + s - 1]!;
          if (part <= 0) continue;
          filled += part;
          // Whatever was there gets at least a pixel's trace, unless it is next to nothing.
          const rounded = Math.round((1 - Math.min(1, filled)) * height);
          const top = Math.max(0, part > 0.02 ? Math.min(rounded, bottom - 1) : rounded);
          for (let row = top; row < bottom; row++) pixels[row * width + x] = colors[s]!;
          bottom = Math.min(bottom, top);
        }
        if (share[x * STATES + ThreadState.Idle - 1]! > 0)
          for (let row = Math.max(0, height - low); row < bottom; row++)
            pixels[row * width + x] = colors[ThreadState.Idle]!;
        x++;
        continue;
      }
      let end = x + 1;
      while (end < width && solid[end] === state) end++;
      this.#run(x, end, state, width, height, low, colors[state]!, ratio, theme.highContrast);
      x = end;
    }
    context.putImageData(this.#image, 0, y);
  }

  #run(
    from: number,
    to: number,
    state: number,
    width: number,
    height: number,
    low: number,
    color: number,
    ratio: number,
    strong: boolean,
  ): void {
    const pixels = this.#pixels;
    const top = state === ThreadState.Idle ? height - low : 0;
    for (let row = top; row < height; row++) pixels.fill(color, row * width + from, row * width + to);
    if (to - from < PATTERN_FROM) return;
    const step = Math.round(6 * ratio);
    const thick = Math.max(1, Math.round(1.5 * ratio));
    const dark = shade(color, strong ? 0.35 : 0.74);
    if (state === ThreadState.Blocked) {
      for (let row = 0; row < height; row++)
        for (let x = from; x < to; x++) if ((x - from + row) % step < thick) pixels[row * width + x] = dark;
    } else if (state === ThreadState.Runnable) {
      const middle = Math.floor((height - thick) / 2);
      for (let row = middle; row < middle + thick + 1 && row < height; row++)
        for (let x = from; x < to; x++) if ((x - from + 2) % step < thick + 1) pixels[row * width + x] = dark;
    }
  }
}

function shade(pixel: number, factor: number): number {
  const r = (pixel & 0xff) * factor;
  const g = ((pixel >>> 8) & 0xff) * factor;
  const b = ((pixel >>> 16) & 0xff) * factor;
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
