import { axisBottom } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { formatInstant } from "../model/format.js";
import type { Viewport } from "../model/viewport.js";
import { h } from "./dom.js";

/** CSS pixels a label needs. */
const LABEL = 96;

/** The time axis above the lanes. */
export class TimeAxis {
  readonly element: HTMLElement;
  readonly #group = document.createElementNS("http://www.w3.org/2000/svg", "g");

  constructor() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.append(this.#group);
    this.element = h("div", { class: "axis", "aria-hidden": "true" });
    this.element.append(svg);
  }

  /** Draws it and returns where its ticks are, for the grid (nanoseconds). */
  draw(viewport: Viewport): readonly number[] {
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
}
