import type { TraceModel } from "../../src/analysis/model.js";
import { formatInstant } from "../model/format.js";
import { type StepPixels, stepPixels } from "../model/step-curve.js";
import type { TrackIndexes } from "../model/track-indexes.js";
import type { Viewport } from "../model/viewport.js";
import { Brush } from "../render/brush.js";
import type { Theme } from "../render/theme.js";
import { h } from "./dom.js";

/** Pixels beside a handle that still grab it. */
const GRIP = 6;

const undrawn = { model: null, theme: null, limit: -1, steps: -1 };

/** All of the trace in a strip: cores in use over time, and which part of it is shown below. */
export class Overview {
  readonly element: HTMLElement;
  readonly #canvas = h("canvas", { class: "overview-canvas" });
  readonly #brush: Brush;
  readonly #back = document.createElement("canvas");
  readonly #backContext = this.#back.getContext("2d", { alpha: false })!;
  #drawn: { model: TraceModel | null; theme: Theme | null; limit: number; steps: number } = undrawn;
  #steps: StepPixels = stepPixels(1);
  #width = 1;
  #height = 1;

  /** `changed` is called when the user moved the view. */
  constructor(
    readonly viewport: Viewport,
    changed: () => void,
  ) {
    this.element = h(
      "div",
      { class: "overview", title: "Cores in use. Drag to choose what is shown below." },
      this.#canvas,
    );
    this.#brush = new Brush(this.#canvas);
    this.#listen(changed);
  }

  resize(width: number, height: number, ratio: number): void {
    this.#width = Math.max(1, width);
    this.#height = height;
    this.#brush.resize(this.#width, height, ratio);
    this.#steps = stepPixels(this.#brush.width);
    this.#back.width = this.#brush.width;
    this.#back.height = this.#brush.height;
    this.#drawn = undrawn;
  }

  /** `stuckNs`: from when on nobody could go on, or NaN. `lit`: when a finding was seen that is pointed at. */
  draw(
    model: TraceModel,
    indexes: TrackIndexes,
    theme: Theme,
    stuckNs = Number.NaN,
    lit: { readonly from: number; readonly to: number } | null = null,
  ): void {
    const brush = this.#brush;
    const ratio = brush.ratio;
    brush.begin(theme);
    brush.setFont(theme.smallFont);
    const limit = this.#limit();
    const { count: steps } = model.coresInUse;
    const drawn = this.#drawn;
    if (model !== drawn.model || theme !== drawn.theme || limit !== drawn.limit || steps !== drawn.steps) {
      this.#drawn = { model, theme, limit, steps };
      brush.rect(0, 0, brush.width, brush.height, theme.background);
      this.#drawCurve(model, indexes, theme, limit);
      this.#backContext.drawImage(brush.context.canvas, 0, 0);
    } else {
      brush.context.drawImage(this.#back, 0, 0);
    }
    if (stuckNs < limit) {
      const from = Math.round((stuckNs / limit) * brush.width);
      const thick = Math.round(3 * ratio);
      brush.rect(from, 0, brush.width - from, thick, theme.stuck);
      brush.rect(from, 0, Math.max(1, Math.round(ratio)), brush.height, theme.stuck);
    }
    // What is not shown below recedes.
    const x0 = Math.round((Math.max(0, this.viewport.start) / limit) * brush.width);
    const x1 = Math.round((Math.min(limit, this.viewport.end) / limit) * brush.width);
    if (x0 > 0 || x1 < brush.width) {
      brush.context.globalAlpha = 0.66;
      brush.rect(0, 0, x0, brush.height, theme.background);
      brush.rect(x1, 0, brush.width - x1, brush.height, theme.background);
      brush.context.globalAlpha = 1;
      const thick = Math.max(1, Math.round(2 * ratio));
      const left = Math.min(x0, brush.width - 2 * thick);
      brush.outline(
        left,
        0,
        Math.max(2 * thick, x1 - left),
        brush.height,
        theme.accent,
        Math.max(1, Math.round(ratio)),
      );
      for (const x of [left, Math.max(left + thick, x1 - thick)]) brush.rect(x, 0, thick, brush.height, theme.accent);
    }
    if (lit) {
      const from = Math.round((lit.from / limit) * brush.width);
      const to = Math.round((Math.min(lit.to, limit) / limit) * brush.width);
      const wide = Math.max(Math.round(2 * ratio), to - from);
      brush.context.globalAlpha = 0.2;
      brush.rect(from, 0, wide, brush.height, theme.accent);
      brush.context.globalAlpha = 1;
      brush.rect(from, brush.height - Math.round(3 * ratio), wide, Math.round(3 * ratio), theme.accent);
    }
    if (model.coresAvailable > 0) this.#tag(`${model.coresAvailable} cores`, 4 * ratio, theme);
    const end = formatInstant(model.endNs, model.endNs / 100);
    if (model.endNs > 0) this.#tag(end, brush.width - brush.measure(end) - 12 * ratio, theme);
  }

  /** A word in the upper corner, legible over the curve. */
  #tag(words: string, x: number, theme: Theme): void {
    const brush = this.#brush;
    const { ratio } = brush;
    brush.context.globalAlpha = 0.72;
    brush.rect(x, 3 * ratio, brush.measure(words) + 8 * ratio, 14 * ratio, theme.background);
    brush.context.globalAlpha = 1;
    brush.text(words, x + 4 * ratio, 10.5 * ratio, 200 * ratio, theme.foreground);
  }

  /** The part that only changes with the trace. */
  #drawCurve(model: TraceModel, indexes: TrackIndexes, theme: Theme, limit: number): void {
    const brush = this.#brush;
    const height = brush.height - Math.round(4 * brush.ratio);
    const most = Math.max(1, model.coresAvailable, indexes.coresInUse.greatest);
    const y = (value: number): number => Math.round(brush.height - (value / most) * height);
    for (const level of most <= 16 ? Array.from({ length: most }, (_, i) => i + 1) : [most / 2, most])
      brush.rect(0, y(level), brush.width, 1, theme.gridLine);
    indexes.coresInUse.walk({ start: 0, end: limit, pixels: brush.width, now: model.endNs }, this.#steps);
    const { mean, high } = this.#steps;
    for (let x = 0; x < brush.width; ) {
      let end = x + 1;
      while (end < brush.width && mean[end] === mean[x] && high[end] === high[x]) end++;
      if (high[x]! > 0) {
        brush.rect(x, y(high[x]!), end - x, brush.height - y(high[x]!), theme.coresMost);
        if (mean[x]! > 0) brush.rect(x, y(mean[x]!), end - x, brush.height - y(mean[x]!), theme.states[1]!);
      }
      x = end;
    }
  }

  #limit(): number {
    return Math.max(1, this.viewport.limit);
  }

  #listen(changed: () => void): void {
    const canvas = this.#canvas;
    const timeAt = (event: PointerEvent): number => {
      const x = event.clientX - canvas.getBoundingClientRect().left;
      return (Math.max(0, Math.min(this.#width, x)) / this.#width) * this.#limit();
    };
    const xOf = (time: number): number => (time / this.#limit()) * this.#width;
    const gripAt = (event: PointerEvent): "start" | "end" | "inside" | "outside" => {
      const x = event.clientX - canvas.getBoundingClientRect().left;
      const { start, end, isFit } = this.viewport;
      if (isFit) return "outside";
      if (Math.abs(x - xOf(start)) <= GRIP) return "start";
      if (Math.abs(x - xOf(end)) <= GRIP) return "end";
      return x > xOf(start) && x < xOf(end) ? "inside" : "outside";
    };
    let drag: { grip: ReturnType<typeof gripAt>; from: number; start: number; end: number; moved: boolean } | null =
      null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      const { start, end } = this.viewport;
      drag = { grip: gripAt(event), from: timeAt(event), start, end, moved: false };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drag) {
        canvas.style.cursor = { start: "ew-resize", end: "ew-resize", inside: "grab", outside: "crosshair" }[
          gripAt(event)
        ];
        return;
      }
      const time = timeAt(event);
      if (Math.abs(xOf(time) - xOf(drag.from)) > 3) drag.moved = true;
      if (!drag.moved) return;
      if (drag.grip === "inside") this.viewport.show(drag.start + time - drag.from, drag.end + time - drag.from);
      else if (drag.grip === "start") this.viewport.show(time, drag.end);
      else if (drag.grip === "end") this.viewport.show(drag.start, time);
      else this.viewport.show(drag.from, time);
      changed();
    });
    const stop = (event: PointerEvent): void => {
      if (drag && !drag.moved && event.type === "pointerup" && drag.grip === "outside" && !this.viewport.isFit) {
        const half = this.viewport.span / 2;
        this.viewport.show(drag.from - half, drag.from + half);
        changed();
      }
      drag = null;
    };
    canvas.addEventListener("pointerup", stop);
    canvas.addEventListener("pointercancel", stop);
    canvas.addEventListener("dblclick", () => {
      this.viewport.fit();
      changed();
    });
  }

  get height(): number {
    return this.#height;
  }
}
