import { axisBottom } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { formatInstant } from "../model/format.js";
import type { Viewport } from "../model/viewport.js";
import { h } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
/** CSS pixels a label needs. */
const LABEL = 96;

/** The time axis above the lanes. */
export class TimeAxis {
  readonly element: HTMLElement;
  readonly #group = document.createElementNS(SVG, "g");
  readonly #stuck = document.createElementNS(SVG, "rect");
  readonly #stuckFrom = document.createElementNS(SVG, "rect");
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
    const count = Math.max(2, Math.floor(viewport.width / LABEL));
    const ticks = scale.ticks(count);
    const step = ticks.length > 1 ? ticks[1]! - ticks[0]! : viewport.span;
    const axis = axisBottom<number>(scale as never)
      .tickValues(ticks)
      .tickSize(5)
      .tickPadding(3)
      .tickFormat((time) => formatInstant(Number(time), step));
    const group = select(this.#group as SVGGElement);
    group.call(axis as never);
    // A label at the edge would be cut in half.
    group
      .selectAll<SVGTextElement, number>("text")
      .attr("dx", (time) => (scale(time) < 24 ? 3 : scale(time) > viewport.width - 24 ? -3 : 0))
      .attr("text-anchor", (time) =>
        scale(time) < 24 ? "start" : scale(time) > viewport.width - 24 ? "end" : "middle",
      );
    return ticks;
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
