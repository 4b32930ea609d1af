import { h } from "./dom.js";

const entries = [
  ["running", "running"],
  ["ready", "ready, no core"],
  ["blocked", "blocked"],
  ["io", "I/O"],
  ["sleep", "asleep"],
  ["idle", "idle"],
] as const;

/** What the colours mean. */
export function legend(): HTMLElement {
  return h(
    "div",
    { class: "legend", role: "list", "aria-label": "Colours" },
    ...entries.map(([state, words]) =>
      h("span", { role: "listitem" }, h("i", { class: `key ${state}`, "aria-hidden": "true" }), words),
    ),
  );
}
