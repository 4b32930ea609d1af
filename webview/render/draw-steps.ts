/** Draws values that change in steps: waiters of a lock, depth of a queue, tasks of a pool, counters. */
import { formatCount, formatValue } from "../model/format.js";
import { type Lane, size } from "../model/lanes.js";
import { type StepCurve, type StepPixels, stepPixels } from "../model/step-curve.js";
import type { Picture } from "./picture.js";
import type { Ink } from "./pixel-frame.js";

export class StepPainter {
  #steps: StepPixels = stepPixels(1);
  #otherSteps: StepPixels = stepPixels(1);

  resize(pixels: number): void {
    this.#steps = stepPixels(pixels);
    this.#otherSteps = stepPixels(pixels);
  }

  /** How many wait for a lock, above `base`. */
  drawWaiters(picture: Picture, waiters: StepCurve, base: number): void {
    const { warn, wait } = picture.scene.theme.inks;
    const height = Math.round(size.waiters * picture.ratio);
    this.#draw(picture, waiters, base, height, Math.max(1, waiters.greatest), warn, wait, 0);
  }

  drawCounter(picture: Picture, lane: Lane, top: number): void {
    const index = picture.scene.indexes.counters[lane.index];
    if (!index) return;
    const { area, areaLight } = picture.scene.theme.inks;
    const height = Math.round(size.steps * picture.ratio);
    const { greatest, smallest } = index;
    if (smallest < 0) {
      index.walk(picture.range, this.#steps);
      paintSigned(picture, this.#steps, top, height, greatest, smallest);
      caption(picture, top, `${formatValue(smallest)} to ${formatValue(greatest)} ${lane.subtitle}`);
      return;
    }
    this.#draw(picture, index, top + height, height, greatest || 1, area, areaLight, 0);
    caption(picture, top, `peak ${formatValue(greatest)} ${lane.subtitle}`);
  }

  drawQueue(picture: Picture, lane: Lane, top: number): void {
    const { scene, frame, range, ratio } = picture;
    const { depth } = scene.indexes.objects[lane.index]!;
    if (!depth) return;
    const { capacity } = scene.model.objects[lane.index]!;
    const { area, areaLight, warn } = scene.theme.inks;
    const base = top + Math.round(size.steps * ratio);
    const height = Math.round((size.steps - 2) * ratio);
    const scale = Math.max(capacity, depth.greatest, 1);
    this.#draw(picture, depth, base, height, scale, area, areaLight, capacity);
    caption(picture, top, `peak ${formatCount(depth.greatest)}${capacity > 0 ? ` of ${formatCount(capacity)}` : ""}`);
    if (capacity <= 0) return;
    const y = Math.round(base - (height * capacity) / scale);
    const dash = Math.round(3 * ratio);
    const thick = Math.max(1, Math.round(ratio));
    for (let x = 0; x < range.pixels; x += 2 * dash) frame.rect(x, y, dash, thick, warn);
  }

  /** Running below, waiting above: the height is the work that is there. */
  drawPool(picture: Picture, lane: Lane, top: number): void {
    const { scene, frame, range, ratio } = picture;
    const { busy, queued } = scene.indexes.objects[lane.index]!;
    const running = scene.theme.inks.states[1]!;
    const ready = scene.theme.inks.states[2]!;
    const height = Math.round(size.steps * ratio);
    const base = top + height;
    const scale = Math.max(1, (busy?.greatest ?? 0) + (queued?.greatest ?? 0));
    busy?.walk(range, this.#otherSteps);
    const busyMean = this.#otherSteps.mean;
    if (queued) {
      queued.walk(range, this.#steps);
      const { mean } = this.#steps;
      for (let x = 0; x < range.pixels; ) {
        const value = mean[x]!;
        const under = busy ? busyMean[x]! : 0;
        let end = x + 1;
        while (end < range.pixels && mean[end] === value && (!busy || busyMean[end] === under)) end++;
        if (value > 0) {
          // biome-ignore lint/complexity/useMathMinMax: NaN, where nothing is known, is nothing
          const bottom = under > 0 ? under : 0;
          const low = Math.round((bottom / scale) * height);
          const high = Math.max(low + 1, Math.round(((bottom + value) / scale) * height));
          frame.rect(x, base - high, end - x, high - low, ready);
        }
        x = end;
      }
    }
    if (busy)
      paint(picture, { mean: busyMean, high: busyMean, low: busyMean }, base, height, scale, running, running, 0);
    const words = [
      busy ? `${formatCount(busy.greatest)} running` : "",
      queued ? `${formatCount(queued.greatest)} waiting` : "",
    ];
    caption(picture, top, `peak ${words.filter(Boolean).join(", ")}`);
  }

  #draw(
    picture: Picture,
    curve: StepCurve,
    base: number,
    height: number,
    scale: number,
    ink: Ink,
    light: Ink,
    capacity: number,
  ): void {
    curve.walk(picture.range, this.#steps);
    paint(picture, this.#steps, base, height, scale, ink, light, capacity);
  }
}

/** CSS pixels of a lane that its caption may cover. */
const CAPTION = 240;

/** What the height of a lane means. */
function caption({ texts, scene, range, ratio }: Picture, top: number, words: string): void {
  const { muted, background } = scene.theme;
  texts.add(
    words,
    0,
    Math.min(range.pixels, CAPTION * ratio),
    top + 9 * ratio,
    muted,
    1,
    range.pixels,
    ratio,
    background,
  );
}

/** Solid up to the mean of a pixel, light up to the greatest value; a full queue in the colour of warning. */
function paint(
  { frame, range, ratio, scene }: Picture,
  { mean, high }: StepPixels,
  base: number,
  height: number,
  scale: number,
  ink: Ink,
  light: Ink,
  capacity: number,
): void {
  const { warn } = scene.theme.inks;
  const edge = Math.max(2, Math.round(2 * ratio));
  for (let x = 0; x < range.pixels; ) {
    const usual = mean[x]!;
    const most = high[x]!;
    let end = x + 1;
    while (end < range.pixels && mean[end] === usual && high[end] === most) end++;
    if (most > 0) {
      const upper = Math.max(1, Math.round((most / scale) * height));
      const lower = usual > 0 ? Math.min(upper, Math.round((usual / scale) * height)) : 0;
      if (upper > lower) frame.rect(x, base - upper, end - x, upper - lower, light);
      if (lower > 0) frame.rect(x, base - lower, end - x, lower, ink);
      if (capacity > 0 && most >= capacity) frame.rect(x, base - upper, end - x, edge, warn);
    }
    x = end;
  }
}

/** Values on both sides of zero, away from a line that is zero: solid to the mean of a pixel, light to the extremes. */
function paintSigned(
  { frame, range, scene }: Picture,
  { mean, high, low }: StepPixels,
  top: number,
  height: number,
  greatest: number,
  smallest: number,
): void {
  const { area, areaLight, faint } = scene.theme.inks;
  const y = (value: number): number => top + Math.round(((greatest - value) / (greatest - smallest)) * height);
  const zero = y(0);
  for (let x = 0; x < range.pixels; ) {
    const usual = mean[x]!;
    const most = high[x]!;
    const least = low[x]!;
    let end = x + 1;
    while (end < range.pixels && mean[end] === usual && high[end] === most && low[end] === least) end++;
    // Also a value that is next to nothing shows on its side.
    if (most > 0) frame.rect(x, Math.min(y(most), zero - 1), end - x, Math.max(1, zero - y(most)), areaLight);
    if (least < 0) frame.rect(x, zero, end - x, Math.max(1, y(least) - zero), areaLight);
    if (usual > 0) frame.rect(x, y(usual), end - x, zero - y(usual), area);
    else if (usual < 0) frame.rect(x, zero, end - x, y(usual) - zero, area);
    x = end;
  }
  frame.rect(0, zero, range.pixels, 1, faint);
}
