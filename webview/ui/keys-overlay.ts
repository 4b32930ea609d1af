import { h, icon, icons } from "./dom.js";

const keys: readonly (readonly [string, string])[] = [
  ["Ctrl + wheel", "zoom at the pointer"],
  ["wheel", "scroll the lanes; Shift: move in time"],
  ["drag", "move in time and over lanes"],
  ["Shift + drag", "mark a span; F zooms to it"],
  ["W / S", "zoom in / out"],
  ["A / D", "earlier / later"],
  ["F", "fit what is selected; again: everything"],
  ["E", "follow the newest events of a live run"],
  ["↑ / ↓", "choose a lane"],
  ["Page Up / Down", "scroll the lanes"],
  ["← / →  or  , / .", "previous / next event of the lane"],
  ["[ / ]", "follow the arrow back to its cause / on to its effect"],
  ["Enter", "open the source of what is selected"],
  ["/  or  Ctrl + F", "search; Enter and Shift + Enter step through"],
  ["N / Shift + N", "next / previous finding: what stood in the program's way"],
  ["Home / End", "beginning / end of the trace"],
  ["Esc", "close, unmark, deselect"],
  ["?", "this list"],
];

/** The list of keys, over everything. */
export class KeysOverlay {
  readonly element: HTMLElement;
  /** What had the focus before it was opened. */
  #before: HTMLElement | null = null;

  constructor() {
    const rows = keys.flatMap(([key, meaning]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning)]);
    const close = h("button", {
      class: "tool",
      type: "button",
      "aria-label": "Close",
      onclick: () => this.toggle(false),
    });
    close.append(icon(icons.close));
    const dialog = h(
      "div",
      { class: "dialog", role: "dialog", "aria-label": "Keys", "aria-modal": "true", tabindex: "-1" },
      h("div", { class: "dialog-head" }, h("b", {}, "Keys"), close),
      h("dl", {}, ...rows),
    );
    this.element = h("div", { class: "overlay", hidden: true }, dialog);
    this.element.addEventListener("pointerdown", (event) => {
      if (event.target === this.element) this.toggle(false);
    });
    // Nothing behind it is moved or focused while it is read.
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || event.key === "?") return;
      event.stopPropagation();
      if (event.key === "Tab") event.preventDefault();
    });
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  toggle(open = !this.open): void {
    if (open === this.open) return;
    this.element.hidden = !open;
    if (!open) {
      this.#before?.focus({ preventScroll: true });
      return;
    }
    this.#before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.element.querySelector("button")?.focus();
  }
}
