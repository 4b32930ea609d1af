import type { TraceModel } from "../../src/analysis/model.js";
import { formatPercent } from "../model/format.js";
import type { Lane } from "../model/lanes.js";
import { STATES } from "../model/state-shares.js";
import type { TrackIndexes } from "../model/track-indexes.js";
import { h, icon, icons, setClass, setText } from "./dom.js";

/** The column of names left of the lanes. Only those in view exist as elements. */
export class LaneLabels {
  readonly element = h("div", { class: "labels", role: "list", "aria-label": "Lanes" });
  readonly #items = new Map<
    string,
    { element: HTMLElement; lane: Lane | null; meter: HTMLElement | null; value: HTMLElement | null }
  >();
  readonly #times = new Float64Array(STATES);
  readonly #toggle: (group: string) => void;
  readonly #pick: (lane: string) => void;
  readonly #swatch: (thread: number) => string;

  /** `swatch` is the colour by which locks and cores show a thread. */
  constructor(toggle: (group: string) => void, pick: (lane: string) => void, swatch: (thread: number) => string) {
    this.#toggle = toggle;
    this.#pick = pick;
    this.#swatch = swatch;
  }

  clear(): void {
    this.#items.clear();
    this.element.replaceChildren();
  }

  /** Shows lanes [first, last), and all but `lit` receding if there are any; elements are kept as long as their lane stays in view. */
  update(
    lanes: readonly Lane[],
    first: number,
    last: number,
    active: string,
    model: TraceModel,
    indexes: TrackIndexes,
    span: { readonly start: number; readonly end: number },
    lit: ReadonlySet<string> | null = null,
  ): void {
    setClass(this.element, "spotlit", lit !== null);
    const shown = new Set<string>();
    for (let i = first; i < last; i++) shown.add(lanes[i]!.id);
    for (const [id, item] of this.#items) {
      if (shown.has(id)) continue;
      item.element.remove();
      this.#items.delete(id);
    }
    let at = this.element.firstElementChild;
    for (let i = first; i < last; i++) {
      const lane = lanes[i]!;
      let item = this.#items.get(lane.id);
      if (!item) {
        item = this.#create(lane);
        this.#items.set(lane.id, item);
      }
      // In the order of the lanes, which is that of the Tab key and of screen readers; most stand right already.
      if (at !== item.element) this.element.insertBefore(item.element, at);
      at = item.element.nextElementSibling;
      if (item.lane !== lane) {
        item.lane = lane;
        const { style } = item.element;
        style.transform = `translateY(${lane.top}px)`;
        style.height = `${lane.height}px`;
        setText(item.element.querySelector(".title")!, lane.title);
        setText(item.element.querySelector(".subtitle")!, lane.subtitle);
        item.element.title = [lane.title, lane.subtitle].filter(Boolean).join("\n");
        if (lane.kind === "group") {
          item.element.setAttribute("aria-expanded", String(!lane.collapsed));
          setText(item.element.querySelector(".members")!, String(lane.members));
        }
      }
      setClass(item.element, "active", lane.id === active);
      setClass(item.element, "lit", lit?.has(lane.id) === true);
      if (item.meter && item.value) this.#meter(lane, item.meter, item.value, model, indexes, span);
    }
  }

  /** How much of what is in view the thread ran. */
  #meter(
    lane: Lane,
    meter: HTMLElement,
    value: HTMLElement,
    model: TraceModel,
    indexes: TrackIndexes,
    span: { readonly start: number; readonly end: number },
  ): void {
    const to = Math.min(span.end, model.endNs);
    indexes.threads[lane.index]?.states.times(span.start, to, model.endNs, this.#times);
    const part = to > span.start ? this.#times[0]! / (to - span.start) : 0;
    setText(value, formatPercent(Math.min(1, part)));
    const width = `${Math.round(Math.min(1, part) * 100)}%`;
    if (meter.style.width !== width) meter.style.width = width;
  }

  #create(lane: Lane) {
    if (lane.kind === "group") {
      const element = h(
        "button",
        { class: "label group", type: "button", onclick: () => this.#toggle(lane.id) },
        icon(icons.down),
        h("span", { class: "title", dir: "auto" }),
        h("span", { class: "members" }),
        h("span", { class: "subtitle" }),
      );
      return { element: element as HTMLElement, lane: null, meter: null, value: null };
    }
    const element = h("div", { class: `label ${lane.kind}`, role: "listitem", onclick: () => this.#pick(lane.id) });
    if (lane.kind === "thread") {
      const swatch = h("i", { class: "swatch" });
      swatch.style.background = this.#swatch(lane.index);
      element.append(swatch);
    }
    element.append(h("span", { class: "title", dir: "auto" }), h("span", { class: "subtitle" }));
    let meter: HTMLElement | null = null;
    let value: HTMLElement | null = null;
    if (lane.kind === "thread") {
      meter = h("i", {});
      value = h("span", { class: "percent" });
      element.append(h("span", { class: "meter", title: "Share of the visible time it was running" }, meter), value);
    }
    return { element, lane: null, meter, value };
  }
}
