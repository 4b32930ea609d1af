/**
 * The timeline: puts model, drawing, pointer, keys and the parts around the lanes together. It knows nothing of where
 * the trace comes from: `main.ts` gives it a model and says when that has changed.
 */
import { SliceKind, type TraceModel } from "../src/analysis/model.js";
import {
  defaultSettings,
  type RememberedView,
  type RunState,
  type ViewCommand,
  type ViewMode,
  type ViewSettings,
} from "../src/protocol/messages.js";
import type { Host } from "./host.js";
import type { Commands } from "./interact/commands.js";
import { listenToKeys } from "./interact/keyboard.js";
import { listenToPointer } from "./interact/pointer.js";
import { FlowIndex } from "./model/flows.js";
import { displayName, formatBytesOf, parseSite } from "./model/format.js";
import { type Lane, laneAt, lanesBetween, layOutLanes, totalHeight } from "./model/lanes.js";
import { nextNamed, type SearchHit, search } from "./model/search.js";
import { Summarizer, type Summary } from "./model/summary.js";
import { extentOf, hitTest, isThingOf, neighbour, sameThing, type Thing } from "./model/things.js";
import { TrackIndexes } from "./model/track-indexes.js";
import { Viewport } from "./model/viewport.js";
import { CanvasRenderer } from "./render/canvas-renderer.js";
import { FrameScheduler, type FrameStatistics } from "./render/frame-scheduler.js";
import { observeTheme, readTheme, type Theme } from "./render/theme.js";
import { type Description, describe, sliceAt } from "./ui/describe.js";
import { DetailsPane } from "./ui/details-pane.js";
import { EmptyState } from "./ui/empty-state.js";
import { Header } from "./ui/header.js";
import { KeysOverlay } from "./ui/keys-overlay.js";
import { LaneLabels } from "./ui/lane-labels.js";
import { buildLayout, type Layout } from "./ui/layout.js";
import { Overview } from "./ui/overview.js";
import { SearchBox } from "./ui/search-box.js";
import { TimeAxis } from "./ui/time-axis.js";
import { Tooltip } from "./ui/tooltip.js";
import { traceNotes } from "./ui/trace-notes.js";

declare global {
  var heddleFrameStats: (() => FrameStatistics) | undefined;
}

/** How often the numbers above a live timeline change, milliseconds. */
const SUMMARY_PAUSE_MS = 250;
/** A click opens the source only when no second one follows: a double click zooms, and nothing may move under it. */
const DOUBLE_CLICK_MS = 250;
/** How often the place is noted while one moves about, milliseconds. */
const REMEMBER_PAUSE_MS = 100;
/** Width of the names at first, CSS pixels. */
const LABEL_WIDTH = { full: 212, compact: 86 } as const;

/** A model with all that hangs on it. */
interface Loaded {
  readonly model: TraceModel;
  readonly indexes: TrackIndexes;
  readonly flows: FlowIndex;
  readonly summarizer: Summarizer;
}

export class App {
  readonly viewport = new Viewport();
  readonly #host: Host;
  readonly #mode: ViewMode;
  readonly #layout: Layout;
  readonly #renderer: CanvasRenderer;
  readonly #scheduler = new FrameScheduler(() => this.#frame());
  readonly #header: Header;
  readonly #overview: Overview;
  readonly #axis = new TimeAxis();
  readonly #labels: LaneLabels;
  readonly #tooltip = new Tooltip();
  readonly #details: DetailsPane;
  readonly #searchBox: SearchBox;
  readonly #keys = new KeysOverlay();
  readonly #empty = new EmptyState();
  #settings: ViewSettings = defaultSettings;
  #theme: Theme;
  #loaded: Loaded | null = null;
  #lanes: readonly Lane[] = [];
  /** Groups whose lanes are hidden; those of helpers are so until they are opened. */
  #collapsed = new Set<string>(["cores"]);
  #seenGroups = 0;
  #summary: Summary | null = null;
  #summaryAt = Number.NEGATIVE_INFINITY;
  #summaryTimer = 0;
  #modelChanged = false;
  #selection: Thing | null = null;
  #hover: Thing | null = null;
  #hoverDescription: Description | null = null;
  #activeLane = "";
  #pointerX = Number.NaN;
  #pointerLane = "";
  #foundName = -1;
  #range: { from: number; to: number } | null = null;
  #state: RunState = "starting";
  #ratio = 1;
  #height = 0;
  #reported = false;
  /** The trace's file and name; "" where the page comes with its trace. */
  #path = "";
  #name = "";
  /** How this trace was left, until so much of it is loaded that it can be looked at so again. */
  #left: RememberedView | null = null;
  /** The span that is to be shown once so much of the trace is known. */
  #wanted: { readonly from: number; readonly to: number } | null = null;
  #rememberTimer = 0;
  #openTimer = 0;

  constructor(host: Host, root: HTMLElement) {
    this.#host = host;
    this.#mode = host.mode;
    const compact = this.#mode === "compact";
    this.#header = new Header(
      {
        stop: () => host.send({ type: "stop" }),
        follow: () => this.commands.follow(),
        fit: () => this.#fitAll(),
        search: () => this.#searchBox.open(),
        keys: () => this.#keys.toggle(),
        save: host.connected ? () => host.send({ type: "export-html" }) : null,
      },
      compact,
    );
    this.#overview = new Overview(this.viewport, () => this.#viewMoved());
    this.#theme = readTheme();
    this.#labels = new LaneLabels(
      (group) => this.#toggleGroup(group),
      (lane) => this.#activate(lane),
      (thread) => this.#theme.palette[thread % this.#theme.palette.length]!,
    );
    this.#details = new DetailsPane({
      go: (thing) => this.#go(thing),
      openSource: host.connected ? (site) => this.#openSite(site) : null,
      showLane: (lane) => this.#showLane(lane),
      close: () => this.#select(null),
    });
    this.#searchBox = new SearchBox({
      find: (query) => (this.#loaded ? search(this.#loaded.model, this.#allLanes(), query) : []),
      go: (hit, step) => this.#goToHit(hit, step),
      closed: () => {
        this.#foundName = -1;
        this.#request();
      },
    });
    this.#layout = buildLayout({
      header: this.#header.element,
      overview: this.#overview.element,
      axis: this.#axis.element,
      labels: this.#labels.element,
      details: this.#details.element,
      search: this.#searchBox.element,
      empty: this.#empty.element,
      compact,
      labelWidth: LABEL_WIDTH[this.#mode],
      resized: () => this.#resize(),
    });
    root.append(this.#layout.element, this.#tooltip.element, this.#keys.element);
    this.#renderer = new CanvasRenderer(this.#layout.canvas);
    this.#theme = readTheme();
    observeTheme(() => {
      this.#theme = readTheme();
      this.#labels.clear();
      this.#request();
    });
    listenToKeys(this.commands);
    this.#listenToPointer();
    this.#layout.scroller.addEventListener("scroll", () => this.#request(), { passive: true });
    new ResizeObserver(() => this.#resize()).observe(this.#layout.scroller);
    window.addEventListener("pagehide", () => this.#rememberNow());
    globalThis.heddleFrameStats = () => this.#scheduler.statistics();
    this.#resize();
    this.#empty.waiting("Waiting for a trace…");
  }

  /** Forgets what is shown. A `path` that was shown before the page was loaded again comes back as it was left. */
  reset(name: string, live: boolean, path = ""): void {
    const left = path === "" ? null : this.#host.recall();
    this.#left = left?.path === path ? left : null;
    this.#path = path;
    this.#name = name;
    clearTimeout(this.#openTimer);
    this.#loaded = null;
    this.#lanes = [];
    this.#summary = null;
    this.#selection = this.#hover = null;
    this.#activeLane = "";
    this.#range = null;
    this.#foundName = -1;
    this.#seenGroups = 0;
    this.#reported = false;
    this.#state = live ? "running" : "file";
    this.viewport.reset();
    this.#renderer.forget();
    this.#labels.clear();
    this.#tooltip.hide();
    this.#layout.setNotes([]);
    this.#header.setName(displayName(name), name);
    this.#header.setControls(false, false, false, false);
    this.#wanted = null;
    document.body.dataset.complete = "false";
    this.#layout.setProgress(1, 1);
    this.#empty.waiting(live ? "Waiting for the script's first event…" : "Reading the trace…");
    this.#request();
  }

  /** How much of the trace was read, in bytes; all of it when both are the same. */
  setProgress(read: number, total: number): void {
    this.#layout.setProgress(read, total);
    if (!this.#loaded && read < total) this.#empty.waiting("Reading the trace…", formatBytesOf(read, total));
  }

  /** Shows a model; it may still grow. */
  setModel(model: TraceModel): void {
    const indexes = new TrackIndexes(model);
    const flows = new FlowIndex(model);
    this.#loaded = { model, indexes, flows, summarizer: new Summarizer(model, indexes) };
    this.viewport.following = this.#settings.follow || model.complete || this.#state === "file";
    this.changed();
  }

  /** The model has grown. */
  changed(): void {
    this.#modelChanged = true;
    this.#request();
  }

  /** Nothing can be shown. */
  fail(title: string, detail: string): void {
    this.#loaded = null;
    this.#lanes = [];
    this.#labels.clear();
    this.#layout.setProgress(1, 1);
    this.#empty.failed(title, displayName(detail));
    this.#request();
  }

  setStatus(state: RunState, detail: string): void {
    this.#state = state;
    if (state === "failed") this.fail("The run did not come to a trace", detail);
    else if (!this.#loaded || this.#loaded.model.threads.length === 0) {
      if (state === "starting" || state === "running")
        this.#empty.waiting("Waiting for the script's first event…", displayName(detail));
      else if (state === "ended")
        this.#empty.failed("The trace is empty", detail || "The run ended before its first event.");
    }
    this.#request();
  }

  applySettings(settings: Partial<ViewSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
    if (this.#loaded) this.changed();
  }

  showSpan(from: number, to: number): void {
    const model = this.#loaded?.model;
    if (!model || (!model.complete && model.endNs < to)) {
      // As soon as so much is known of the trace.
      this.#wanted = { from, to };
      return;
    }
    this.#wanted = null;
    this.viewport.show(from, to, 0.05);
    this.#viewMoved();
  }

  run(command: ViewCommand): void {
    const { commands } = this;
    const actions: Record<ViewCommand, () => void> = {
      fit: () => commands.fit(),
      follow: () => commands.follow(),
      search: () => commands.search(),
      keys: () => commands.keys(),
      "zoom-in": () => commands.zoom(0.75),
      "zoom-out": () => commands.zoom(1 / 0.75),
      next: () => commands.stepEvent(1),
      previous: () => commands.stepEvent(-1),
    };
    actions[command]();
  }

  readonly commands: Commands = {
    zoom: (factor) => {
      this.viewport.zoomAt(this.#zoomAnchor(), factor);
      this.#viewMoved();
    },
    pan: (part) => {
      this.viewport.panBy(part * this.viewport.width);
      this.#viewMoved();
    },
    fit: () => this.#fit(),
    follow: () => {
      this.viewport.following = true;
      if (this.#loaded) this.viewport.setLimit(this.#loaded.model.endNs);
      this.viewport.panBy(this.viewport.width * 1e6);
      this.#viewMoved();
    },
    moveLane: (step) => this.#moveLane(step),
    stepEvent: (step) => this.#stepEvent(step),
    followArrow: (direction) => this.#followArrow(direction),
    openSource: () => {
      const site = this.#selection && this.#description(this.#selection)?.site;
      if (site) this.#openSite(site);
    },
    search: () => this.#searchBox.open(),
    keys: () => this.#keys.toggle(),
    edge: (which) => {
      this.viewport.panBy(this.viewport.width * (which === "start" ? -1e6 : 1e6));
      this.#viewMoved();
    },
    escape: () => {
      if (this.#keys.open) this.#keys.toggle(false);
      else if (this.#searchBox.isOpen) this.#searchBox.close();
      else if (this.#range) this.#range = null;
      else this.#select(null);
      this.#request();
    },
  };

  // ---- drawing

  #request(): void {
    this.#scheduler.request();
  }

  /** Where zooming by keys holds on to: the pointer, else the selection if it is in view, else the middle. */
  #zoomAnchor(): number {
    if (!Number.isNaN(this.#pointerX)) return this.#pointerX;
    const { width } = this.viewport;
    if (this.#selection && this.#loaded) {
      const { start, end } = extentOf(this.#loaded.model, this.#selection);
      const x = this.viewport.xOf((start + end) / 2);
      if (x >= 0 && x <= width) return x;
    }
    return width / 2;
  }

  #viewMoved(): void {
    this.#tooltip.hide();
    this.#request();
  }

  #resize(): void {
    const { width, height } = this.#layout.lanesSize();
    this.#ratio = devicePixelRatio || 1;
    this.#height = height;
    this.viewport.setWidth(width);
    this.#renderer.resize(width, height, this.#ratio);
    this.#overview.resize(width, this.#mode === "compact" ? 38 : 52, this.#ratio);
    this.#request();
  }

  #frame(): void {
    const loaded = this.#loaded;
    if (loaded && this.#modelChanged) this.#takeGrowth(loaded);
    if (devicePixelRatio !== this.#ratio) this.#resize();
    // Asked before anything changes the page, or the browser would have to lay it out for the answer.
    const { scrollTop } = this.#layout.scroller;
    const ticks = this.#axis.draw(this.viewport);
    const empty = emptyModel;
    const model = loaded?.model ?? empty.model;
    const indexes = loaded?.indexes ?? empty.indexes;
    this.#overview.draw(model, indexes, this.#theme);
    this.#renderer.draw({
      model,
      indexes,
      flows: loaded?.flows ?? empty.flows,
      lanes: this.#lanes,
      viewport: this.viewport,
      scrollTop,
      theme: this.#theme,
      ticks,
      selection: this.#selection,
      hover: this.#hover,
      activeLane: this.#pointerLane || this.#activeLane,
      foundName: this.#foundName,
      litObject: this.#litObject(),
      range: this.#range,
      pointerX: this.#pointerX,
      live: this.#isLive(model),
    });
    const [first, last] = lanesBetween(this.#lanes, scrollTop - 60, scrollTop + this.#height + 60);
    this.#labels.update(this.#lanes, first, last, this.#activeLane, model, indexes, this.viewport);
    this.#remember();
    if (loaded) {
      const live = this.#isLive(model);
      this.#header.setControls(
        this.#host.connected && (this.#state === "running" || this.#state === "starting" || this.#state === "stopping"),
        this.#state === "stopping",
        live && !this.viewport.following,
        true,
      );
    }
  }

  #isLive(model: TraceModel): boolean {
    return !model.complete && this.#state !== "file";
  }

  #takeGrowth(loaded: Loaded): void {
    this.#modelChanged = false;
    const { model } = loaded;
    loaded.indexes.grow();
    loaded.flows.grow();
    this.#layOut();
    document.body.dataset.complete = String(model.complete);
    this.viewport.setLimit(model.endNs);
    if (this.#wanted) this.showSpan(this.#wanted.from, this.#wanted.to);
    if (this.#left && (model.complete || model.endNs >= this.#left.end)) this.#comeBack(loaded, this.#left);
    if (this.#lanes.length > 0) this.#empty.hide();
    const now = performance.now();
    if (model.complete || now - this.#summaryAt >= SUMMARY_PAUSE_MS) this.#summarize(loaded, now);
    else if (!this.#summaryTimer) this.#summaryTimer = window.setTimeout(() => this.changed(), SUMMARY_PAUSE_MS);
  }

  #summarize(loaded: Loaded, now: number): void {
    clearTimeout(this.#summaryTimer);
    this.#summaryTimer = 0;
    this.#summaryAt = now;
    const { model } = loaded;
    const summary = loaded.summarizer.summarize();
    this.#summary = summary;
    // A file that is still being read is not a live run.
    const headline = { ...summary.headline, live: this.#isLive(model) };
    const exit = model.signal ?? (model.exitCode === null ? "" : `exit ${model.exitCode}`);
    const other = summary.states[3]! + summary.states[4]!;
    this.#header.update(headline, other, exit, Boolean(model.signal ?? model.exitCode));
    if (model.command.length > 0) this.#header.setName(commandName(model.command), model.command.join(" "));
    this.#layout.setNotes(traceNotes(model));
    this.#host.send({ type: "headline", headline });
    this.#showDetails();
    if (model.complete && !this.#reported) {
      this.#reported = true;
      this.#host.send({ type: "state", lanes: this.#lanes.length, events: model.recorder.events, complete: true });
    }
  }

  /** Takes up the view as it was left. */
  #comeBack(loaded: Loaded, left: RememberedView): void {
    this.#left = null;
    this.#collapsed = new Set(left.collapsed);
    this.#layOut();
    if (!left.following) this.viewport.show(left.start, left.end);
    else if (left.start > 0) {
      this.viewport.show(loaded.model.endNs - (left.end - left.start), loaded.model.endNs);
      this.viewport.following = true;
    }
    this.#layout.scroller.scrollTop = left.scrollTop;
    if (isThingOf(loaded.model, left.selection)) this.#select(left.selection);
  }

  #remember(): void {
    this.#rememberTimer ||= window.setTimeout(() => this.#rememberNow(), REMEMBER_PAUSE_MS);
  }

  #rememberNow(): void {
    clearTimeout(this.#rememberTimer);
    this.#rememberTimer = 0;
    if (this.#path === "" || this.#mode === "compact" || this.#left || !this.#loaded) return;
    this.#host.remember({
      path: this.#path,
      name: this.#name,
      start: this.viewport.start,
      end: this.viewport.end,
      following: this.viewport.following,
      scrollTop: this.#layout.scroller.scrollTop,
      collapsed: [...this.#collapsed],
      selection: this.#selection,
    });
  }

  #layOut(): void {
    const loaded = this.#loaded;
    if (!loaded) return;
    const before = this.#lanes;
    for (; this.#seenGroups < loaded.model.processes.length; this.#seenGroups++)
      this.#collapsed.add(`helpers:${this.#seenGroups}`);
    const lanes = layOutLanes(loaded.model, loaded.indexes, {
      collapsed: this.#collapsed,
      showSystemThreads: this.#settings.showSystemThreads,
      compact: this.#mode === "compact",
    });
    // The same objects where nothing changed, so that labels need not be touched.
    this.#lanes = lanes.map((lane, i) => (before[i] && sameLane(before[i], lane) ? before[i] : lane));
    this.#layout.setContentHeight(totalHeight(this.#lanes));
    document.body.dataset.lanes = String(this.#lanes.length);
  }

  /** Also those of collapsed groups. */
  #allLanes(): Lane[] {
    const { model, indexes } = this.#loaded!;
    const { showSystemThreads } = this.#settings;
    return layOutLanes(model, indexes, { collapsed: new Set(), showSystemThreads, compact: false });
  }

  #litObject(): number {
    const thing = this.#hover ?? this.#selection;
    const model = this.#loaded?.model;
    if (!model) return -1;
    const lane = this.#laneOf(this.#pointerLane);
    if (lane && (lane.kind === "lock" || lane.kind === "queue" || lane.kind === "pool")) return lane.index;
    if (thing?.type === "slice") return model.threads[thing.thread]!.slices.object[thing.row]!;
    return thing?.type === "hold" ? thing.object : -1;
  }

  // ---- pointing, choosing, going

  #listenToPointer(): void {
    const { canvas, scroller } = this.#layout;
    listenToPointer(canvas, scroller, {
      hover: (x, y, clientX, clientY) => this.#point(x, y, clientX, clientY),
      click: (x, y) => {
        if (this.#mode === "compact") {
          this.#host.send({ type: "open-timeline", fromNs: this.viewport.start, toNs: this.viewport.end });
          return;
        }
        this.#range = null;
        const lane = laneAt(this.#lanes, y + scroller.scrollTop);
        if (lane?.kind === "group") this.#toggleGroup(lane.id);
        else {
          if (lane) this.#activeLane = lane.id;
          const thing = this.#thingAt(x, y);
          this.#select(thing);
          this.#openSoon(thing);
        }
      },
      doubleClick: (x, y) => {
        clearTimeout(this.#openTimer);
        const thing = this.#thingAt(x, y);
        if (!thing || !this.#loaded) return;
        const { start, end } = extentOf(this.#loaded.model, thing);
        if (end > start) this.viewport.show(start, end, 0.15);
        this.#viewMoved();
      },
      panBy: (dx, dy) => {
        if (dx !== 0) this.viewport.panBy(dx);
        if (dy !== 0) scroller.scrollTop += dy;
        this.#viewMoved();
      },
      zoomAt: (x, factor) => {
        this.viewport.zoomAt(Math.min(x, this.viewport.width), factor);
        this.#viewMoved();
      },
      mark: (from, to, done) => {
        this.#range = { from: this.viewport.timeAt(from), to: this.viewport.timeAt(to) };
        if (done) this.#announce("A span is marked. F zooms to it.");
        this.#request();
      },
    });
  }

  #point(x: number, y: number, clientX: number, clientY: number): void {
    this.#pointerX = x;
    const lane = Number.isNaN(x) ? null : laneAt(this.#lanes, y + this.#layout.scroller.scrollTop);
    this.#pointerLane = lane && lane.kind !== "group" ? lane.id : "";
    const thing = Number.isNaN(x) ? null : this.#thingAt(x, y);
    if (!sameThing(thing, this.#hover)) {
      this.#hover = thing;
      this.#hoverDescription = thing && this.#description(thing);
    }
    if (this.#hoverDescription && thing) this.#tooltip.show(this.#hoverDescription, clientX, clientY);
    else this.#tooltip.hide();
    this.#layout.canvas.style.cursor =
      thing && thing.type !== "value" ? "pointer" : lane?.kind === "group" ? "pointer" : "";
    this.#request();
  }

  #thingAt(x: number, y: number): Thing | null {
    const loaded = this.#loaded;
    const height = y + this.#layout.scroller.scrollTop;
    const lane = laneAt(this.#lanes, height);
    return loaded && lane ? hitTest(loaded.model, loaded.indexes, this.viewport, lane, x, height) : null;
  }

  #description(thing: Thing): Description | null {
    const loaded = this.#loaded;
    if (!loaded) return null;
    return describe(loaded.model, loaded.indexes, loaded.flows, this.#laneOf(thing.lane), thing);
  }

  #laneOf(id: string): Lane | undefined {
    return id ? this.#lanes.find((lane) => lane.id === id) : undefined;
  }

  #select(thing: Thing | null): void {
    this.#selection = thing;
    if (thing) this.#activeLane = thing.lane;
    this.#showDetails();
    const description = thing && this.#description(thing);
    if (description) {
      const facts = [...description.facts, ...description.links].map((fact) => `${fact.label} ${fact.value}`);
      this.#announce(`${description.title}, ${description.kind}: ${facts.join(", ")}`);
    }
    this.#request();
  }

  #showDetails(): void {
    const loaded = this.#loaded;
    if (!loaded || this.#mode === "compact") return;
    const description = this.#selection && this.#description(this.#selection);
    if (description) this.#details.showThing(description);
    else this.#details.showObstacles(loaded.model, this.#summary?.obstacles ?? []);
    this.#layout.setSelected(description !== null);
  }

  /** Selects a thing and brings it into view. */
  #go(thing: Thing): void {
    const loaded = this.#loaded;
    if (!loaded) return;
    const { start, end } = extentOf(loaded.model, thing);
    this.viewport.reveal(start, end);
    // What would be a hair's breadth gets a little room.
    if (end > start && (end - start) / this.viewport.nsPerPixel < 3) {
      const span = Math.max((end - start) * 40, 2000);
      this.viewport.show((start + end - span) / 2, (start + end + span) / 2);
    }
    this.#showLane(thing.lane);
    this.#select(thing);
    this.#viewMoved();
  }

  #showLane(id: string): void {
    if (!this.#laneOf(id)) {
      const group = this.#loaded && this.#allLanes().find((lane) => lane.id === id)?.group;
      if (group) {
        this.#collapsed.delete(group);
        this.#layOut();
      }
    }
    const lane = this.#laneOf(id);
    if (!lane) return;
    this.#activeLane = id;
    const { scroller } = this.#layout;
    if (lane.top < scroller.scrollTop || lane.top + lane.height > scroller.scrollTop + this.#height)
      scroller.scrollTop = lane.top - Math.max(0, (this.#height - lane.height) / 3);
    this.#request();
  }

  #activate(id: string): void {
    this.#activeLane = id;
    const lane = this.#laneOf(id);
    if (lane) this.#announce(`${lane.title}. ${lane.subtitle}`);
    this.#request();
  }

  #moveLane(step: 1 | -1): void {
    const lanes = this.#lanes.filter((lane) => lane.kind !== "group");
    if (lanes.length === 0) return;
    const at = lanes.findIndex((lane) => lane.id === this.#activeLane);
    const lane = lanes[Math.max(0, Math.min(lanes.length - 1, at < 0 ? 0 : at + step))]!;
    this.#showLane(lane.id);
    this.#activate(lane.id);
  }

  #stepEvent(step: 1 | -1): void {
    const loaded = this.#loaded;
    if (!loaded) return;
    const lane = this.#laneOf(this.#activeLane) ?? this.#lanes.find((candidate) => candidate.kind === "thread");
    if (!lane) return;
    const from = step > 0 ? this.viewport.start : this.viewport.end;
    const thing = neighbour(loaded.model, loaded.indexes, lane, this.#selection, from, step);
    if (!thing) return;
    const { start, end } = extentOf(loaded.model, thing);
    this.viewport.reveal(start, Math.min(end, start + this.viewport.span * 0.8));
    this.#showLane(lane.id);
    this.#select(thing);
  }

  #followArrow(direction: "cause" | "effect"): void {
    const loaded = this.#loaded;
    const selection = this.#selection;
    if (!loaded || !selection || !("thread" in selection)) return;
    const { model, indexes, flows } = loaded;
    const { start, end } = extentOf(model, selection);
    const { fromThread, fromTime, toThread, toTime } = model.flows;
    if (direction === "cause") {
      const flow = [
        ...(this.#isWait(selection) ? flows.wakeOf(selection.thread, end) : []),
        ...flows.into(selection.thread, start, end, 1),
      ][0];
      if (flow === undefined) this.#announce("No arrow leads here.");
      else this.#goTo(sliceAt(model, indexes, fromThread[flow]!, fromTime[flow]!));
    } else {
      const flow = flows.outOf(selection.thread, start, end, 1)[0];
      if (flow === undefined) this.#announce("No arrow leads on from here.");
      else this.#goTo(sliceAt(model, indexes, toThread[flow]!, toTime[flow]!));
    }
  }

  #isWait(thing: Thing): boolean {
    if (thing.type !== "slice") return thing.type === "state";
    const kind = this.#loaded!.model.threads[thing.thread]!.slices.kind[thing.row]!;
    return kind >= SliceKind.LockWait && kind <= SliceKind.OtherWait;
  }

  #goTo(thing: Thing | null): void {
    if (thing) this.#go(thing);
  }

  #goToHit(hit: SearchHit, step: 1 | -1): void {
    const loaded = this.#loaded;
    if (!loaded) return;
    if (hit.kind === "lane") {
      this.#foundName = -1;
      this.#showLane(hit.lane);
      return;
    }
    const { model } = loaded;
    let after: { time: number; thread: number } | null = null;
    const selection = this.#selection;
    if (this.#foundName === hit.string && selection?.type === "slice")
      after = { time: model.threads[selection.thread]!.slices.start[selection.row]!, thread: selection.thread };
    this.#foundName = hit.string;
    const next = nextNamed(model, hit.string, after, step);
    if (next) this.#go({ type: "slice", lane: `thread:${next.thread}`, thread: next.thread, row: next.row });
    this.#request();
  }

  #fit(): void {
    const { viewport } = this;
    const before = [viewport.start, viewport.end];
    if (this.#range) {
      viewport.show(this.#range.from, this.#range.to);
      this.#range = null;
    } else if (this.#selection && this.#loaded) {
      const { start, end } = extentOf(this.#loaded.model, this.#selection);
      if (end > start) viewport.show(start, end, 0.15);
    }
    if (Math.abs(before[0]! - viewport.start) < 1 && Math.abs(before[1]! - viewport.end) < 1) this.#fitAll();
    this.#viewMoved();
  }

  #fitAll(): void {
    this.viewport.fit();
    this.viewport.following = true;
    this.#viewMoved();
  }

  #toggleGroup(id: string): void {
    if (!this.#collapsed.delete(id)) this.#collapsed.add(id);
    this.#layOut();
    this.#request();
  }

  #openSite(site: string, keepFocus = false): void {
    const place = parseSite(site);
    if (place) this.#host.send({ type: "open-source", ...place, keepFocus });
  }

  /** Opens the line that what was clicked comes from. */
  #openSoon(thing: Thing | null): void {
    clearTimeout(this.#openTimer);
    if (!thing || thing.type === "value" || !this.#host.connected) return;
    const site = this.#description(thing)?.site;
    if (site) this.#openTimer = window.setTimeout(() => this.#openSite(site, true), DOUBLE_CLICK_MS);
  }

  #announce(words: string): void {
    this.#layout.announce(words);
  }
}

/** The script without its folder, and its arguments. */
function commandName([script = "", ...args]: readonly string[]): string {
  return displayName([script.split(/[\\/]/).at(-1) ?? script, ...args].join(" "));
}

function sameLane(a: Lane, b: Lane): boolean {
  return (
    a.id === b.id &&
    a.top === b.top &&
    a.height === b.height &&
    a.title === b.title &&
    a.subtitle === b.subtitle &&
    a.collapsed === b.collapsed &&
    a.members === b.members &&
    a.rows === b.rows
  );
}

/** Stands in while there is no trace, so that drawing has no special case. */
const emptyModel = (() => {
  const none = new Float64Array(0);
  const model: TraceModel = {
    complete: true,
    cut: "",
    command: [],
    cwd: "",
    startedAt: 0,
    endNs: 0,
    exitCode: null,
    signal: null,
    coresAvailable: 0,
    coreSource: "process-only",
    strings: [""],
    processes: [],
    threads: [],
    objects: [],
    counters: [],
    cores: [],
    coresInUse: { count: 0, time: none, value: none },
    flows: {
      count: 0,
      kind: new Uint8Array(0),
      fromThread: new Int32Array(0),
      fromTime: none,
      toThread: new Int32Array(0),
      toTime: none,
      object: new Int32Array(0),
    },
    recorder: { events: 0, dropped: 0, bytes: 0, overheadNs: 0 },
  };
  return { model, indexes: new TrackIndexes(model), flows: new FlowIndex(model) };
})();
