/**
 * The timeline: puts model, drawing, pointer, keys and the parts around the lanes together. It knows nothing of where
 * the trace comes from: `main.ts` gives it a model and says when that has changed.
 */
import type { TraceModel } from "../src/analysis/model.js";
import { defaultSettings, type RunState, type ViewCommand, type ViewSettings } from "../src/protocol/messages.js";
import { Digest } from "./digest.js";
import { Explainer } from "./explainer.js";
import { FramePainter } from "./frame-painter.js";
import type { Host } from "./host.js";
import { type Commands, makeCommands, runViewCommand } from "./interact/commands.js";
import { FindingGuide } from "./interact/finding-guide.js";
import { listenToKeys } from "./interact/keyboard.js";
import { Navigator } from "./interact/navigator.js";
import { Pointing } from "./interact/pointing.js";
import { displayName, formatBytesOf, parseSite } from "./model/format.js";
import { LaneList } from "./model/lane-list.js";
import { lanesBetween } from "./model/lanes.js";
import { LoadedTrace } from "./model/loaded-trace.js";
import { search } from "./model/search.js";
import type { Summary } from "./model/summary.js";
import { PlaceKeeper } from "./place-keeper.js";
import { FrameScheduler, type FrameStatistics } from "./render/frame-scheduler.js";
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

/** CSS pixels: the names' width at first, and the overview's height. */
const LABEL_WIDTH = { full: 212, compact: 86 } as const;
const OVERVIEW_HEIGHT = { full: 52, compact: 38 } as const;
export class App {
  readonly commands: Commands;
  readonly #host: Host;
  readonly #view: ViewState;
  readonly #navigator: Navigator;
  readonly #guide: FindingGuide;
  readonly #pointing: Pointing;
  readonly #place: PlaceKeeper;
  readonly #layout: Layout;
  readonly #painter: FramePainter;
  readonly #scheduler = new FrameScheduler(() => this.#frame());
  readonly #digest: Digest;
  readonly #header: Header;
  readonly #banner: StandstillBanner;
  readonly #explainer: Explainer;
  readonly #labels: LaneLabels;
  readonly #tooltip = new Tooltip();
  readonly #searchBox: SearchBox;
  readonly #keys = new KeysOverlay();
  readonly #empty = new EmptyState();
  #settings: ViewSettings = defaultSettings;
  #modelChanged = false;
  /** Other times or lanes are under the pointer than before. */
  #moved = false;
  #state: RunState = "starting";
  /** The file was still written to when it was opened, by whomever. */
  #grows = false;
  #reported = false;
  /** The span that is to be shown once so much of the trace is known. */
  #wanted: { readonly from: number; readonly to: number } | null = null;

  constructor(host: Host, root: HTMLElement) {
    this.#host = host;
    const compact = host.mode === "compact";
    const view = new ViewState(new LaneList(compact));
    this.#view = view;
    const openSource = host.connected ? (site: string) => this.#openSite(site) : null;
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
    this.#explainer = new Explainer(host, view, openSource, () => ({
      navigator: this.#navigator,
      guide: this.#guide,
      digest: this.#digest,
      layout: this.#layout,
      changed: () => this.#request(),
    }));
    const overview = new Overview(view.viewport, () => this.#viewMoved());
    const axis = new TimeAxis();
    this.#labels = new LaneLabels(
      (group) => this.#toggleGroup(group),
      (lane) => this.#navigator.activate(lane),
      (thread) => this.#painter.swatch(thread),
    );
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
      strip: this.#explainer.strip.element,
      overview: overview.element,
      axis: axis.element,
      labels: this.#labels.element,
      details: this.#explainer.pane.element,
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
      selected: () => {
        view.chosenFinding = "";
        this.#explainer.show();
      },
      chose: () => this.#explainer.show(),
      layOut: () => this.#layOut(),
      announce: (words: string) => this.#layout.announce(words),
      toggleGroup: (id: string) => this.#toggleGroup(id),
      openTimeline: compact ? () => this.#openTimeline() : null,
      openSource: openSource && ((site: string) => this.#openSite(site, true)),
    };
    this.#navigator = new Navigator(view, scroller, actions);
    this.#guide = new FindingGuide(view, this.#navigator, actions);
    this.#pointing = new Pointing(view, this.#navigator, canvas, scroller, this.#tooltip, actions);
    this.#place = new PlaceKeeper(host, view, scroller);
    const overviewHeight = OVERVIEW_HEIGHT[host.mode];
    const parts = { layout: this.#layout, overview, axis, labels: this.#labels, overviewHeight };
    this.#painter = new FramePainter(view, parts, () => this.#request());
    this.#digest = new Digest({
      due: () => this.changed(),
      summarized: (trace, summary) => this.#showSummary(trace, summary),
      found: (findings) => this.#explainer.found(findings),
    });
    this.commands = makeCommands({
      view,
      navigator: this.#navigator,
      guide: this.#guide,
      searchBox: this.#searchBox,
      keys: this.#keys,
      openSite: (site) => this.#openSite(site),
      changed: () => this.#request(),
    });
    listenToKeys(this.commands);
    scroller.addEventListener("scroll", () => this.#viewMoved(), { passive: true });
    new ResizeObserver(() => this.#resize()).observe(scroller);
    globalThis.heddleFrameStats = () => this.#scheduler.statistics();
    this.#resize();
    // A panel or editor is opened for a trace; the sidebar is there before there is one.
    const hint = "Run a script with a concurrency trace, or choose a trace from the list.";
    if (host.mode === "full") this.#empty.waiting("Waiting for a trace…");
    else this.#empty.nothing("No trace is open", hint);
  }

  /** Forgets what is shown. A `path` that was shown before the page was loaded again comes back as it was left. */
  reset(name: string, live: boolean, path = ""): void {
    this.#view.reset();
    this.#place.reset(path, name);
    this.#pointing.reset();
    this.#wanted = null;
    this.#forgetDigest();
    this.#reported = false;
    this.#state = live ? "running" : "file";
    this.#grows = live;
    this.#painter.forget();
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
    // What stands around the lanes takes its room before they are scrolled to where they were left.
    this.#explainer.show();
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
    this.#view.findings = [];
    this.#forgetDigest();
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
    this.#moved = true;
    this.#tooltip.hide();
    this.#request();
  }

  #resize(): void {
    this.#painter.resize();
    this.#place.resized();
    this.#request();
  }

  #frame(): void {
    const view = this.#view;
    if (view.trace && this.#modelChanged) this.#takeGrowth(view.trace);
    if (this.#moved) this.#pointing.settle();
    this.#moved = false;
    this.#painter.draw(this.#digest.still, this.#guide.spotlight, this.#isLive);
    this.#place.note();
    if (!view.trace) return;
    const isOurs = this.#state === "running" || this.#state === "starting" || this.#state === "stopping";
    this.#header.setControls(
      this.#host.connected && isOurs,
      this.#state === "stopping",
      this.#isLive && !view.viewport.following,
      true,
    );
  }

  /** A run goes on, ours or one that something else records; a file that is still being read is none. */
  get #isLive(): boolean {
    const { trace } = this.#view;
    return trace !== null && !trace.model.complete && (this.#state !== "file" || this.#grows);
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
    this.#digest.take(trace, this.#isLive);
  }

  #showSummary({ model }: LoadedTrace, { headline: numbers, states }: Summary): void {
    const headline = { ...numbers, live: this.#isLive };
    const { still } = this.#digest;
    this.#banner.show(still, model.complete);
    const exit = still ? "hung" : (model.signal ?? (model.exitCode === null ? "" : `exit ${model.exitCode}`));
    this.#header.update(headline, states, exit, Boolean(still ?? model.signal ?? model.exitCode));
    if (model.command.length > 0) this.#header.setName(commandName(model.command), model.command.join(" "));
    this.#layout.setNotes(traceNotes(model));
    this.#host.send({ type: "headline", headline });
    this.#explainer.show();
    if (model.complete && !this.#reported) {
      this.#reported = true;
      const lanes = this.#view.lanes.shown.length;
      this.#host.send({ type: "state", lanes, events: model.recorder.events, complete: true });
    }
  }

  #forgetDigest(): void {
    this.#digest.reset();
    this.#banner.show(null, false);
    this.#explainer.reset();
  }

  #layOut(): void {
    const { trace, lanes } = this.#view;
    if (!trace) return;
    // What is looked at stays where it is, whatever comes above it.
    const { scroller } = this.#layout;
    const top = scroller.scrollTop;
    const first = top > 0 ? lanes.shown[lanesBetween(lanes.shown, top, top + 1)[0]] : undefined;
    lanes.layOut(trace, this.#settings.showSystemThreads);
    this.#layout.setContentHeight(lanes.height);
    const moved = first ? (lanes.find(first.id)?.top ?? first.top) - first.top : 0;
    if (moved !== 0) scroller.scrollTop = top + moved;
    document.body.dataset.lanes = String(lanes.shown.length);
  }

  #toggleGroup(id: string): void {
    this.#view.lanes.toggle(id);
    this.#layOut();
    this.#request();
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
