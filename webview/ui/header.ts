import type { Headline } from "../../src/protocol/messages.js";
import { formatDuration, formatPercent } from "../model/format.js";
import { h, icon, icons, setClass, setText } from "./dom.js";

export interface HeaderActions {
  stop(): void;
  follow(): void;
  fit(): void;
  search(): void;
  keys(): void;
  /** Null where nobody could write the file, or the page is such a file itself. */
  readonly save: (() => void) | null;
}

/** The run in one line: its name, how long, how many cores, how its time was split. */
/** How many of the states are always shown. */
const COMMON = 3;

export class Header {
  readonly element: HTMLElement;
  readonly #name = h("span", { class: "run-name", dir: "auto" });
  readonly #badge = h("span", { class: "badge live", hidden: true }, h("i", { class: "pulse" }), "live");
  readonly #exit = h("span", { class: "badge", hidden: true });
  readonly #duration = h("b", {}, "–");
  readonly #cores = h("b", {}, "–");
  readonly #coresOf = h("span", { class: "unit" }, "cores used");
  readonly #bar = h("div", { class: "split-bar", role: "img" });
  readonly #parts: HTMLElement[] = [];
  readonly #legend = h("div", { class: "split-legend" });
  readonly #values: HTMLElement[] = [];
  readonly #stop: HTMLButtonElement;
  readonly #follow: HTMLButtonElement;
  readonly #save: HTMLButtonElement | null = null;

  constructor(actions: HeaderActions, compact: boolean) {
    const button = (label: string, path: string, action: () => void, className = "tool"): HTMLButtonElement =>
      h("button", { class: className, title: label, "aria-label": label, type: "button", onclick: action }, icon(path));
    this.#stop = h("button", {
      class: "stop",
      type: "button",
      title: "Stop the run",
      onclick: actions.stop,
      hidden: true,
    });
    this.#stop.append(icon(icons.stop), "Stop");
    this.#follow = h("button", {
      class: "follow",
      type: "button",
      title: "Follow the newest events (E)",
      hidden: true,
    });
    this.#follow.append(icon(icons.follow), "Follow");
    this.#follow.addEventListener("click", actions.follow);
    if (actions.save && !compact) {
      this.#save = button("Save as one HTML file…", icons.save, actions.save);
      this.#save.disabled = true;
    }
    for (const [state, label] of [
      ["running", "running"],
      ["ready", "ready"],
      ["blocked", "blocked"],
      ["io", "I/O"],
      ["sleep", "asleep"],
      ["idle", "idle"],
    ] as const) {
      const part = h("i", { class: `part ${state}` });
      this.#parts.push(part);
      this.#bar.append(part);
      const value = h("b", {}, "");
      this.#values.push(value);
      const share = h("span", { class: `share ${state}` }, h("i", { class: `dot ${state}` }), value, ` ${label}`);
      share.hidden = this.#parts.length > COMMON;
      this.#legend.append(share);
    }
    this.element = h(
      "header",
      { class: "header" },
      h("div", { class: "run" }, this.#name, this.#badge, this.#exit),
      h("div", { class: "figure" }, this.#duration, h("span", { class: "unit" }, "wall time")),
      h("div", { class: "figure" }, this.#cores, this.#coresOf),
      h("div", { class: "split" }, this.#bar, this.#legend),
      h(
        "div",
        { class: "tools" },
        this.#follow,
        this.#stop,
        ...(compact
          ? []
          : [
              button("Search (/)", icons.search, actions.search),
              button("Fit everything (F twice)", icons.fit, actions.fit),
              this.#save,
              button("Keys (?)", icons.keys, actions.keys),
            ]),
      ),
    );
  }

  setName(name: string, whole: string): void {
    setText(this.#name, name);
    this.#name.title = whole;
  }

  /** Shows the numbers; `states` are the times of all threads in each state, as in `model/summary.ts`. */
  update(headline: Headline, states: Float64Array, exit: string, failed: boolean): void {
    setText(this.#duration, formatDuration(headline.durationNs));
    setText(this.#cores, headline.coresUsed.toFixed(headline.coresUsed < 9.95 ? 1 : 0));
    setText(this.#coresOf, `of ${headline.coresAvailable} cores`);
    this.#badge.hidden = !headline.live;
    this.#exit.hidden = headline.live || exit === "";
    setText(this.#exit, exit);
    setClass(this.#exit, "failed", failed);
    const times = [...states];
    const sum = times.reduce((a, b) => a + b, 0);
    const words = [
      "running",
      "ready but without a core",
      "blocked",
      "off their cores for I/O or page faults",
      "asleep",
      "idle, with nothing to do",
    ];
    times.forEach((time, i) => {
      const part = sum > 0 ? time / sum : 0;
      this.#parts[i]!.style.flexGrow = String(part);
      setText(this.#values[i]!, formatPercent(part));
      const share = this.#values[i]!.parentElement as HTMLElement;
      share.title = `${formatDuration(time)} ${words[i]}, summed over threads`;
      // Of the less common states only those that were there.
      share.hidden = i >= COMMON && time === 0;
    });
    this.#bar.setAttribute(
      "aria-label",
      times.map((time, i) => `${formatPercent(sum > 0 ? time / sum : 0)} ${words[i]}`).join(", "),
    );
  }

  setControls(canStop: boolean, stopping: boolean, canFollow: boolean, canSave: boolean): void {
    if (this.#save) this.#save.disabled = !canSave;
    this.#stop.hidden = !canStop;
    this.#stop.disabled = stopping;
    this.#follow.hidden = !canFollow;
  }
}
