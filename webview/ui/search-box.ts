import { displayName, plural } from "../model/format.js";
import type { SearchHit } from "../model/search.js";
import { h, icon, icons } from "./dom.js";

export interface SearchActions {
  find(query: string): readonly SearchHit[];
  /** Goes to a hit; names: to its next slice in the direction of `step`. */
  go(hit: SearchHit, step: 1 | -1): void;
  closed(): void;
}

const PAUSE_MS = 120;

/** Finds lanes and names; the arrow keys choose a result, Enter goes there. */
export class SearchBox {
  readonly element: HTMLElement;
  readonly #input: HTMLInputElement;
  readonly #results = h("div", { class: "results", role: "listbox", id: "search-results" });
  readonly #actions: SearchActions;
  #hits: readonly SearchHit[] = [];
  #chosen = 0;
  #timer = 0;

  constructor(actions: SearchActions) {
    this.#actions = actions;
    this.#input = h("input", {
      type: "text",
      placeholder: "Search lanes, spans, tasks, locks…",
      role: "combobox",
      "aria-label": "Search",
      "aria-controls": "search-results",
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      spellcheck: "false",
      autocomplete: "off",
    });
    const close = h("button", { class: "tool", type: "button", "aria-label": "Close", onclick: () => this.close() });
    close.append(icon(icons.close));
    this.element = h(
      "div",
      { class: "search", hidden: true, role: "search" },
      h("div", { class: "field" }, icon(icons.search), this.#input, close),
      this.#results,
    );
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#find(), PAUSE_MS);
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  open(): void {
    this.element.hidden = false;
    this.#input.focus();
    this.#input.select();
  }

  close(): void {
    if (!this.isOpen) return;
    this.#input.blur();
    this.element.hidden = true;
    this.#actions.closed();
  }

  #key(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === "Escape") this.close();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.#choose(this.#chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      clearTimeout(this.#timer);
      if (this.#timer) this.#find();
      const hit = this.#hits[this.#chosen];
      if (hit) this.#actions.go(hit, event.shiftKey ? -1 : 1);
    } else return;
    event.preventDefault();
  }

  #find(): void {
    this.#timer = 0;
    this.#hits = this.#actions.find(this.#input.value);
    this.#chosen = 0;
    const items = this.#hits.map((hit, i) =>
      h(
        "div",
        {
          class: "result",
          role: "option",
          id: `search-result-${i}`,
          "aria-selected": String(i === 0),
          onclick: (event: MouseEvent) => {
            this.#choose(i);
            this.#actions.go(hit, event.shiftKey ? -1 : 1);
          },
        },
        h("span", { class: "result-name", dir: "auto" }, displayName(hit.text)),
        h("span", { class: "result-kind" }, hit.kind === "lane" ? "lane" : plural(hit.count, "event")),
      ),
    );
    if (items.length === 0 && this.#input.value.trim())
      items.push(h("div", { class: "nothing", role: "option", "aria-disabled": "true" }, "Nothing is called that."));
    this.#results.replaceChildren(...items);
    this.#input.setAttribute("aria-expanded", String(items.length > 0));
    this.#point();
  }

  /** Tells screen readers which result is chosen: the focus stays in the field. */
  #point(): void {
    if (this.#hits.length === 0) this.#input.removeAttribute("aria-activedescendant");
    else this.#input.setAttribute("aria-activedescendant", `search-result-${this.#chosen}`);
  }

  #choose(index: number): void {
    if (this.#hits.length === 0) return;
    this.#chosen = (index + this.#hits.length) % this.#hits.length;
    [...this.#results.children].forEach((child, i) => {
      child.setAttribute("aria-selected", String(i === this.#chosen));
      if (i === this.#chosen) child.scrollIntoView({ block: "nearest" });
    });
    this.#point();
  }
}
