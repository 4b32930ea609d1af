/**
 * Draws a thread's state band pixel by pixel. A pixel in which several states follow each other shows them stacked in
 * their shares, the busy ones below. Idle and unknown time stays low, so that work stands out.
 *
 * Blocked time is hatched and ready time dotted: red, green and yellow are told apart without their colours too.
 */
import { ThreadState } from "../../src/analysis/model.js";
import { type BandPixels, MIXED, STATES } from "../model/state-shares.js";
import { type Ink, type PixelFrame, shade } from "./pixel-frame.js";

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

/** @param inks By state, index 0 unused. */
export function drawStateBand(
  frame: PixelFrame,
  band: BandPixels,
  y: number,
  height: number,
  inks: Uint32Array,
  highContrast: boolean,
  ratio: number,
): void {
  // A band at the edge of the picture has its rows cut off, not its shape changed.
  const firstRow = Math.max(0, -y);
  const lastRow = Math.min(height, frame.height - y);
  if (firstRow >= lastRow) return;
  const { width, pixels } = frame;
  const { solid, share } = band;
  const low = Math.max(2, Math.round(height * 0.25));
  for (let x = 0; x < width; ) {
    const state = solid[x]!;
    if (state === 0) {
      x++;
      continue;
    }
    if (state !== MIXED) {
      let end = x + 1;
      while (end < width && solid[end] === state) end++;
      const top = state === ThreadState.Idle ? height - low : 0;
      frame.rect(x, y + top, end - x, height - top, inks[state]!);
      if (end - x >= PATTERN_FROM) drawPattern(frame, x, end, state, y, height, inks[state]!, ratio, highContrast);
      x = end;
      continue;
    }
    let bottom = height;
    let filled = 0;
    for (const s of stackOrder) {
      const part = share[x * STATES + s - 1]!;
      if (part <= 0) continue;
      filled += part;
      // Whatever was there gets at least a pixel's trace, unless it is next to nothing.
      const rounded = Math.round((1 - Math.min(1, filled)) * height);
      const top = Math.max(0, part > 0.02 ? Math.min(rounded, bottom - 1) : rounded);
      const ink = inks[s]!;
      const to = Math.min(bottom, lastRow);
      for (let row = Math.max(top, firstRow), at = (y + row) * width + x; row < to; row++, at += width)
        pixels[at] = ink;
      bottom = Math.min(bottom, top);
    }
    const idleFrom = Math.max(0, height - low);
    if (bottom > idleFrom && share[x * STATES + ThreadState.Idle - 1]! > 0)
      frame.rect(x, y + idleFrom, 1, bottom - idleFrom, inks[ThreadState.Idle]!);
    x++;
  }
}

/** The hatching of blocked time and the dots of ready time. */
function drawPattern(
  frame: PixelFrame,
  from: number,
  to: number,
  state: number,
  y: number,
  height: number,
  ink: Ink,
  ratio: number,
  strong: boolean,
): void {
  const step = Math.round(6 * ratio);
  const thick = Math.max(1, Math.round(1.5 * ratio));
  const dark = shade(ink, strong ? 0.35 : 0.74);
  if (state === ThreadState.Blocked) {
    for (let row = 0; row < height; row++) {
      // The stripe that reaches into the run from the left begins before it.
      for (let x = from - (row % step); x < to; x += step) {
        const left = Math.max(from, x);
        frame.rect(left, y + row, Math.min(to, x + thick) - left, 1, dark);
      }
    }
  } else if (state === ThreadState.Runnable) {
    const middle = Math.floor((height - thick) / 2);
    const tall = Math.min(thick + 1, height - middle);
    for (let x = from - 2; x < to; x += step) {
      const left = Math.max(from, x);
      frame.rect(left, y + middle, Math.min(to, x + thick + 1) - left, tall, dark);
    }
  }
}
