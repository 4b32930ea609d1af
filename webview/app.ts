/**
 * The timeline: puts model, drawing, pointer, keys and the parts around the lanes together. It knows nothing of where
 * the trace comes from: `main.ts` gives it a model and says when that has changed.
 */
import type { TraceModel } from "../src/analysis/model.js";
import { defaultSettings, type RunState, type ViewCommand, type ViewSettings } from "../src/protocol/messages.js";
import type { Host } from "./host.js";
import { type Commands, makeCommands, runViewCommand } from "./interact/commands.js";
import { listenToKeys } from "./interact/keyboard.js";
import { Navigator } from "./interact/navigator.js";
import { Pointing } from "./interact/pointing.js";
import { displayName, formatBytesOf, parseSite } from "./model/format.js";
import { LaneList } from "./model/lane-list.js";
import { lanesBetween } from "./model/lanes.js";
import { emptyTrace, LoadedTrace } from "./model/loaded-trace.js";
import { search } from "./model/search.js";
import type { StandingStill } from "./model/standing-still.js";
import type { Summary } from "./model/summary.js";
import { PlaceKeeper } from "./place-keeper.js";
import { CanvasRenderer } from "./render/canvas-renderer.js";
import { FrameScheduler, type FrameStatistics } from "./render/frame-scheduler.js";
import { observeTheme, readTheme, type Theme } from "./render/theme.js";
import { DetailsPane } from "./ui/details-pane.js";
import { EmptyState } from "./ui/empty-state.js";
import { Header } from "./ui/header.js";
import { KeysOverlay } from "./ui/keys-overlay.js";
import { LaneLabels } from "./ui/lane-labels.js";
import { buildLayout, type Layout } from "./ui/layout.js";
import { Overview } from "./ui/overview.js";
import { SearchBox } from "./ui/search-box.js";
import { StandstillBanner } from "./ui/standstill-banner.js";
import { TimeAxis } from "./ui/time-axis.js";
import { Tooltip } from "./ui/tooltip.js";
import { traceNotes } from "./ui/trace-notes.js";
import { ViewState } from "./view-state.js";

declare global {
  var heddleFrameStats: (() => FrameStatistics) | undefined;
}

/** How often the numbers above a live timeline change, milliseconds. */
const SUMMARY_PAUSE_MS = 250;
/** CSS pixels: the names' width at first, and the overview's height. */
const LABEL_WIDTH = { full: 212, compact: 86 } as const;
const OVERVIEW_HEIGHT = { full: 52, compact: 38 } as const;

export class App {
  readonly commands: Commands;
  readonly #host: Host;
  readonly #view: ViewState;
  readonly #navigator: Navigator;
  readonly #pointing: Pointing;
  readonly #place: PlaceKeeper;
  readonly #layout: Layout;
  readonly #renderer: CanvasRenderer;
  readonly #scheduler = new FrameScheduler(() => this.#frame());
  readonly #header: Header;
  readonly #banner: StandstillBanner;
  readonly #overview: Overview;
  readonly #axis = new TimeAxis();
  readonly #labels: LaneLabels;
  readonly #tooltip = new Tooltip();
  readonly #details: DetailsPane;
  readonly #searchBox: SearchBox;
  readonly #keys = new KeysOverlay();
  readonly #empty = new EmptyState();
  #settings: ViewSettings = defaultSettings;
  #theme: Theme = readTheme();
  #summary: Summary | null = null;
  /** That nobody can ever go on; null while anybody can. */
  #still: StandingStill | null = null;
  #summaryAt = Number.NEGATIVE_INFINITY;
  #summaryTimer = 0;
  #modelChanged = false;
  #state: RunState = "starting";
  #ratio = 1;
  #height = 0;
  #reported = false;
  /** The span that is to be shown once so much of the trace is known. */
  #wanted: { readonly from: number; readonly to: number } | null = null;

  constructor(host: Host, root: HTMLElement) {
    this.#host = host;
    const compact = host.mode === "compact";
    const view = new ViewState(new LaneList(compact));
    this.#view = view;
    this.#header = new Header(
      {
        stop: () => host.send({ type: "stop" }),
        follow: () => this.#navigator.follow(),
        fit: () => this.#navigator.fitAll(),
        search: () => this.#searchBox.open(),
        keys: () => this.#keys.toggle(),
        save: host.connected ? () => host.send({ type: "export-html" }) : null,
      },
      compact,
    );
    this.#banner = new StandstillBanner(compact, ({ thread, row }) => {
      const thing = { type: "slice", lane: `thread:${thread.index}`, thread: thread.index, row } as const;
      this.#navigator.go(thing);
      if (compact) this.#openTimeline();
    });
    this.#overview = new Overview(view.viewport, () => this.#viewMoved());
    this.#labels = new LaneLabels(
      (group) => this.#toggleGroup(group),
      (lane) => this.#navigator.activate(lane),
      (thread) => this.#theme.palette[thread % this.#theme.palette.length]!,
    );
    this.#details = new DetailsPane({
      go: (thing) => this.#navigator.go(thing),
      openSource: host.connected ? (site) => this.#openSite(site) : null,
      showLane: (lane) => this.#navigator.showLane(lane),
      close: () => this.#navigator.select(null),
    });
    this.#searchBox = new SearchBox({
      find: (query) => (view.trace ? search(view.trace.model, view.lanes.all(view.trace), query) : []),
      go: (hit, step) => this.#navigator.goToHit(hit, step),
      closed: () => {
        view.foundName = -1;
        this.#request();
      },
    });
    this.#layout = buildLayout({
      header: this.#header.element,
      banner: this.#banner.element,
      overview: this.#overview.element,
      axis: this.#axis.element,
      labels: this.#labels.element,
      details: this.#details.element,
      search: this.#searchBox.element,
      empty: this.#empty.element,
      compact,
      labelWidth: LABEL_WIDTH[host.mode],
      resized: () => this.#resize(),
    });
    root.append(this.#layout.element, this.#tooltip.element, this.#keys.element);
    const { canvas, scroller } = this.#layout;
    const actions = {
      moved: () => this.#viewMoved(),
      changed: () => this.#request(),
      selected: () => this.#showDetails(),
      layOut: () => this.#layOut(),
      announce: (words: string) => this.#layout.announce(words),
      toggleGroup: (id: string) => this.#toggleGroup(id),
      openTimeline: compact ? () => this.#openTimeline() : null,
      openSource: host.connected ? (site: string) => this.#openSite(site, true) : null,
    };
    this.#navigator = new Navigator(view, scroller, actions);
    this.#pointing = new Pointing(view, this.#navigator, canvas, scroller, this.#tooltip, actions);
    this.#place = new PlaceKeeper(host, view, scroller);
    this.#renderer = new CanvasRenderer(canvas);
    observeTheme(() => {
      this.#theme = readTheme();
      this.#labels.clear();
      this.#request();
    });
    this.commands = makeCommands({
      view,
      navigator: this.#navigator,
      searchBox: this.#searchBox,
      keys: this.#keys,
      openSite: (site) => this.#openSite(site),
      changed: () => this.#request(),
    });
    listenToKeys(this.commands);
    scroller.addEventListener("scroll", () => this.#request(), { passive: true });
    new ResizeObserver(() => this.#resize()).observe(scroller);
    globalThis.heddleFrameStats = () => this.#scheduler.statistics();
    this.#resize();
    this.#empty.waiting("Waiting for a trace…");
  }

  /** Forgets what is shown. A `path` that was shown before the page was loaded again comes back as it was left. */
  reset(name: string, live: boolean, path = ""): void {
    this.#view.reset();
    this.#place.reset(path, name);
    this.#pointing.reset();
    this.#wanted = null;
    this.#summary = null;
    this.#setStill(null);
    this.#reported = false;
    this.#state = live ? "running" : "file";
    this.#renderer.forget();
    this.#labels.clear();
    this.#layout.setNotes([]);
    this.#layout.setProgress(1, 1);
    this.#header.setName(displayName(name), name);
    this.#header.setControls(false, false, false, false);
    this.#empty.waiting(live ? "Waiting for the script's first event…" : "Reading the trace…");
    document.body.dataset.complete = "false";
    this.#request();
  }

  /** How much of the trace was read, in bytes; all of it when both are the same. */
  setProgress(read: number, total: number): void {
    this.#layout.setProgress(read, total);
    if (!this.#view.trace && read < total) this.#empty.waiting("Reading the trace…", formatBytesOf(read, total));
  }

  /** Shows a model; it may still grow. */
  setModel(model: TraceModel): void {
    this.#view.trace = new LoadedTrace(model);
    this.#view.viewport.following = this.#settings.follow || model.complete || this.#state === "file";
    this.changed();
  }

  /** The model has grown; `show` it now, or with the next frame that there is for another reason. */
  changed(show = true): void {
    this.#modelChanged = true;
    // Now, and not all at once in a frame: what came since the last time is little.
    this.#view.trace?.grow();
    if (show) this.#request();
  }

  /** Nothing can be shown. */
  fail(title: string, detail: string): void {
    this.#view.trace = null;
    this.#setStill(null);
    this.#view.lanes.clear();
    this.#labels.clear();
    this.#layout.setProgress(1, 1);
    this.#empty.failed(title, displayName(detail));
    this.#request();
  }

  setStatus(state: RunState, detail: string): void {
    this.#state = state;
    if (state === "failed") this.fail("The run did not come to a trace", detail);
    else if (!this.#view.trace || this.#view.trace.model.threads.length === 0) {
      if (state === "starting" || state === "running")
        this.#empty.waiting("Waiting for the script's first event…", displayName(detail));
      else if (state === "ended")
        this.#empty.failed("The trace is empty", detail || "The run ended before its first event.");
    }
    this.#request();
  }

  applySettings(settings: Partial<ViewSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
    if (this.#view.trace) this.changed();
  }

  /** Shows a span of time, as soon as so much is known of the trace. */
  showSpan(from: number, to: number): void {
    const model = this.#view.trace?.model;
    if (!model || (!model.complete && model.endNs < to)) {
      this.#wanted = { from, to };
      return;
    }
    this.#wanted = null;
    this.#view.viewport.show(from, to, 0.05);
    this.#viewMoved();
  }

  run(command: ViewCommand): void {
    runViewCommand(this.commands, command);
  }

  #request(): void {
    this.#scheduler.request();
  }

  #viewMoved(): void {
    this.#tooltip.hide();
    this.#request();
  }

  #resize(): void {
    const { width, height } = this.#layout.lanesSize();
    this.#ratio = devicePixelRatio || 1;
    this.#height = height;
    this.#view.viewport.setWidth(width);
    this.#renderer.resize(width, height, this.#ratio);
    this.#overview.resize(width, OVERVIEW_HEIGHT[this.#host.mode], this.#ratio);
    this.#request();
  }

  #frame(): void {
    const view = this.#view;
    if (view.trace && this.#modelChanged) this.#takeGrowth(view.trace);
    if (devicePixelRatio !== this.#ratio) this.#resize();
    // Asked before anything changes the page, or the browser would have to lay it out for the answer.
    const { scrollTop } = this.#layout.scroller;
    const { model, indexes, flows } = view.trace ?? emptyTrace;
    const { viewport, pointerLane, activeLane } = view;
    const lanes = view.lanes.shown;
    const still = this.#still;
    const ticks = this.#axis.draw(viewport, still?.sinceNs, model.endNs);
    this.#overview.draw(model, indexes, this.#theme, still?.sinceNs);
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
      live: this.#isLive,
    });
    const [first, last] = lanesBetween(lanes, scrollTop - 60, scrollTop + this.#height + 60);
    this.#labels.update(lanes, first, last, activeLane, model, indexes, viewport);
    this.#place.note();
    if (!view.trace) return;
    const isOurs = this.#state === "running" || this.#state === "starting" || this.#state === "stopping";
    this.#header.setControls(
      this.#host.connected && isOurs,
      this.#state === "stopping",
      this.#isLive && !viewport.following,
      true,
    );
  }

  /** A run goes on; a file that is still being read is none. */
  get #isLive(): boolean {
    const { trace } = this.#view;
    return trace !== null && !trace.model.complete && this.#state !== "file";
  }

  #takeGrowth(trace: LoadedTrace): void {
    this.#modelChanged = false;
    const { model } = trace;
    const { viewport, lanes } = this.#view;
    this.#layOut();
    document.body.dataset.complete = String(model.complete);
    viewport.setLimit(model.endNs);
    if (this.#wanted) this.showSpan(this.#wanted.from, this.#wanted.to);
    this.#place.comeBack(
      () => this.#layOut(),
      (thing) => this.#navigator.select(thing),
    );
    if (lanes.shown.length > 0) this.#empty.hide();
    else if (model.complete) this.#empty.failed("The trace is empty", "The script ended before its first event.");
    const now = performance.now();
    if (model.complete || now - this.#summaryAt >= SUMMARY_PAUSE_MS) this.#summarize(trace, now);
    else if (!this.#summaryTimer) this.#summaryTimer = window.setTimeout(() => this.changed(), SUMMARY_PAUSE_MS);
  }

  #summarize({ model, summarizer, standstill }: LoadedTrace, now: number): void {
    clearTimeout(this.#summaryTimer);
    this.#summaryTimer = 0;
    this.#summaryAt = now;
    const summary = summarizer.summarize();
    this.#summary = summary;
    const headline = { ...summary.headline, live: this.#isLive };
    this.#setStill(standstill.find());
    const exit = this.#still ? "hung" : (model.signal ?? (model.exitCode === null ? "" : `exit ${model.exitCode}`));
    this.#header.update(headline, summary.states, exit, Boolean(this.#still ?? model.signal ?? model.exitCode));
    if (model.command.length > 0) this.#header.setName(commandName(model.command), model.command.join(" "));
    this.#layout.setNotes(traceNotes(model));
    this.#host.send({ type: "headline", headline });
    this.#showDetails();
    if (model.complete && !this.#reported) {
      this.#reported = true;
      const lanes = this.#view.lanes.shown.length;
      this.#host.send({ type: "state", lanes, events: model.recorder.events, complete: true });
    }
  }

  #setStill(still: StandingStill | null): void {
    this.#banner.show(still, this.#view.trace?.model.complete === true);
    this.#still = still;
  }

  #layOut(): void {
    const { trace, lanes } = this.#view;
    if (!trace) return;
    lanes.layOut(trace, this.#settings.showSystemThreads);
    this.#layout.setContentHeight(lanes.height);
    document.body.dataset.lanes = String(lanes.shown.length);
  }

  #toggleGroup(id: string): void {
    this.#view.lanes.toggle(id);
    this.#layOut();
    this.#request();
  }

  #showDetails(): void {
    const { trace, selection } = this.#view;
    if (!trace || this.#host.mode === "compact") return;
    const description = selection && this.#view.description(selection);
    if (description) this.#details.showThing(description);
    else this.#details.showObstacles(trace.model, this.#summary?.obstacles ?? []);
    this.#layout.setSelected(description !== null);
  }

  #openTimeline(): void {
    const { start, end } = this.#view.viewport;
    this.#host.send({ type: "open-timeline", fromNs: start, toNs: end });
  }

  #openSite(site: string, keepFocus = false): void {
    const place = parseSite(site);
    if (place) this.#host.send({ type: "open-source", ...place, keepFocus });
  }
}

/** The script without its folder, and its arguments. */
function commandName([script = "", ...args]: readonly string[]): string {
  return displayName([script.split(/[\\/]/).at(-1) ?? script, ...args].join(" "));
}
