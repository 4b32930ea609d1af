import { displayName, parseSite, shortSite } from "../model/format.js";
import type { Thing } from "../model/things.js";
import type { Description, Fact } from "./description.js";
import { h, icon, icons } from "./dom.js";
import { sourceLink } from "./source-link.js";

export interface ThingActions {
  /** Shows and selects another thing. */
  go(thing: Thing): void;
  /** Null where there is no editor to open it in. */
  readonly openSource: ((site: string) => void) | null;
  close(): void;
}

/** What is known of what is selected. */
export function thingDetails(description: Description, actions: ThingActions): HTMLElement[] {
  const close = h("button", {
    class: "tool",
    type: "button",
    "aria-label": "Deselect",
    title: "Deselect (Esc)",
    onclick: () => actions.close(),
  });
  close.append(icon(icons.close));
  const facts = (list: readonly Fact[]): HTMLElement =>
    h(
      "dl",
      {},
      ...list.flatMap(({ label, value, target }) => [
        h("dt", {}, label),
        h(
          "dd",
          {},
          target ? h("button", { class: "link", type: "button", onclick: () => actions.go(target) }, value) : value,
        ),
      ]),
    );
  return [
    h(
      "div",
      { class: "details-head" },
      h("i", { class: `dot ${description.tone}` }),
      h(
        "div",
        { class: "details-title" },
        h("b", { dir: "auto", title: description.title }, description.title),
        h("span", {}, description.kind),
      ),
      close,
    ),
    facts(description.facts),
    ...(description.links.length > 0
      ? [h("div", { class: "section" }, "Who waited for whom"), facts(description.links)]
      : []),
    ...(description.site
      ? [h("div", { class: "section" }, "Where"), h("div", {}, siteOf(description.site, actions.openSource))]
      : []),
    ...(description.detail ? [h("div", { class: "section" }, "Detail"), h("pre", {}, pretty(description.detail))] : []),
  ];
}

/** Where nothing can be opened, all of the path can at least be copied. */
function siteOf(site: string, open: ((site: string) => void) | null): HTMLElement {
  const place = parseSite(site);
  const words = place && open ? shortSite(site) : displayName(site.replace(/^file:\/\//, ""));
  return sourceLink(site, words, open);
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return displayName(json);
  }
}
