import { formatDuration, formatPercent } from "../model/format.js";
import type { Summary } from "../model/summary.js";
import { h, setText } from "./dom.js";

/** More cores than this are one bar. */
const MOST_CELLS = 16;
const words = ["running", "ready without a core", "blocked", "off for I/O", "asleep", "idle"] as const;

/** How the run went in two lines: how many cores it used, and what its threads did. */
export class RunHeadline {
  readonly #cores = h("b", {});
  readonly #of = h("span", {});
  readonly #cells = h("div", { class: "core-cells", "aria-hidden": "true" });
  readonly #split = h("p", { class: "verdict-split" });
  readonly element = h(
    "div",
    { class: "verdict" },
    h("p", { class: "verdict-line" }, this.#cores, this.#of),
    this.#cells,
    this.#split,
  );

  update({ headline, states }: Summary): void {
    const { coresUsed, coresAvailable, durationNs } = headline;
    setText(this.#cores, coresUsed.toFixed(coresUsed < 9.95 ? 1 : 0));
    setText(this.#of, ` of ${coresAvailable} cores used, for ${formatDuration(durationNs)}`);
    const cells = coresAvailable > MOST_CELLS ? 1 : Math.max(1, coresAvailable);
    while (this.#cells.childElementCount < cells) this.#cells.append(h("i", {}, h("i", {})));
    while (this.#cells.childElementCount > cells) this.#cells.lastElementChild!.remove();
    const filled = (coresUsed / Math.max(1, coresAvailable)) * cells;
    [...this.#cells.children].forEach((cell, i) => {
      const width = `${Math.round(Math.max(0, Math.min(1, filled - i)) * 100)}%`;
      const { style } = cell.firstElementChild as HTMLElement;
      if (style.width !== width) style.width = width;
    });
    const sum = states.reduce((all, time) => all + time, 0);
    const shares = [...states]
      .map((time, i) => [time / sum, words[i]!] as const)
      .filter(([share]) => share >= 0.005)
      .sort((a, b) => b[0] - a[0])
      .map(([share, word]) => `${formatPercent(share).replace(" ", "\u00a0")} ${word}`);
    setText(this.#split, shares.length > 0 ? `Threads: ${shares.join(", ")}.` : "");
  }
}
