import { shortSite } from "../model/format.js";
import type { Description } from "./description.js";
import { h } from "./dom.js";

/** What the pointer rests on, beside it. */
export class Tooltip {
  readonly element = h("div", { class: "tooltip", role: "tooltip", hidden: true });
  #shown: Description | null = null;

  show(description: Description, x: number, y: number): void {
    if (this.#shown !== description) {
      this.#shown = description;
      const facts = [...description.facts.slice(0, 5), ...description.links.slice(0, 2)];
      this.element.replaceChildren(
        h(
          "div",
          { class: "tip-head" },
          h("i", { class: `dot ${description.tone}` }),
          h("b", { dir: "auto" }, description.title),
          h("span", {}, description.kind),
        ),
        h("dl", {}, ...facts.flatMap((fact) => [h("dt", {}, fact.label), h("dd", {}, fact.value)])),
        ...(description.site ? [h("div", { class: "tip-site" }, shortSite(description.site))] : []),
      );
    }
    this.element.hidden = false;
    const { offsetWidth, offsetHeight } = this.element;
    const left = x + 14 + offsetWidth > innerWidth - 4 ? Math.max(4, x - offsetWidth - 12) : x + 14;
    const top = y + 16 + offsetHeight > innerHeight - 4 ? Math.max(4, y - offsetHeight - 10) : y + 16;
    this.element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  hide(): void {
    this.element.hidden = true;
    this.#shown = null;
  }
}
