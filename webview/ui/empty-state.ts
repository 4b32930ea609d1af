import { h, setClass, setText } from "./dom.js";

/** What stands where the lanes would be while there are none. */
export class EmptyState {
  readonly #title = h("h2", {});
  readonly #detail = h("p", {});
  readonly element = h(
    "div",
    { class: "empty", role: "status", hidden: true },
    h("div", { class: "loom", "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i")),
    this.#title,
    this.#detail,
  );

  waiting(title: string, detail = ""): void {
    this.#show(title, detail, "");
  }

  /** Nothing is on its way. */
  nothing(title: string, detail: string): void {
    this.#show(title, detail, "nothing");
  }

  failed(title: string, detail: string): void {
    this.#show(title, detail, "failed");
  }

  hide(): void {
    this.element.hidden = true;
  }

  #show(title: string, detail: string, kind: "" | "nothing" | "failed"): void {
    this.element.hidden = false;
    setText(this.#title, title);
    setText(this.#detail, detail);
    setClass(this.element, "nothing", kind === "nothing");
    setClass(this.element, "failed", kind === "failed");
  }
}
