import { axisBottom } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { formatInstant } from "../model/format.js";
import type { Viewport } from "../model/viewport.js";
import { h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
/** CSS pixels a label has at least, from the middle of one to that of the next. */
const LABEL = 64;
/** CSS pixels between two labels. */
const GAP = 14;

/** The time axis above the lanes. */
export class TimeAxis {
  readonly element: HTMLElement;
  readonly #group = document.createElementNS(SVG, "g");
  readonly #stuck = document.createElementNS(SVG, "rect");
  readonly #stuckFrom = document.createElementNS(SVG, "rect");
  #measure: CanvasRenderingContext2D | null = null;
  readonly #lit = document.createElementNS(SVG, "rect");

  constructor() {
    const svg = document.createElementNS(SVG, "svg");
    for (const [rect, name] of [
      [this.#stuck, "stuck"],
      [this.#stuckFrom, "stuck-from"],
      [this.#lit, "lit"],
    ] as const) {
      rect.setAttribute("class", name);
      rect.setAttribute("height", "100%");
    }
    svg.append(this.#lit, this.#stuck, this.#stuckFrom, this.#group);
    this.element = h("div", { class: "axis", "aria-hidden": "true" });
    this.element.append(svg);
  }

  /**
   * Draws it and returns where its ticks are, for the grid (nanoseconds). The span from `stuckNs` on, in which nobody
   * could go on, is marked up to `endNs`; so is that of a finding, `lit`.
   */
  draw(
    viewport: Viewport,
    stuckNs = Number.NaN,
    endNs = viewport.end,
    lit: { readonly from: number; readonly to: number } | null = null,
  ): readonly number[] {
    this.#mark(viewport, stuckNs, endNs);
    const litFrom = lit ? Math.max(0, viewport.xOf(lit.from)) : 0;
    const litTo = lit ? Math.min(viewport.width, viewport.xOf(lit.to)) : 0;
    this.#lit.setAttribute("x", String(litFrom));
    this.#lit.setAttribute("width", String(lit ? Math.max(0, litTo - litFrom) : 0));
    const scale = scaleLinear([viewport.start, viewport.end], [0, viewport.width]);
    // Deep in a long trace labels have many digits: then there are fewer of them.
    let count = Math.max(1, Math.floor(viewport.width / 96));
    let ticks = scale.ticks(count);
    let step = 0;
    let room = LABEL;
    for (;;) {
      step = ticks.length > 1 ? ticks[1]! - ticks[0]! : viewport.span;
      room = Math.max(...ticks.map((tick) => this.#widthOf(formatInstant(tick, step))));
      if (count === 1 || (step / viewport.span) * viewport.width >= Math.max(LABEL, room + GAP)) break;
      ticks = scale.ticks(--count);
    }
    const axis = axisBottom<number>(scale as never)
      .tickValues(ticks)
      .tickSize(5)
      .tickPadding(3)
      .tickFormat((time) => formatInstant(Number(time), step));
    const group = select(this.#group as SVGGElement);
    group.call(axis as never);
    // A label at the edge would be cut in half. Moved inwards, it may have no room beside the next one.
    const places = placeLabels(
      ticks.map((tick) => scale(tick)),
      ticks.map((tick) => this.#widthOf(formatInstant(tick, step))),
      viewport.width,
    );
    group
      .selectAll<SVGTextElement, number>("text")
      .attr("text-anchor", "middle")
      .attr("dx", (_, i) => places[i] ?? 0)
      .style("display", (_, i) => (places[i] === null ? "none" : null));
    return ticks;
  }

  /** Width of a label, CSS pixels. */
  #widthOf(words: string): number {
    if (!this.#measure) {
      this.#measure = document.createElement("canvas").getContext("2d")!;
      this.#measure.font = `10.5px ${getComputedStyle(this.element).fontFamily}`;
    }
    // All digits are of one width.
    return this.#measure.measureText(words.replace(/\d/g, "0")).width;
  }

  #mark(viewport: Viewport, stuckNs: number, endNs: number): void {
    const from = Math.max(-2, viewport.xOf(stuckNs));
    const to = Math.min(viewport.width, viewport.xOf(endNs));
    const width = from < to ? to - from : 0;
    this.#stuck.setAttribute("x", String(width > 0 ? from : 0));
    this.#stuck.setAttribute("width", String(width));
    this.#stuckFrom.setAttribute("x", String(width > 0 ? from : 0));
    this.#stuckFrom.setAttribute("width", width > 0 ? "2" : "0");
  }
}

/**
 * How far labels that stand in the middle of their ticks are moved so that none leaves the axis; null for one that has
 * no room then. All in CSS pixels.
 */
function placeLabels(middles: readonly number[], widths: readonly number[], width: number): (number | null)[] {
  const EDGE = 3;
  const moved = middles.map((x, i) => {
    const half = widths[i]! / 2;
    return Math.max(half + EDGE, Math.min(width - half - EDGE, x)) - x;
  });
  const begin = (i: number): number => middles[i]! + moved[i]! - widths[i]! / 2;
  const end = (i: number): number => begin(i) + widths[i]!;
  const last = middles.length - 1;
  return moved.map((by, i) => {
    const isTight =
      (i === 0 && last > 0 && end(0) + GAP / 2 > begin(1)) ||
      (i === last && last > 0 && begin(last) - GAP / 2 < end(last - 1));
    // Of two, the one that stands better.
    return by !== 0 && isTight ? null : by;
  });
}
