/** What the pointer does over the lanes: pointing, clicking, dragging, the wheel. */
import { formatDuration } from "../model/format.js";
import { extentOf, hitTest, sameThing, type Thing } from "../model/things.js";
import type { Description } from "../ui/description.js";
import type { Tooltip } from "../ui/tooltip.js";
import type { ViewState } from "../view-state.js";
import type { Navigator } from "./navigator.js";
import { listenToPointer } from "./pointer.js";

/** A click opens the source only when no second one follows: a double click zooms, and nothing may move under it. */
const DOUBLE_CLICK_MS = 250;

export interface PointingActions {
  /** The window of time changed. */
  moved(): void;
  /** Something else changed that is drawn. */
  changed(): void;
  toggleGroup(id: string): void;
  /** The small view was clicked: there is nothing to choose in it. Null where there is. */
  readonly openTimeline: (() => void) | null;
  /** Null where there is no editor to open it in. */
  readonly openSource: ((site: string) => void) | null;
  announce(words: string): void;
}

export class Pointing {
  readonly #view: ViewState;
  readonly #navigator: Navigator;
  readonly #canvas: HTMLElement;
  readonly #scroller: HTMLElement;
  readonly #tooltip: Tooltip;
  readonly #actions: PointingActions;
  #description: Description | null = null;
  /** Where the pointer is on the canvas, CSS pixels; NaN when it is elsewhere. */
  #at: readonly [x: number, y: number] = [Number.NaN, Number.NaN];
  #openTimer = 0;

  constructor(
    view: ViewState,
    navigator: Navigator,
    canvas: HTMLElement,
    scroller: HTMLElement,
    tooltip: Tooltip,
    actions: PointingActions,
  ) {
    this.#view = view;
    this.#navigator = navigator;
    this.#canvas = canvas;
    this.#scroller = scroller;
    this.#tooltip = tooltip;
    this.#actions = actions;
    // Also while something is dragged, of which nothing is told below.
    canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
      this.#at = [offsetX, offsetY];
    });
    listenToPointer(canvas, scroller, {
      hover: (x, y, clientX, clientY) => this.#point(x, y, clientX, clientY),
      click: (x, y) => this.#click(x, y),
      doubleClick: (x, y) => this.#zoomTo(x, y),
      panBy: (dx, dy) => {
        if (dx !== 0) view.viewport.panBy(dx);
        if (dy !== 0) scroller.scrollTop += dy;
        actions.moved();
      },
      zoomAt: (x, factor) => {
        view.viewport.zoomAt(Math.min(x, view.viewport.width), factor);
        actions.moved();
      },
      mark: (from, to, done) => {
        view.range = { from: view.viewport.timeAt(from), to: view.viewport.timeAt(to) };
        const { from: begin, to: end } = view.range;
        if (done) actions.announce(`${formatDuration(Math.abs(end - begin))} are marked. F zooms to it.`);
        actions.changed();
      },
    });
  }

  /** Forgets what a click was about to open. */
  reset(): void {
    clearTimeout(this.#openTimer);
    this.#tooltip.hide();
  }

  /** What is shown has moved under the pointer: what lies there now lights up. Words come when it moves again. */
  settle(): void {
    this.#find(...this.#at);
  }

  #find(x: number, y: number): Thing | null {
    const view = this.#view;
    const lane = Number.isNaN(x) ? null : view.lanes.at(y + this.#scroller.scrollTop);
    view.pointerLane = lane && lane.kind !== "group" ? lane.id : "";
    const thing = lane && this.#thingAt(x, y);
    if (!sameThing(thing, view.hover)) {
      view.hover = thing;
      this.#description = thing && view.description(thing);
    }
    return thing;
  }

  #point(x: number, y: number, clientX: number, clientY: number): void {
    const view = this.#view;
    view.pointerX = x;
    this.#at = [x, y];
    const thing = this.#find(x, y);
    if (this.#description && thing) this.#tooltip.show(this.#description, clientX, clientY);
    else this.#tooltip.hide();
    const isGroup = !Number.isNaN(x) && view.lanes.at(y + this.#scroller.scrollTop)?.kind === "group";
    this.#canvas.style.cursor = (thing ? thing.type !== "value" : isGroup) ? "pointer" : "";
    this.#actions.changed();
  }

  #click(x: number, y: number): void {
    const view = this.#view;
    if (this.#actions.openTimeline) {
      this.#actions.openTimeline();
      return;
    }
    view.range = null;
    const lane = view.lanes.at(y + this.#scroller.scrollTop);
    if (lane?.kind === "group") {
      this.#actions.toggleGroup(lane.id);
      return;
    }
    if (lane) view.activeLane = lane.id;
    const thing = this.#thingAt(x, y);
    this.#navigator.select(thing);
    this.#openSoon(thing);
  }

  #zoomTo(x: number, y: number): void {
    clearTimeout(this.#openTimer);
    const { trace, viewport } = this.#view;
    const thing = this.#thingAt(x, y);
    if (!thing || !trace) return;
    const { start, end } = extentOf(trace.model, thing);
    if (end > start) viewport.show(start, end, 0.15);
    this.#actions.moved();
  }

  /** Opens the line that what was clicked comes from. */
  #openSoon(thing: Thing | null): void {
    clearTimeout(this.#openTimer);
    const { openSource } = this.#actions;
    if (!thing || thing.type === "value" || !openSource) return;
    const site = this.#view.description(thing)?.site;
    if (site) this.#openTimer = window.setTimeout(() => openSource(site), DOUBLE_CLICK_MS);
  }

  #thingAt(x: number, y: number): Thing | null {
    const { trace, lanes, viewport } = this.#view;
    const height = y + this.#scroller.scrollTop;
    const lane = lanes.at(height);
    return trace && lane ? hitTest(trace.model, trace.indexes, viewport, lane, x, height) : null;
  }
}
