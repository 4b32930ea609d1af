/** Choosing things and going to them: what keys, links and the search do. */
import { SliceKind } from "../../src/analysis/model.js";
import { type Named, nextNamed, type SearchHit } from "../model/search.js";
import { extentOf, neighbour, type Thing } from "../model/things.js";
import { sliceAt } from "../ui/description.js";
import type { ViewState } from "../view-state.js";

export interface NavigatorActions {
  /** The window of time changed. */
  moved(): void;
  /** Something else changed that is drawn. */
  changed(): void;
  selected(thing: Thing | null): void;
  /** Groups were opened or closed. */
  layOut(): void;
  /** Says it to a screen reader. */
  announce(words: string): void;
}

export class Navigator {
  readonly #view: ViewState;
  readonly #scroller: HTMLElement;
  readonly #actions: NavigatorActions;

  constructor(view: ViewState, scroller: HTMLElement, actions: NavigatorActions) {
    this.#view = view;
    this.#scroller = scroller;
    this.#actions = actions;
  }

  select(thing: Thing | null): void {
    const view = this.#view;
    view.selection = thing;
    if (thing) view.activeLane = thing.lane;
    const before = this.#scroller.clientHeight;
    this.#actions.selected(thing);
    if (thing) this.#keepInView(thing.lane, before);
    const description = thing && view.description(thing);
    if (description) {
      const facts = [...description.facts, ...description.links].map((fact) => `${fact.label} ${fact.value}`);
      this.#actions.announce(`${description.title}, ${description.kind}: ${facts.join(", ")}`);
    }
    this.#actions.changed();
  }

  /** Where there is little room, details come below the lanes: a lane that they would lie on moves up. */
  #keepInView(id: string, heightBefore: number): void {
    const { clientHeight, scrollTop } = this.#scroller;
    const lane = this.#view.lanes.find(id);
    if (!lane || clientHeight >= heightBefore || lane.top >= scrollTop + heightBefore) return;
    const hidden = lane.top + lane.height - scrollTop - clientHeight;
    if (hidden > 0) this.#scroller.scrollTop += Math.max(0, Math.min(hidden, lane.top - scrollTop));
  }

  /** Selects a thing and brings it into view. */
  go(thing: Thing): void {
    const { trace, viewport } = this.#view;
    if (!trace) return;
    const { start, end } = extentOf(trace.model, thing);
    viewport.reveal(start, end);
    // What would be a hair's breadth gets a little room.
    if (end > start && (end - start) / viewport.nsPerPixel < 3) {
      const span = Math.max((end - start) * 40, 2000);
      viewport.show((start + end - span) / 2, (start + end + span) / 2);
    }
    this.showLane(thing.lane);
    this.select(thing);
    this.#actions.moved();
  }

  /** Scrolls to a lane, and opens its group if need be. */
  showLane(id: string): void {
    const view = this.#view;
    if (!view.lanes.find(id) && view.trace && view.lanes.openGroupOf(view.trace, id)) this.#actions.layOut();
    const lane = view.lanes.find(id);
    if (!lane) return;
    view.activeLane = id;
    const scroller = this.#scroller;
    const height = scroller.clientHeight;
    if (lane.top < scroller.scrollTop || lane.top + lane.height > scroller.scrollTop + height)
      scroller.scrollTop = lane.top - Math.max(0, (height - lane.height) / 3);
    this.#actions.changed();
  }

  activate(id: string): void {
    this.#view.activeLane = id;
    const lane = this.#view.lanes.find(id);
    if (lane) this.#actions.announce(`${lane.title}. ${lane.subtitle}`);
    this.#actions.changed();
  }

  moveLane(step: 1 | -1): void {
    const lanes = this.#view.lanes.shown.filter((lane) => lane.kind !== "group");
    if (lanes.length === 0) return;
    const at = lanes.findIndex((lane) => lane.id === this.#view.activeLane);
    const lane = lanes[Math.max(0, Math.min(lanes.length - 1, at < 0 ? 0 : at + step))]!;
    this.showLane(lane.id);
    this.activate(lane.id);
  }

  /** Scrolls by what is in view, less a little of it. */
  scrollPage(step: 1 | -1): void {
    this.#scroller.scrollTop += step * this.#scroller.clientHeight * 0.85;
  }

  /** To the lane's event before or after the selected one. */
  stepEvent(step: 1 | -1): void {
    const { trace, lanes, viewport, activeLane, selection } = this.#view;
    if (!trace) return;
    const lane = lanes.find(activeLane) ?? lanes.shown.find((candidate) => candidate.kind === "thread");
    if (!lane) return;
    const from = step > 0 ? viewport.start : viewport.end;
    const thing = neighbour(trace.model, trace.indexes, lane, selection, from, step);
    if (!thing) return;
    const { start, end } = extentOf(trace.model, thing);
    viewport.reveal(start, Math.min(end, start + viewport.span * 0.8));
    this.showLane(lane.id);
    this.select(thing);
  }

  /** To where the arrow comes from that ended or began what is selected, or to where one leads from it. */
  followArrow(direction: "cause" | "effect"): void {
    const { trace, selection } = this.#view;
    if (!trace || !selection || !("thread" in selection)) return;
    const { model, indexes, flows } = trace;
    const { start, end } = extentOf(model, selection);
    const { fromThread, fromTime, toThread, toTime } = model.flows;
    if (direction === "cause") {
      const flow = [
        ...(this.#isWait(selection) ? flows.wakeOf(selection.thread, end) : []),
        ...flows.into(selection.thread, start, end, 1),
      ][0];
      if (flow === undefined) this.#actions.announce("No arrow leads here.");
      else this.#goTo(sliceAt(model, indexes, fromThread[flow]!, fromTime[flow]!));
    } else {
      const flow = flows.outOf(selection.thread, start, end, 1)[0];
      if (flow === undefined) this.#actions.announce("No arrow leads on from here.");
      else this.#goTo(sliceAt(model, indexes, toThread[flow]!, toTime[flow]!));
    }
  }

  /** To a lane, or to the next slice of a name. */
  goToHit(hit: SearchHit, step: 1 | -1): void {
    const view = this.#view;
    if (!view.trace) return;
    if (hit.kind === "lane") {
      view.foundName = -1;
      this.showLane(hit.lane);
      return;
    }
    const { model } = view.trace;
    let after: Named | null = null;
    const { selection } = view;
    if (view.foundName === hit.string && (selection?.type === "slice" || selection?.type === "mark")) {
      const { type, thread, row } = selection;
      after = { type, thread, row, time: extentOf(model, selection).start };
    }
    view.foundName = hit.string;
    const next = nextNamed(model, hit.string, after, step);
    if (next) this.go({ type: next.type, lane: `thread:${next.thread}`, thread: next.thread, row: next.row });
    this.#actions.changed();
  }

  /** Shows the marked span, else what is selected, else, or when that is shown already, everything. */
  fit(): void {
    const { viewport, range, selection, trace } = this.#view;
    const before = [viewport.start, viewport.end];
    if (range) {
      viewport.show(range.from, range.to);
      this.#view.range = null;
    } else if (selection && trace) {
      const { start, end } = extentOf(trace.model, selection);
      if (end > start) viewport.show(start, end, 0.15);
    }
    if (Math.abs(before[0]! - viewport.start) < 1 && Math.abs(before[1]! - viewport.end) < 1) this.fitAll();
    this.#actions.moved();
  }

  fitAll(): void {
    this.#view.viewport.fit();
    this.#view.viewport.following = true;
    this.#actions.moved();
  }

  /** To the newest events of a live trace, and along with them. */
  follow(): void {
    const { viewport, trace } = this.#view;
    viewport.following = true;
    if (trace) viewport.setLimit(trace.model.endNs);
    this.edge("end");
  }

  edge(which: "start" | "end"): void {
    const { viewport } = this.#view;
    viewport.panBy(viewport.width * (which === "start" ? -1e6 : 1e6));
    this.#actions.moved();
  }

  pan(part: number): void {
    const { viewport } = this.#view;
    viewport.panBy(part * viewport.width);
    this.#actions.moved();
  }

  /** Holds on to the pointer, else to the selection if it is in view, else to the middle. */
  zoom(factor: number): void {
    this.#view.viewport.zoomAt(this.#anchor(), factor);
    this.#actions.moved();
  }

  #anchor(): number {
    const { pointerX, viewport, selection, trace } = this.#view;
    if (!Number.isNaN(pointerX)) return pointerX;
    if (selection && trace) {
      const { start, end } = extentOf(trace.model, selection);
      const x = viewport.xOf((start + end) / 2);
      if (x >= 0 && x <= viewport.width) return x;
    }
    return viewport.width / 2;
  }

  #goTo(thing: Thing | null): void {
    if (thing) this.go(thing);
  }

  #isWait(thing: Thing): boolean {
    if (thing.type !== "slice") return thing.type === "state";
    const kind = this.#view.trace!.model.threads[thing.thread]!.slices.kind[thing.row]!;
    return kind >= SliceKind.LockWait && kind <= SliceKind.OtherWait;
  }
}
