/**
 * Draws the lanes on a canvas. Only what is visible is looked at; every lane costs per pixel, not per event.
 *
 * All rectangles go into a {@link PixelFrame}; the canvas gets that as a whole, and over it what has curves: texts,
 * marks, arrows.
 */
import { formatBytes, formatDuration } from "../model/format.js";
import type { PixelRange } from "../model/interval-index.js";
import { type Lane, lanesBetween, size } from "../model/lanes.js";
import { type BandPixels, bandPixels } from "../model/state-shares.js";
import { Brush } from "./brush.js";
import { drawFlows } from "./draw-flows.js";
import { drawMarks } from "./draw-marks.js";
import { outlineState } from "./draw-outlines.js";
import { DIMMED, drawOwners, drawSlices } from "./draw-slices.js";
import { drawSpotlight } from "./draw-spotlight.js";
import { StepPainter } from "./draw-steps.js";
import type { Picture } from "./picture.js";
import { faded, over, PixelFrame } from "./pixel-frame.js";
import type { Renderer, Scene } from "./renderer.js";
import { SliceNames } from "./slice-names.js";
import { SliceStyles } from "./slice-style.js";
import { drawStateBand } from "./state-band.js";
import { TextQueue } from "./text-queue.js";
import type { Theme } from "./theme.js";

export class CanvasRenderer implements Renderer {
  readonly #brush: Brush;
  readonly #frame = new PixelFrame();
  readonly #texts = new TextQueue();
  readonly #steps = new StepPainter();
  #band: BandPixels = bandPixels(1);
  #styles: SliceStyles | null = null;
  #theme: Theme | null = null;
  #names = new SliceNames();

  constructor(canvas: HTMLCanvasElement) {
    this.#brush = new Brush(canvas);
  }

  resize(width: number, height: number, ratio: number): void {
    this.#brush.resize(width, height, ratio);
    this.#frame.resize(this.#brush.width, this.#brush.height);
    this.#band = bandPixels(this.#brush.width);
    this.#steps.resize(this.#brush.width);
  }

  /** Forgets the names of a trace that is no longer shown. */
  forget(): void {
    this.#names = new SliceNames();
    this.#styles = null;
  }

  draw(scene: Scene): void {
    const brush = this.#brush;
    const frame = this.#frame;
    const { theme, viewport, lanes, scrollTop, model } = scene;
    if (theme !== this.#theme || !this.#styles) {
      this.#theme = theme;
      this.#styles = new SliceStyles(theme);
    }
    const { inks } = theme;
    const { ratio } = brush;
    const range: PixelRange = { start: viewport.start, end: viewport.end, pixels: frame.width, now: model.endNs };
    const picture: Picture = {
      scene,
      range,
      frame,
      texts: this.#texts,
      styles: this.#styles,
      names: this.#names,
      ratio,
    };
    const [first, last] = lanesBetween(lanes, scrollTop, scrollTop + frame.height / ratio);
    const ticks = scene.ticks.map((tick) => Math.round(viewport.xOf(tick) * ratio));
    const topOf = (lane: Lane): number => Math.round((lane.top - scrollTop) * ratio);

    frame.clear(inks.background);
    this.#texts.clear();
    for (let i = first; i < last; i++) {
      const lane = lanes[i]!;
      const y = topOf(lane);
      const height = Math.round(lane.height * ratio);
      if (lane.kind === "group") {
        frame.rect(0, y, frame.width, height, inks.group);
        if (theme.highContrast) frame.rect(0, y, frame.width, 1, inks.line);
        continue;
      }
      if (lane.id === scene.activeLane) frame.rect(0, y, frame.width, height, inks.hover);
      for (const x of ticks) frame.rect(x, y, 1, height, inks.grid);
      this.#drawLane(picture, lane, y);
      frame.rect(0, y + height - 1, frame.width, 1, inks.line);
    }

    brush.begin(theme);
    frame.showOn(brush.context);
    this.#texts.draw(brush);
    for (let i = first; i < last; i++) {
      const lane = lanes[i]!;
      if (lane.kind === "thread" && !isCompact(lane)) drawMarks(brush, scene, lane, topOf(lane), range);
    }
    drawSpotlight(brush, scene, first, last, topOf);
    this.#drawRange(scene);
    this.#drawStuck(scene);
    drawFlows(brush, scene);
    this.#drawNow(scene);
  }

  #drawLane(picture: Picture, lane: Lane, y: number): void {
    const { scene, ratio } = picture;
    const { indexes, model } = scene;
    const top = y + Math.round(size.padding * ratio);
    switch (lane.kind) {
      case "thread":
        this.#drawThread(picture, lane, y);
        return;
      case "lock": {
        const object = indexes.objects[lane.index];
        if (!object) return;
        const { holds } = model.objects[lane.index]!;
        object.holds?.levels.forEach((level, i) => {
          const rowTop = top + Math.round(i * size.holdRow * ratio);
          const height = Math.round((size.holdRow - 1) * ratio);
          drawOwners(picture, lane, level, holds!.thread, "hold", rowTop, height);
        });
        const base = top + Math.round((lane.rows * size.holdRow + 2 + size.waiters) * ratio);
        if (object.waiters) this.#steps.drawWaiters(picture, object.waiters, base);
        return;
      }
      case "connection": {
        const { messages } = model.objects[lane.index]!;
        indexes.objects[lane.index]?.messages?.levels.forEach((level, i) => {
          const rowTop = top + Math.round(i * size.holdRow * ratio);
          const height = Math.round((size.holdRow - 1) * ratio);
          const words = (row: number): string => formatBytes(messages!.bytes[row]!);
          drawOwners(picture, lane, level, messages!.thread, "message", rowTop, height, words);
        });
        return;
      }
      case "core": {
        const index = indexes.cores[lane.index];
        const core = model.cores[lane.index];
        if (!index || !core) return;
        const rowTop = y + Math.round(2 * ratio);
        drawOwners(picture, lane, index, core.thread, "core", rowTop, Math.round(size.core * ratio));
        return;
      }
      case "queue":
        this.#steps.drawQueue(picture, lane, top);
        return;
      case "pool":
        this.#steps.drawPool(picture, lane, top);
        return;
      case "counter":
        this.#steps.drawCounter(picture, lane, top);
        return;
      case "group":
        return;
    }
  }

  #drawThread(picture: Picture, lane: Lane, y: number): void {
    const { scene, range, ratio } = picture;
    const thread = scene.indexes.threads[lane.index];
    if (!thread) return;
    for (let depth = 0; depth < lane.rows; depth++) {
      const index = thread.slices.depths[depth];
      const rowTop = Math.round((lane.top - scene.scrollTop + size.padding + depth * size.sliceRow) * ratio);
      if (index) drawSlices(picture, lane, index, rowTop);
    }
    const compact = isCompact(lane);
    const above = size.padding + lane.rows * size.sliceRow + (lane.rows ? 2 : 0);
    const bandTop = y + Math.round((compact ? 2 : above) * ratio);
    const bandHeight = Math.round((compact ? 9 : lane.rows ? size.stateBand : size.stateBandAlone) * ratio);
    thread.states.walk(range, this.#band);
    const inks = this.#bandInks(scene, lane);
    drawStateBand(this.#frame, this.#band, bandTop, bandHeight, inks, scene.theme.highContrast, ratio);
    outlineState(picture, lane, bandTop, bandHeight);
  }

  /** The colours of a thread's states: those that a finding does not speak of recede while it is pointed at. */
  #bandInks({ theme, spotlight }: Scene, lane: Lane): Uint32Array {
    const { states } = theme.inks;
    if (!spotlight?.lanes.has(lane.id) || (spotlight.spec.states.length === 0 && lane.rows === 0)) return states;
    return states.map((ink, state) =>
      spotlight.spec.states.some((one) => one === state) ? ink : over(faded(ink, DIMMED), theme.inks.background),
    );
  }

  /** The span the user marks. */
  #drawRange({ range, viewport, theme }: Scene): void {
    if (!range) return;
    const brush = this.#brush;
    const { context, ratio } = brush;
    const x0 = Math.round(viewport.xOf(Math.min(range.from, range.to)) * ratio);
    const x1 = Math.round(viewport.xOf(Math.max(range.from, range.to)) * ratio);
    context.globalAlpha = 0.22;
    brush.rect(x0, 0, Math.max(1, x1 - x0), brush.height, theme.accent);
    context.globalAlpha = 1;
    brush.rect(x0, 0, ratio, brush.height, theme.accent);
    brush.rect(x1, 0, ratio, brush.height, theme.accent);
    // How long it is, in its middle, or beside it where it is narrow.
    const words = formatDuration(Math.abs(range.to - range.from));
    const width = brush.measure(words);
    const [left, right] = [Math.max(0, x0), Math.min(brush.width, x1)];
    const inside = right - left > width + 12 * ratio;
    const beside = x1 + width + 10 * ratio < brush.width ? x1 + 7 * ratio : x0 - width - 7 * ratio;
    brush.text(
      words,
      inside ? (left + right - width) / 2 : beside,
      12 * ratio,
      width + 1,
      theme.foreground,
      theme.background,
    );
  }

  /** From when on nobody could go on. */
  #drawStuck({ still, viewport, theme }: Scene): void {
    if (!still) return;
    const brush = this.#brush;
    const { context, ratio } = brush;
    const x = Math.round(viewport.xOf(still.sinceNs) * ratio);
    if (x < 0 || x > brush.width) return;
    context.globalAlpha = theme.highContrast ? 1 : 0.7;
    brush.rect(x, 0, Math.max(1, Math.round(ratio)), brush.height, theme.stuck);
    context.globalAlpha = 1;
  }

  /** Where the pointer is, and where a live trace ends. */
  #drawNow({ pointerX, theme, model, viewport, live }: Scene): void {
    const brush = this.#brush;
    const { context, ratio } = brush;
    if (!Number.isNaN(pointerX)) {
      context.globalAlpha = 0.5;
      brush.rect(Math.round(pointerX * ratio), 0, Math.max(1, Math.floor(ratio)), brush.height, theme.muted);
      context.globalAlpha = 1;
    }
    if (live) {
      const x = Math.round(viewport.xOf(model.endNs) * ratio);
      if (x >= 0 && x <= brush.width) brush.rect(x, 0, Math.max(1, Math.round(ratio)), brush.height, theme.warn);
    }
  }
}

/** The sidebar's lanes are a band only. */
function isCompact(lane: Lane): boolean {
  return lane.height < size.stateBandAlone;
}
