/** Draws the lanes on a canvas. Only what is visible is looked at; every lane costs per pixel, not per event. */
import { SliceKind } from "../../src/analysis/model.js";
import { displayName } from "../model/format.js";
import type { IntervalIndex, PixelRange } from "../model/interval-index.js";
import { type Lane, lanesBetween, size } from "../model/lanes.js";
import { type BandPixels, bandPixels } from "../model/state-shares.js";
import { type StepCurve, type StepPixels, stepPixels } from "../model/step-curve.js";
import { Brush } from "./brush.js";
import { drawFlows } from "./draw-flows.js";
import type { Renderer, Scene } from "./renderer.js";
import { ASYNC_FLAG, FAILED_FLAG, type SliceStyle, SliceStyles } from "./slice-style.js";
import { StateBandPainter } from "./state-band.js";
import type { Theme } from "./theme.js";

export class CanvasRenderer implements Renderer {
  readonly #brush: Brush;
  readonly #bandPainter = new StateBandPainter();
  #band: BandPixels = bandPixels(1);
  #steps: StepPixels = stepPixels(1);
  #otherSteps: StepPixels = stepPixels(1);
  #styles: SliceStyles | null = null;
  #theme: Theme | null = null;
  #names: string[] = [];

  constructor(canvas: HTMLCanvasElement) {
    this.#brush = new Brush(canvas);
  }

  resize(width: number, height: number, ratio: number): void {
    this.#brush.resize(width, height, ratio);
    const pixels = this.#brush.width;
    this.#band = bandPixels(pixels);
    this.#steps = stepPixels(pixels);
    this.#otherSteps = stepPixels(pixels);
  }

  /** Forgets the names of a trace that is no longer shown. */
  forget(): void {
    this.#names = [];
    this.#styles = null;
  }

  draw(scene: Scene): void {
    const brush = this.#brush;
    const { theme, viewport, lanes, scrollTop, model } = scene;
    if (theme !== this.#theme || !this.#styles) {
      this.#theme = theme;
      this.#styles = new SliceStyles(theme);
    }
    brush.begin(theme);
    const ratio = brush.ratio;
    const range: PixelRange = { start: viewport.start, end: viewport.end, pixels: brush.width, now: model.endNs };
    const [first, last] = lanesBetween(lanes, scrollTop, scrollTop + brush.height / ratio);

    const ticks = scene.ticks.map((tick) => Math.round(viewport.xOf(tick) * ratio));
    for (let i = first; i < last; i++) {
      const lane = lanes[i]!;
      const y = Math.round((lane.top - scrollTop) * ratio);
      const height = Math.round(lane.height * ratio);
      if (lane.kind === "group") {
        brush.rect(0, y, brush.width, height, theme.groupBackground);
        if (theme.highContrast) brush.rect(0, y, brush.width, 1, theme.line);
        continue;
      }
      if (lane.id === scene.activeLane) brush.rect(0, y, brush.width, height, theme.hover);
      for (const x of ticks) brush.rect(x, y, 1, height, theme.gridLine);
      this.#drawLane(scene, lane, y, range, ticks);
      brush.rect(0, y + height - 1, brush.width, 1, theme.line);
    }

    if (scene.range) {
      const x0 = Math.round(viewport.xOf(Math.min(scene.range.from, scene.range.to)) * ratio);
      const x1 = Math.round(viewport.xOf(Math.max(scene.range.from, scene.range.to)) * ratio);
      brush.context.globalAlpha = 0.22;
      brush.rect(x0, 0, Math.max(1, x1 - x0), brush.height, theme.accent);
      brush.context.globalAlpha = 1;
      brush.rect(x0, 0, ratio, brush.height, theme.accent);
      brush.rect(x1, 0, ratio, brush.height, theme.accent);
    }
    drawFlows(brush, scene);
    if (!Number.isNaN(scene.pointerX)) {
      brush.context.globalAlpha = 0.5;
      brush.rect(Math.round(scene.pointerX * ratio), 0, Math.max(1, Math.floor(ratio)), brush.height, theme.muted);
      brush.context.globalAlpha = 1;
    }
    if (!model.complete) {
      const x = Math.round(viewport.xOf(model.endNs) * ratio);
      if (x >= 0 && x <= brush.width) brush.rect(x, 0, Math.max(1, Math.round(ratio)), brush.height, theme.warn);
    }
  }

  #drawLane(scene: Scene, lane: Lane, y: number, range: PixelRange, ticks: readonly number[]): void {
    const { indexes, theme } = scene;
    const ratio = this.#brush.ratio;
    const top = y + Math.round(size.padding * ratio);
    switch (lane.kind) {
      case "thread": {
        const thread = indexes.threads[lane.index];
        if (!thread) return;
        const compact = lane.height < size.stateBandAlone;
        const slicesHeight = lane.rows * size.sliceRow;
        thread.slices.depths.slice(0, lane.rows).forEach((depth, i) => {
          this.#drawSlices(
            scene,
            lane,
            depth,
            Math.round((lane.top - scene.scrollTop + size.padding + i * size.sliceRow) * ratio),
            range,
          );
        });
        const bandTop = compact
          ? y + Math.round(2 * ratio)
          : top + Math.round((slicesHeight + (lane.rows ? 2 : 0)) * ratio);
        const bandHeight = Math.round((compact ? 9 : lane.rows ? size.stateBand : size.stateBandAlone) * ratio);
        thread.states.walk(range, this.#band);
        const ground = lane.id === scene.activeLane ? theme.hoverPixel : theme.backgroundPixel;
        this.#bandPainter.draw(
          this.#brush.context,
          this.#band,
          range.pixels,
          bandTop,
          bandHeight,
          theme,
          ratio,
          ground,
          ticks,
        );
        this.#outlineState(scene, lane, bandTop, bandHeight, range);
        if (!compact) this.#drawMarks(scene, lane, y, range);
        return;
      }
      case "lock": {
        const object = indexes.objects[lane.index];
        const columns = scene.model.objects[lane.index]!.holds;
        if (!object) return;
        object.holds?.levels.forEach((level, i) => {
          const rowTop = top + Math.round(i * size.holdRow * ratio);
          this.#drawIntervals(
            scene,
            lane,
            level,
            columns!.thread,
            "hold",
            rowTop,
            Math.round((size.holdRow - 1) * ratio),
            range,
          );
        });
        if (object.waiters) {
          const base = top + Math.round((lane.rows * size.holdRow + 2 + size.waiters) * ratio);
          this.#drawSteps(
            object.waiters,
            base,
            Math.round(size.waiters * ratio),
            Math.max(1, object.waiters.greatest),
            theme.warn,
            theme.wait,
            range,
          );
        }
        return;
      }
      case "core": {
        const index = indexes.cores[lane.index];
        const columns = scene.model.cores[lane.index];
        if (index && columns)
          this.#drawIntervals(
            scene,
            lane,
            index,
            columns.thread,
            "core",
            y + Math.round(2 * ratio),
            Math.round(size.core * ratio),
            range,
          );
        return;
      }
      case "queue":
      case "pool":
      case "counter":
        this.#drawStepLane(scene, lane, top, range);
        return;
      case "group":
        return;
    }
  }

  #drawSlices(scene: Scene, lane: Lane, index: IntervalIndex, y: number, range: PixelRange): void {
    const { model, theme } = scene;
    const { kind, flags, name, object } = model.threads[lane.index]!.slices;
    const brush = this.#brush;
    const ratio = brush.ratio;
    const styles = this.#styles!;
    const height = Math.round((size.sliceRow - 1) * ratio);
    const gap = Math.max(1, Math.round(ratio * 0.75));
    let runColor = "";
    let runStart = 0;
    let runEnd = 0;
    const flush = (): void => {
      if (runEnd > runStart) brush.rect(runStart, y, runEnd - runStart, height, runColor);
      runEnd = runStart = 0;
    };
    index.walk(range, (row, x0, x1, merged) => {
      const style = styles.of(kind[row]!, flags[row]!, name[row]!, model.strings);
      const left = Math.max(-2, Math.round(x0));
      const right = Math.min(range.pixels + 2, Math.max(left + 1, Math.round(x1)));
      if (merged > 1 || right - left < 3) {
        // Neighbours of one colour become one rectangle.
        if (style.fill === runColor && left <= runEnd && runEnd > runStart) {
          runEnd = Math.max(runEnd, right);
          return;
        }
        flush();
        runColor = style.fill;
        runStart = left;
        runEnd = right;
        return;
      }
      flush();
      const dimmed = scene.foundName >= 0 && name[row] !== scene.foundName;
      if (dimmed) brush.context.globalAlpha = 0.28;
      brush.rect(left, y, right - left - gap, height, style.fill);
      if (flags[row]! & ASYNC_FLAG && right - left > 6) {
        brush.outline(left, y, right - left - gap, height, theme.wait, Math.max(1, Math.floor(ratio)));
      }
      if (flags[row]! & FAILED_FLAG)
        brush.rect(left, y + height - 2 * ratio, right - left - gap, 2 * ratio, theme.warn);
      if (scene.litObject >= 0 && object[row] === scene.litObject)
        brush.rect(left, y + height - 2 * ratio, right - left - gap, 2 * ratio, theme.foreground);
      const words = this.#name(model.strings, name[row]!);
      this.#label(
        kind[row] === SliceKind.LockWait ? `wait ${words}` : words,
        left,
        right,
        y + height / 2,
        style,
        range,
      );
      if (dimmed) brush.context.globalAlpha = 1;
      else if (scene.foundName >= 0) brush.outline(left, y, right - left - gap, height, theme.foreground, ratio);
    });
    flush();
    this.#outline(scene, lane, "slice", index, y, height, range);
  }

  #drawIntervals(
    scene: Scene,
    lane: Lane,
    index: IntervalIndex,
    threads: Int32Array,
    type: "hold" | "core",
    y: number,
    height: number,
    range: PixelRange,
  ): void {
    const brush = this.#brush;
    const styles = this.#styles!;
    const gap = Math.max(1, Math.round(brush.ratio * 0.75));
    let runThread = -2;
    let runStart = 0;
    let runEnd = 0;
    const flush = (): void => {
      if (runEnd > runStart) brush.rect(runStart, y, runEnd - runStart, height, styles.ofThread(runThread).fill);
      runEnd = runStart = 0;
    };
    index.walk(range, (row, x0, x1, merged) => {
      const thread = threads[row]!;
      const left = Math.max(-2, Math.round(x0));
      const right = Math.min(range.pixels + 2, Math.max(left + 1, Math.round(x1)));
      if (merged > 1 || right - left < 3) {
        if (thread === runThread && left <= runEnd && runEnd > runStart) {
          runEnd = Math.max(runEnd, right);
          return;
        }
        flush();
        runThread = thread;
        runStart = left;
        runEnd = right;
        return;
      }
      flush();
      const style = styles.ofThread(thread);
      brush.rect(left, y, right - left - gap, height, style.fill);
      const name = thread < 0 ? "other" : displayName(scene.model.threads[thread]?.name ?? "");
      this.#label(name, left, right, y + height / 2, style, range);
    });
    flush();
    this.#outline(scene, lane, type, index, y, height, range);
  }

  #drawStepLane(scene: Scene, lane: Lane, top: number, range: PixelRange): void {
    const { model, indexes, theme } = scene;
    const brush = this.#brush;
    const ratio = brush.ratio;
    const height = Math.round(size.steps * ratio);
    const base = top + height;
    if (lane.kind === "counter") {
      const index = indexes.counters[lane.index];
      if (index) this.#drawSteps(index, base, height, index.greatest || 1, theme.area, theme.areaLight, range);
      return;
    }
    const object = model.objects[lane.index]!;
    const index = indexes.objects[lane.index]!;
    if (lane.kind === "queue" && index.depth) {
      const capacity = object.capacity;
      const scale = Math.max(capacity, index.depth.greatest, 1);
      this.#drawSteps(index.depth, base, height - 2 * ratio, scale, theme.area, theme.areaLight, range, capacity);
      if (capacity > 0) {
        const y = Math.round(base - ((height - 2 * ratio) * capacity) / scale);
        for (let x = 0; x < range.pixels; x += 6 * ratio)
          brush.rect(x, y, 3 * ratio, Math.max(1, Math.round(ratio)), theme.warn);
      }
      return;
    }
    // Running below, waiting above: the height is the work that is there.
    const scale = Math.max(1, (index.busy?.greatest ?? 0) + (index.queued?.greatest ?? 0));
    index.busy?.walk(range, this.#otherSteps);
    if (index.queued) {
      index.queued.walk(range, this.#steps);
      for (let x = 0; x < range.pixels; x++) {
        const value = this.#steps.mean[x]!;
        if (!(value > 0)) continue;
        const busy = index.busy && this.#otherSteps.mean[x]! > 0 ? this.#otherSteps.mean[x]! : 0;
        const low = Math.round((busy / scale) * height);
        const high = Math.max(low + 1, Math.round(((busy + value) / scale) * height));
        brush.rect(x, base - high, 1, high - low, theme.states[2]!);
      }
    }
    if (index.busy)
      this.#paintSteps(
        { mean: this.#otherSteps.mean, high: this.#otherSteps.mean },
        base,
        height,
        scale,
        theme.states[1]!,
        theme.states[1]!,
        range,
        0,
      );
  }

  #drawSteps(
    index: StepCurve,
    base: number,
    height: number,
    scale: number,
    color: string,
    light: string,
    range: PixelRange,
    capacity = 0,
  ): void {
    index.walk(range, this.#steps);
    this.#paintSteps(this.#steps, base, height, scale, color, light, range, capacity);
  }

  /** Solid up to the mean of a pixel, light up to the greatest value; a full queue in the colour of warning. */
  #paintSteps(
    steps: StepPixels,
    base: number,
    height: number,
    scale: number,
    color: string,
    light: string,
    range: PixelRange,
    capacity: number,
  ): void {
    const brush = this.#brush;
    const warn = this.#theme!.warn;
    const { mean, high } = steps;
    for (let x = 0; x < range.pixels; ) {
      const usual = mean[x]!;
      const most = high[x]!;
      let end = x + 1;
      while (end < range.pixels && mean[end] === usual && high[end] === most) end++;
      if (most > 0) {
        const upper = Math.max(1, Math.round((most / scale) * height));
        const lower = usual > 0 ? Math.min(upper, Math.round((usual / scale) * height)) : 0;
        if (upper > lower) brush.rect(x, base - upper, end - x, upper - lower, light);
        if (lower > 0) brush.rect(x, base - lower, end - x, lower, color);
        if (capacity > 0 && most >= capacity) brush.rect(x, base - upper, end - x, Math.max(2, 2 * brush.ratio), warn);
      }
      x = end;
    }
  }

  #drawMarks(scene: Scene, lane: Lane, y: number, range: PixelRange): void {
    const { marks } = scene.model.threads[lane.index]!;
    if (marks.count === 0) return;
    const brush = this.#brush;
    const ratio = brush.ratio;
    const scale = range.pixels / (range.end - range.start);
    let row = 0;
    let high = marks.count;
    while (row < high) {
      const middle = (row + high) >>> 1;
      if (marks.time[middle]! < range.start) row = middle + 1;
      else high = middle;
    }
    const { context } = brush;
    context.fillStyle = scene.theme.accent;
    context.beginPath();
    let lastX = -10;
    for (let seen = 0; row < marks.count && seen < 20_000; row++, seen++) {
      const time = marks.time[row]!;
      if (time >= range.end) break;
      const x = Math.round((time - range.start) * scale);
      if (x - lastX < 2) continue;
      lastX = x;
      const s = 4 * ratio;
      context.moveTo(x - s, y);
      context.lineTo(x + s, y);
      context.lineTo(x, y + s * 1.6);
      context.closePath();
    }
    context.fill();
    brush.forgetColor();
  }

  #outline(
    scene: Scene,
    lane: Lane,
    type: string,
    index: IntervalIndex,
    y: number,
    height: number,
    range: PixelRange,
  ): void {
    for (const [thing, thickness, color] of [
      [scene.hover, 1, scene.theme.foreground],
      [scene.selection, 2, scene.theme.accent],
    ] as const) {
      if (!thing || thing.lane !== lane.id || thing.type !== type || !("row" in thing)) continue;
      if (index.positionOf(thing.row) < 0) continue;
      const columns =
        thing.type === "slice"
          ? scene.model.threads[thing.thread]!.slices
          : thing.type === "hold"
            ? scene.model.objects[thing.object]!.holds!
            : scene.model.cores[lane.index]!;
      this.#outlineSpan(columns.start[thing.row]!, columns.end[thing.row]!, y, height, range, color, thickness);
    }
  }

  #outlineState(scene: Scene, lane: Lane, y: number, height: number, range: PixelRange): void {
    const { states } = scene.model.threads[lane.index]!;
    for (const [thing, thickness, color] of [
      [scene.hover, 1, scene.theme.foreground],
      [scene.selection, 2, scene.theme.accent],
    ] as const) {
      if (thing?.type !== "state" || thing.lane !== lane.id) continue;
      this.#outlineSpan(states.start[thing.row]!, states.end[thing.row]!, y, height, range, color, thickness);
    }
  }

  #outlineSpan(
    start: number,
    end: number,
    y: number,
    height: number,
    range: PixelRange,
    color: string,
    thick: number,
  ): void {
    const ratio = this.#brush.ratio;
    const scale = range.pixels / (range.end - range.start);
    const x0 = Math.max(-4, Math.round((start - range.start) * scale));
    const x1 = Math.min(range.pixels + 4, Math.round(((Number.isNaN(end) ? range.now : end) - range.start) * scale));
    if (x1 < 0 || x0 > range.pixels) return;
    this.#brush.outline(
      x0 - ratio,
      y - ratio,
      Math.max(3, x1 - x0 + ratio),
      height + 2 * ratio,
      color,
      Math.round(thick * ratio),
    );
  }

  #label(text: string, left: number, right: number, middle: number, style: SliceStyle, range: PixelRange): void {
    const ratio = this.#brush.ratio;
    const from = Math.max(0, left) + 4 * ratio;
    const room = Math.min(range.pixels, right) - from - 4 * ratio;
    this.#brush.text(text, from, middle + ratio * 0.5, room, style.text);
  }

  #name(strings: readonly string[], index: number): string {
    let name = this.#names[index];
    if (name === undefined) {
      name = displayName(strings[index] ?? "");
      this.#names[index] = name;
    }
    return name;
  }
}
