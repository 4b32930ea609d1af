/** Draws a frame: everything that depends on which time, lanes and things are looked at. */

import { lanesBetween } from "./model/lanes.js";
import { emptyTrace } from "./model/loaded-trace.js";
import type { Spotlight } from "./model/spotlight.js";
import type { StandingStill } from "./model/standing-still.js";
import { CanvasRenderer } from "./render/canvas-renderer.js";
import { observeTheme, readTheme, type Theme } from "./render/theme.js";
import type { LaneLabels } from "./ui/lane-labels.js";
import type { Layout } from "./ui/layout.js";
import type { Overview } from "./ui/overview.js";
import type { TimeAxis } from "./ui/time-axis.js";
import type { ViewState } from "./view-state.js";

export interface PaintedParts {
  readonly layout: Layout;
  readonly overview: Overview;
  readonly axis: TimeAxis;
  readonly labels: LaneLabels;
  /** CSS pixels. */
  readonly overviewHeight: number;
}

/** Lanes beyond the visible ones whose names are there already, CSS pixels. */
const LABELS_BEYOND = 60;

export class FramePainter {
  readonly #view: ViewState;
  readonly #parts: PaintedParts;
  readonly #renderer: CanvasRenderer;
  #theme: Theme = readTheme();
  #ratio = 1;
  #height = 0;

  /** `changed` is called when the colours have. */
  constructor(view: ViewState, parts: PaintedParts, changed: () => void) {
    this.#view = view;
    this.#parts = parts;
    this.#renderer = new CanvasRenderer(parts.layout.canvas);
    observeTheme(() => {
      this.#theme = readTheme();
      parts.labels.clear();
      changed();
    });
  }

  /** The colour by which locks and cores show a thread. */
  swatch(thread: number): string {
    return this.#theme.palette[thread % this.#theme.palette.length]!;
  }

  /** Forgets the names of a trace that is no longer shown. */
  forget(): void {
    this.#renderer.forget();
  }

  resize(): void {
    const { layout, overview, overviewHeight } = this.#parts;
    const { width, height } = layout.lanesSize();
    this.#ratio = devicePixelRatio || 1;
    this.#height = height;
    this.#view.viewport.setWidth(width);
    this.#renderer.resize(width, height, this.#ratio);
    overview.resize(width, overviewHeight, this.#ratio);
  }

  draw(still: StandingStill | null, spotlight: Spotlight | null, live: boolean): void {
    if (devicePixelRatio !== this.#ratio) this.resize();
    const { layout, overview, axis, labels } = this.#parts;
    const view = this.#view;
    // Asked before anything changes the page, or the browser would have to lay it out for the answer.
    const { scrollTop } = layout.scroller;
    const { model, indexes, flows } = view.trace ?? emptyTrace;
    const { viewport, pointerLane, activeLane } = view;
    const lanes = view.lanes.shown;
    const ticks = axis.draw(viewport, still?.sinceNs, model.endNs, spotlight);
    overview.draw(model, indexes, this.#theme, still?.sinceNs, spotlight);
    this.#renderer.draw({
      model,
      indexes,
      flows,
      lanes,
      viewport,
      scrollTop,
      theme: this.#theme,
      ticks,
      selection: view.selection,
      hover: view.hover,
      activeLane: pointerLane || activeLane,
      foundName: view.foundName,
      litObject: view.litObject,
      range: view.range,
      pointerX: view.pointerX,
      still,
      spotlight,
      live,
    });
    const [first, last] = lanesBetween(lanes, scrollTop - LABELS_BEYOND, scrollTop + this.#height + LABELS_BEYOND);
    // Where none of a finding's lanes is in view, the others do not recede either.
    const isLit =
      spotlight &&
      lanes
        .slice(...lanesBetween(lanes, scrollTop, scrollTop + this.#height))
        .some(({ id }) => spotlight.lanes.has(id));
    labels.update(lanes, first, last, activeLane, model, indexes, viewport, isLit ? spotlight.lanes : null);
  }
}
