/**
 * The pane beside the lanes. Without a selection it answers why the program is not faster: how it used its cores, and
 * the findings, the costliest first. A finding that was gone to is told in full, above what is selected.
 */
import type { TraceModel } from "../../src/analysis/model.js";
import type { ShownFinding } from "../model/findings.js";
import type { Summary } from "../model/summary.js";
import { verdictWithoutFindings } from "../model/verdict.js";
import type { Description } from "./description.js";
import { h, setText, withCode } from "./dom.js";
import { backButton, type CardActions, cardSignature, findingCard } from "./finding-card.js";
import { type FindingsActions, FindingsList } from "./findings-list.js";
import { MostWaited, type MostWaitedActions } from "./most-waited.js";
import { RunHeadline } from "./run-headline.js";
import { type ThingActions, thingDetails } from "./thing-details.js";

export interface DetailsActions extends ThingActions, MostWaitedActions, FindingsActions, CardActions {}

/** All that the pane is about. */
export interface DetailsView {
  readonly model: TraceModel;
  readonly summary: Summary | null;
  readonly findings: readonly ShownFinding[];
  /** They were looked for at least once. */
  readonly isSearched: boolean;
  /** Key of the finding that is told in full, or "". */
  readonly chosen: string;
  /** Of what is selected. */
  readonly description: Description | null;
}

export class DetailsPane {
  readonly element = h("aside", { class: "details", "aria-label": "Findings and details" });
  readonly #actions: DetailsActions;
  readonly #headline = new RunHeadline();
  readonly #list: FindingsList;
  // Screen readers say it when there are more.
  readonly #heading = h("h2", { class: "section", "aria-live": "polite" });
  readonly #nothing = h("p", { class: "nothing-found" });
  readonly #advice = h("p", { class: "hint" });
  readonly #hint = h("span", {});
  readonly #mostWaited: MostWaited;
  readonly #run: HTMLElement;
  readonly #card = h("section", { class: "card", "aria-label": "Finding" });
  readonly #thing = h("section", { "aria-label": "Selection" });
  #shown = "";
  /** How far the list was scrolled when something else took its place. */
  #listTop = 0;
  #cardSignature = "";
  #thingSignature = "";

  constructor(actions: DetailsActions) {
    this.#actions = actions;
    this.#list = new FindingsList(actions);
    this.#mostWaited = new MostWaited(actions);
    this.#run = h(
      "section",
      { class: "run-details", "aria-label": "The run" },
      this.#headline.element,
      this.#heading,
      this.#list.element,
      this.#nothing,
      this.#advice,
      this.#mostWaited.element,
      h("p", { class: "hint" }, this.#hint, h("kbd", {}, "?"), " lists the keys."),
    );
  }

  show(view: DetailsView): void {
    const at = view.findings.findIndex(({ key }) => key === view.chosen);
    const shown = view.findings[at];
    const sections = [
      ...(shown ? [this.#card] : []),
      ...(view.description ? [this.#thing] : []),
      ...(shown || view.description ? [] : [this.#run]),
    ];
    const isRun = sections.includes(this.#run);
    // Who was there with the keyboard goes on in what comes instead; keys after a click are the timeline's.
    const { activeElement } = document;
    const had = this.element.contains(activeElement) && activeElement?.matches(":focus-visible") ? activeElement : null;
    if (isRun) this.#showRun(view);
    if (shown) this.#showCard(view, shown, at);
    if (view.description) this.#showThing(view, view.description, shown !== undefined);
    this.#place(sections, isRun, `${view.chosen} ${isRun}`);
    if (had && !had.isConnected && !isRun) this.#takeFocus();
  }

  /** Puts sections into the pane, from their top if it is another thing that they are about; the list stays where it was. */
  #place(sections: readonly HTMLElement[], isRun: boolean, about: string): void {
    const { element } = this;
    const { children } = element;
    const isSame = sections.length === children.length && sections.every((section, i) => children[i] === section);
    if (isSame && about === this.#shown) return;
    if (this.#run.isConnected) this.#listTop = element.scrollTop;
    this.#shown = about;
    if (!isSame) element.replaceChildren(...sections);
    element.scrollTop = isRun ? this.#listTop : 0;
  }

  /** Gives the keyboard's focus to a finding in the list, or to the first. */
  focusList(key: string): void {
    this.#list.focus(key);
  }

  /** To the next thing one would want to do: from a finding open its source, else go on to the next one. */
  #takeFocus(): void {
    const next = [".card dl .link.site", ".card .card-head .tool:last-child", ".back"]
      .map((selector) => this.element.querySelector<HTMLElement>(selector))
      .find((one) => one !== null);
    next?.focus({ preventScroll: true });
  }

  #showRun({ model, summary, findings, isSearched }: DetailsView): void {
    if (summary) this.#headline.update(summary);
    this.#list.update(findings);
    const isDone = model.complete;
    const heading = isDone ? "What stood in its way" : "What stands in its way";
    setText(this.#heading, findings.length > 0 ? `${heading} (${findings.length})` : "");
    this.#heading.hidden = this.#list.element.hidden = findings.length === 0;
    setText(
      this.#hint,
      `Click ${findings.length > 0 ? "a finding to see where it happens, or " : ""}a slice to see who waited for whom. `,
    );
    this.#nothing.hidden = this.#advice.hidden = findings.length > 0;
    if (findings.length === 0) {
      const verdict = isDone && isSearched && summary ? verdictWithoutFindings(summary, poolsOf(model)) : null;
      const isSearching = isDone || !isSearched;
      const title =
        verdict?.title ?? (isSearching ? "Looking for what stands in its way…" : "Nothing stands in its way so far.");
      if (this.#nothing.textContent !== title) {
        setText(this.#nothing, title);
        this.#advice.replaceChildren(...withCode(verdict?.advice ?? ""));
      }
    }
    this.#mostWaited.update(model, summary?.obstacles ?? []);
  }

  #showCard({ model, findings }: DetailsView, shown: ShownFinding, at: number): void {
    const signature = cardSignature(shown, at, findings.length);
    if (signature === this.#cardSignature) return;
    this.#cardSignature = signature;
    this.#card.replaceChildren(...findingCard(model, shown, at, findings.length, this.#actions));
  }

  #showThing({ findings }: DetailsView, description: Description, isBelowCard: boolean): void {
    const { title, facts, links, site } = description;
    const signature = JSON.stringify([title, facts, links, site, isBelowCard, findings.length]);
    if (signature === this.#thingSignature) return;
    this.#thingSignature = signature;
    this.#thing.replaceChildren(
      ...(isBelowCard
        ? [h("h3", { class: "section" }, "The longest of it")]
        : [backButton(findings.length, () => this.#actions.back())]),
      ...thingDetails(description, this.#actions),
    );
  }
}

function poolsOf({ objects }: TraceModel): number {
  return objects.filter(({ queued }) => queued !== null).length;
}
