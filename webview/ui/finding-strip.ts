import type { ShownFinding } from "../model/findings.js";
import { displaySentence, formatDuration } from "../model/format.js";
import { h, icon, icons, setClass, setText } from "./dom.js";
import { severitySign } from "./severity.js";

export interface StripActions {
  /** Goes to a finding. */
  go(key: string): void;
  light(key: string): void;
  /** Shows the list of all, or hides it; null where there is no room for one. */
  readonly toggleAll: (() => void) | null;
}

/** The costliest finding in one line, where there is no room for the pane: beside an editor, and in the sidebar. */
export class FindingStrip {
  readonly #sign = h("span", { class: "severity" });
  readonly #title = h("span", { class: "strip-title" });
  readonly #cost = h("b", { class: "finding-cost" });
  readonly #main = h("button", { class: "strip-main", type: "button" }, this.#sign, this.#title, this.#cost);
  readonly #all = h("button", { class: "link strip-all", type: "button", "aria-expanded": "false" });
  readonly element = h("div", { class: "finding-strip", hidden: true }, this.#main, this.#all);
  #key = "";
  #severity = "";

  constructor(actions: StripActions) {
    const { toggleAll } = actions;
    this.#main.addEventListener("click", () => (this.#key === "" ? toggleAll?.() : actions.go(this.#key)));
    this.#all.hidden = toggleAll === null;
    if (toggleAll) this.#all.addEventListener("click", toggleAll);
    for (const type of ["pointerenter", "focus"]) this.#main.addEventListener(type, () => actions.light(this.#key));
    for (const type of ["pointerleave", "blur"]) this.#main.addEventListener(type, () => actions.light(""));
  }

  /**
   * Shows the first of `findings` that `isTold` does not say to be told elsewhere. Where there is none, `otherwise`
   * keeps its place, so that the lanes need not move when there is one; null leaves no place.
   */
  update(
    findings: readonly ShownFinding[],
    isTold: (rule: string) => boolean,
    isOpen: boolean,
    otherwise: string | null,
  ): void {
    const first = findings.find(({ finding }) => !isTold(finding.rule));
    this.element.hidden = first === undefined && (otherwise === null || findings.length > 0);
    if (this.element.hidden) return;
    this.#key = first?.key ?? "";
    const severity = first?.finding.severity ?? "";
    if (this.#severity !== severity) {
      this.#severity = severity;
      const sign = first ? severitySign(first.finding.severity) : h("span", { class: "severity" });
      this.#main.querySelector(".severity")!.replaceWith(sign);
    }
    const title = first ? displaySentence(first.finding.title) : (otherwise ?? "");
    setText(this.#title, title);
    setClass(this.#main, "nothing", first === undefined);
    if (this.#main.title !== title) this.#main.title = title;
    const cost = first?.finding.costNs ?? 0;
    setText(this.#cost, cost > 0 ? formatDuration(cost) : "");
    const words =
      findings.length === 0 ? "the run" : findings.length === 1 ? "1 finding" : `${findings.length} findings`;
    if (this.#all.dataset.words !== words) {
      this.#all.dataset.words = words;
      this.#all.replaceChildren(words, icon(icons.down));
    }
    this.#all.setAttribute("aria-expanded", String(isOpen));
  }
}
