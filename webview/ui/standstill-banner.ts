import type { StuckThread } from "../../src/analysis/report/standstill.js";
import { displayName, formatInstant, plural, shortSite } from "../model/format.js";
import type { StandingStill } from "../model/standing-still.js";
import { h, icon, icons } from "./dom.js";

/** How many threads are told of, in the whole timeline and in the small one. */
const MOST = { full: 3, compact: 1 } as const;

/** One sentence below the header: that the program can never go on, and who waits for whom. */
export class StandstillBanner {
  readonly element = h("div", { class: "standstill", role: "alert", hidden: true });
  readonly #compact: boolean;
  readonly #go: (stuck: StuckThread) => void;
  #signature = "";

  /** @param go Shows the wait of a thread that was clicked. */
  constructor(compact: boolean, go: (stuck: StuckThread) => void) {
    this.#compact = compact;
    this.#go = go;
  }

  /** @param over The run has ended. */
  show(still: StandingStill | null, over: boolean): void {
    const signature = still
      ? JSON.stringify([over, still.sinceNs, still.threads.map(({ thread, row, text }) => [thread.index, row, text])])
      : "";
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.element.hidden = still === null;
    this.element.replaceChildren();
    if (!still) return;
    const { sinceNs, threads, isCircle } = still;
    const shown = threads.slice(0, this.#compact && isCircle ? 4 : MOST[this.#compact ? "compact" : "full"]);
    const rest = threads.length - shown.length;
    const circle = isCircle && threads.length > 1;
    const when = `${over ? "after" : "since"} ${formatInstant(sinceNs, Math.max(sinceNs / 100, 1e6))}`;
    const can = over ? "could never go on" : "can never go on";
    const words = this.#compact ? can : `this program ${can} ${when}`;
    const beginning = circle
      ? `Deadlock${this.#compact ? "," : ":"} ${words}`
      : words.charAt(0).toUpperCase() + words.slice(1);
    const sentence = h("span", {}, h("b", {}, beginning));
    if (shown.length > 0) sentence.append(this.#compact ? ": " : ", because ");
    shown.forEach((stuck, i) => {
      const isLast = i === shown.length - 1 && rest === 0;
      if (this.#compact && circle) {
        if (i > 0) sentence.append(" → ");
        sentence.append(this.#link(stuck));
        if (isLast) sentence.append(" → ", this.#link(threads[0]!));
        return;
      }
      if (i > 0) sentence.append(isLast ? ", and " : ", ");
      sentence.append(this.#link(stuck), ` ${displayName(stuck.text)}`);
    });
    if (rest > 0) sentence.append(`, and ${plural(rest, "more thread")} wait${rest === 1 ? "s" : ""}`);
    sentence.append(".");
    this.element.append(icon(icons.halt), sentence);
  }

  #link(stuck: StuckThread): HTMLElement {
    const { name, text, site } = stuck;
    const where = site === "" ? "" : `, at ${shortSite(site)}`;
    const title = `Show where it waits: ${displayName(text)}${where}`;
    return h(
      "button",
      { class: "link", type: "button", title, onclick: () => this.#go(stuck) },
      `“${displayName(name)}”`,
    );
  }
}
