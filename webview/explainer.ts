/**
 * What is told beside the lanes and above them: the pane with the findings and the details, and the line with the
 * costliest finding where there is no room for the pane.
 */
import type { TraceModel } from "../src/analysis/model.js";
import type { Digest } from "./digest.js";
import type { Host } from "./host.js";
import type { FindingGuide } from "./interact/finding-guide.js";
import type { Navigator } from "./interact/navigator.js";
import type { ShownFinding } from "./model/findings.js";
import { bestView } from "./model/spotlight.js";
import { DetailsPane } from "./ui/details-pane.js";
import { FindingStrip } from "./ui/finding-strip.js";
import type { ViewState } from "./view-state.js";

/** What it acts on; asked for when it is needed, since these need the pane's place on the page to be made. */
export interface ExplainerTargets {
  readonly navigator: Navigator;
  readonly guide: FindingGuide;
  readonly digest: Digest;
  readonly layout: { setDetailsOpen(open: boolean): void };
  /** Something changed that is drawn. */
  changed(): void;
}

/** Findings that the banner above the lanes tells. */
const TOLD_BY_BANNER: ReadonlySet<string> = new Set(["deadlock", "standstill"]);

export class Explainer {
  readonly pane: DetailsPane;
  readonly strip: FindingStrip;
  readonly #host: Host;
  readonly #view: ViewState;
  readonly #targets: () => ExplainerTargets;
  /** The list of findings is wanted, where there is room for it only when it is. */
  #isListOpen = false;

  constructor(
    host: Host,
    view: ViewState,
    openSource: ((site: string) => void) | null,
    targets: () => ExplainerTargets,
  ) {
    this.#host = host;
    this.#view = view;
    this.#targets = targets;
    const compact = host.mode === "compact";
    this.strip = new FindingStrip({
      go: (key) => (compact ? this.#openTimeline(key) : targets().guide.go(key)),
      light: (key) => targets().guide.light(key),
      toggleAll: compact ? null : () => this.#toggleList(),
    });
    this.pane = new DetailsPane({
      go: (thing) => targets().navigator.go(thing),
      goToFinding: (key) => targets().guide.go(key),
      openSource,
      showLane: (lane) => targets().navigator.showLane(lane),
      close: () => this.#close(false),
      back: () => this.#close(true),
      light: (key) => targets().guide.light(key),
      step: (step) => targets().guide.step(step),
      showAll: (key) => targets().guide.showAll(key),
    });
  }

  /** Forgets the trace, whose findings are no longer known to the view either. */
  reset(): void {
    this.#isListOpen = false;
    delete document.body.dataset.findings;
    this.#showStrip();
  }

  /** Shows what is selected, or the run. */
  show(): void {
    const { trace, selection, findings, chosenFinding: chosen } = this.#view;
    this.#showStrip();
    if (!trace || this.#host.mode === "compact") return;
    const { digest, layout } = this.#targets();
    const description = selection && this.#view.description(selection);
    const { summary, isSearched } = digest;
    this.pane.show({ model: trace.model, summary, findings, isSearched, chosen, description });
    const isChosen = chosen !== "" && this.#view.finding(chosen) !== undefined;
    layout.setDetailsOpen(description !== null || isChosen || this.#isListOpen);
  }

  /** The trace was looked through. */
  found(findings: readonly ShownFinding[]): void {
    this.#view.findings = findings;
    this.show();
    if (this.#view.litFinding !== "") this.#targets().changed();
    if (this.#view.trace?.model.complete) document.body.dataset.findings = String(findings.length);
  }

  #showStrip(): void {
    const { findings, selection, chosenFinding, trace } = this.#view;
    const isOpen = this.#isListOpen && selection === null && chosenFinding === "";
    const isHung = findings.length > 0 && this.#targets().digest.still !== null;
    const words = trace && this.#host.mode === "full" ? this.#wordsOfNone(trace.model) : null;
    this.strip.update(findings, (rule) => isHung && TOLD_BY_BANNER.has(rule), isOpen, words);
  }

  #wordsOfNone({ complete }: TraceModel): string {
    if (!this.#targets().digest.isSearched) return "Looking for what stands in its way…";
    return complete ? "Nothing stands in its way" : "Nothing stands in its way so far";
  }

  /** Deselects. `toList`: to go back to the findings, also where there is little room. */
  #close(toList: boolean): void {
    const { chosenFinding } = this.#view;
    this.#isListOpen = toList;
    this.#targets().navigator.select(null);
    if (toList) this.pane.focusList(chosenFinding);
  }

  #toggleList(): void {
    const { selection, chosenFinding } = this.#view;
    this.#isListOpen = !this.#isListOpen || selection !== null || chosenFinding !== "";
    this.#targets().navigator.select(null);
  }

  /** The small view leads to the whole one, where a finding is seen best. */
  #openTimeline(key: string): void {
    const { trace, viewport } = this.#view;
    const shown = this.#view.finding(key);
    const span = (trace && shown && bestView(trace.model, shown)) ?? { from: viewport.start, to: viewport.end };
    const toNs = Math.min(trace?.model.endNs ?? span.to, span.to);
    this.#host.send({ type: "open-timeline", fromNs: Math.max(0, span.from), toNs });
  }
}
