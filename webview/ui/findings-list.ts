import type { ShownFinding } from "../model/findings.js";
import { displaySentence, formatDuration, shortSite } from "../model/format.js";
import { h, setClass, setText } from "./dom.js";
import { severitySign } from "./severity.js";
import { sourceLink } from "./source-link.js";

export interface FindingsActions {
  /** Points at a finding, by its key; "" at none. */
  light(key: string): void;
  goToFinding(key: string): void;
  /** Null where there is no editor to open it in. */
  readonly openSource: ((site: string) => void) | null;
}

interface Item {
  readonly element: HTMLElement;
  readonly main: HTMLButtonElement;
  readonly title: HTMLElement;
  readonly cost: HTMLElement;
  readonly sub: HTMLElement;
  severity: string;
  subSignature: string;
}

/**
 * The findings, each with its figure and place. While a script runs they change: an element stays that of its finding,
 * only what is different in it is set, and nothing moves under a pointer or the keyboard's focus.
 */
export class FindingsList {
  readonly element = h("ul", { class: "findings", "aria-label": "Findings, the costliest first" });
  readonly #actions: FindingsActions;
  readonly #items = new Map<string, Item>();
  #isPointedAt = false;

  constructor(actions: FindingsActions) {
    this.#actions = actions;
    const { element } = this;
    element.addEventListener("pointerenter", () => {
      this.#isPointedAt = true;
    });
    element.addEventListener("pointerleave", () => {
      this.#isPointedAt = false;
      actions.light("");
    });
    element.addEventListener("focusout", (event) => {
      if (!element.contains(event.relatedTarget as Node | null)) actions.light("");
    });
    element.addEventListener("keydown", (event) => this.#onKey(event));
  }

  update(findings: readonly ShownFinding[]): void {
    const shown = new Set(findings.map(({ key }) => key));
    for (const [key, { element }] of this.#items) {
      if (shown.has(key)) continue;
      element.remove();
      this.#items.delete(key);
    }
    const isInUse = this.#isPointedAt || this.element.contains(document.activeElement);
    let at = this.element.firstElementChild;
    for (const one of findings) {
      let item = this.#items.get(one.key);
      const isNew = item === undefined;
      if (item === undefined) {
        item = this.#create(one.key);
        this.#items.set(one.key, item);
      }
      this.#fill(item, one);
      if (isInUse) {
        if (isNew) this.element.append(item.element);
        continue;
      }
      if (at !== item.element) this.element.insertBefore(item.element, at);
      at = item.element.nextElementSibling;
    }
  }

  /** Gives the keyboard's focus to a finding, or to the first. */
  focus(key: string): void {
    const item = this.#items.get(key) ?? [...this.#items.values()][0];
    item?.main.focus();
  }

  #create(key: string): Item {
    const title = h("span", { class: "finding-title" });
    const cost = h("b", { class: "finding-cost" });
    const main = h(
      "button",
      { class: "finding-main", type: "button", onclick: () => this.#actions.goToFinding(key) },
      h("span", { class: "severity" }),
      title,
      cost,
    );
    // Not when the pointer gave it the focus: what it left behind would stay lit.
    main.addEventListener("focus", () => {
      if (main.matches(":focus-visible")) this.#actions.light(key);
    });
    const sub = h("div", { class: "finding-sub" });
    const element = h("li", { class: "finding" }, main, sub);
    element.addEventListener("pointerenter", () => this.#actions.light(key));
    return { element, main, title, cost, sub, severity: "", subSignature: "" };
  }

  #fill(item: Item, { finding }: ShownFinding): void {
    if (item.severity !== finding.severity) {
      item.severity = finding.severity;
      item.main.querySelector(".severity")!.replaceWith(severitySign(finding.severity));
    }
    setText(item.title, displaySentence(finding.title));
    setText(item.cost, finding.costNs > 0 ? formatDuration(finding.costNs) : "");
    setClass(item.element, "dull", finding.where === null);
    const [site] = finding.sites;
    const signature = site ?? "";
    if (signature === item.subSignature) return;
    item.subSignature = signature;
    item.sub.replaceChildren();
    if (site === undefined) return;
    const link = sourceLink(site, shortSite(site), this.#actions.openSource);
    link.setAttribute("aria-label", `${this.#actions.openSource ? "Open " : ""}${shortSite(site)}`);
    item.sub.append(link);
  }

  /** Up and down go from one finding to the next, as in any list. */
  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined && event.key !== "Home" && event.key !== "End") return;
    const elements = [...this.element.children];
    const at = elements.findIndex((element) => element.contains(document.activeElement));
    const last = elements.length - 1;
    const to = step === undefined ? (event.key === "Home" ? 0 : last) : Math.max(0, Math.min(last, at + step));
    elements[to]?.querySelector<HTMLElement>(".finding-main")?.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
