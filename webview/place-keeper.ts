/** Keeps how a trace is looked at, so that a page that is loaded again with it comes back as it was left. */
import type { RememberedView } from "../src/protocol/messages.js";
import type { Host } from "./host.js";
import { isThingOf, type Thing } from "./model/things.js";
import type { ViewState } from "./view-state.js";

/** How often the place is noted while one moves about, milliseconds. */
const PAUSE_MS = 100;

export class PlaceKeeper {
  readonly #host: Host;
  readonly #view: ViewState;
  readonly #scroller: HTMLElement;
  #path = "";
  #name = "";
  /** How this trace was left, until so much of it is loaded that it can be looked at so again. */
  #left: RememberedView | null = null;
  #timer = 0;
  /** How far it is to be scrolled as soon as there is so much to scroll, and how far it could be until then. */
  #wantedTop = Number.NaN;
  #reachedTop = 0;

  constructor(host: Host, view: ViewState, scroller: HTMLElement) {
    this.#host = host;
    this.#view = view;
    this.#scroller = scroller;
    window.addEventListener("pagehide", () => this.#noteNow());
  }

  /** Another trace comes; `path` is its file, "" where the page comes with its trace: then nothing is kept. */
  reset(path: string, name: string): void {
    const left = path === "" ? null : this.#host.recall();
    this.#left = left?.path === path ? left : null;
    this.#path = path;
    this.#name = name;
    this.#wantedTop = Number.NaN;
  }

  /** Notes the place soon. */
  note(): void {
    this.#timer ||= window.setTimeout(() => this.#noteNow(), PAUSE_MS);
  }

  /** Takes up the view as it was left, once so much of the trace is there. */
  comeBack(layOut: () => void, select: (thing: Thing) => void): void {
    const left = this.#left;
    const { trace, viewport, lanes } = this.#view;
    if (!left || !trace || !(trace.model.complete || trace.model.endNs >= left.end)) return;
    this.#left = null;
    lanes.setCollapsed(left.collapsed);
    layOut();
    if (!left.following) viewport.show(left.start, left.end);
    else if (left.start > 0) {
      viewport.show(trace.model.endNs - (left.end - left.start), trace.model.endNs);
      viewport.following = true;
    }
    // The details leave less room for the lanes, so they come before the scrolling.
    if (isThingOf(trace.model, left.selection)) select(left.selection);
    this.#wantedTop = left.scrollTop;
    this.#scrollOn();
  }

  /** There is more room for the lanes, or less. */
  resized(): void {
    if (!Number.isNaN(this.#wantedTop) && this.#scroller.scrollTop === this.#reachedTop) this.#scrollOn();
  }

  #scrollOn(): void {
    const scroller = this.#scroller;
    scroller.scrollTop = this.#wantedTop;
    this.#reachedTop = scroller.scrollTop;
    if (Math.abs(this.#reachedTop - this.#wantedTop) < 1) this.#wantedTop = Number.NaN;
  }

  #noteNow(): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { trace, viewport, lanes, selection } = this.#view;
    if (this.#path === "" || this.#host.mode === "compact" || this.#left || !trace) return;
    this.#host.remember({
      path: this.#path,
      name: this.#name,
      start: viewport.start,
      end: viewport.end,
      following: viewport.following,
      scrollTop: this.#scroller.scrollTop,
      collapsed: [...lanes.collapsed],
      selection,
    });
  }
}
