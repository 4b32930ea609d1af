/** From a finding to what it speaks of: lights it up, goes there, steps from one to the next. */
import { displayName, formatDuration } from "../model/format.js";
import { bestView, type Spotlight, spotlightOf } from "../model/spotlight.js";
import type { ViewState } from "../view-state.js";
import type { Navigator } from "./navigator.js";

export interface GuideActions {
  /** Something changed that is drawn. */
  changed(): void;
  /** Another finding is chosen, or none. */
  chose(): void;
  announce(words: string): void;
}

export class FindingGuide {
  readonly #view: ViewState;
  readonly #navigator: Navigator;
  readonly #actions: GuideActions;

  constructor(view: ViewState, navigator: Navigator, actions: GuideActions) {
    this.#view = view;
    this.#navigator = navigator;
    this.#actions = actions;
  }

  /** Lights up what a finding speaks of, by its key; "" for none. */
  light(key: string): void {
    if (this.#view.litFinding === key) return;
    this.#view.litFinding = key;
    this.#actions.changed();
  }

  /** Brings it into view, and selects the longest of what it is about. */
  go(key: string): void {
    const view = this.#view;
    const shown = view.finding(key);
    if (!shown || !view.trace) return;
    const { finding, evidence } = shown;
    view.litFinding = "";
    const span = bestView(view.trace.model, shown);
    if (span) view.viewport.show(span.from, span.to);
    const light = spotlightOf(view.trace.model, shown);
    const longest = light?.longest ?? null;
    const lane = longest?.lane ?? [...(light?.lanes ?? [])][0];
    if (lane !== undefined) this.#navigator.showLane(lane);
    this.#navigator.select(longest);
    // To select something ends what was chosen before.
    view.chosenFinding = key;
    this.#actions.chose();
    const cost = finding.costNs > 0 ? `, ${formatDuration(finding.costNs)}` : "";
    const where = evidence?.longest ? "The longest is selected." : "";
    this.#actions.announce(`${displayName(finding.title)}${cost}. ${where} ${displayName(finding.detail)}`);
    this.#actions.changed();
  }

  /** Back from the finding that is told in full. @returns Whether there was one. */
  close(): boolean {
    if (this.#view.chosenFinding === "") return false;
    this.#navigator.select(null);
    this.#actions.chose();
    return true;
  }

  /** To the finding after or before the chosen one, round and round. */
  step(step: 1 | -1): void {
    const { findings, chosenFinding } = this.#view;
    if (findings.length === 0) {
      this.#actions.announce("There are no findings.");
      return;
    }
    const at = findings.findIndex(({ key }) => key === chosenFinding);
    const next = at < 0 ? (step > 0 ? 0 : findings.length - 1) : (at + step + findings.length) % findings.length;
    this.go(findings[next]!.key);
  }

  /** Shows all of the time in which it was seen. */
  showAll(key: string): void {
    const evidence = this.#view.finding(key)?.evidence;
    if (!evidence) return;
    this.#view.viewport.show(evidence.startNs, evidence.endNs, 0.04);
    this.#actions.changed();
  }

  /** What is to be lit up now; null if nothing is. */
  get spotlight(): Spotlight | null {
    const { trace, litFinding } = this.#view;
    const lit = litFinding === "" ? undefined : this.#view.finding(litFinding);
    return trace && lit ? spotlightOf(trace.model, lit) : null;
  }
}
