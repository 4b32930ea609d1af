import { displayName, parseSite } from "../model/format.js";
import { h, icon, icons } from "./dom.js";

/** A place in the source: a link to it where an editor listens, else its path. */
export function sourceLink(site: string, words: string, open: ((site: string) => void) | null): HTMLElement {
  const place = parseSite(site);
  const full = displayName(place ? `${place.file}:${place.line}` : site).replace(/^file:\/\//, "");
  if (!place || !open) return h("span", { class: "site", title: full }, words);
  const button = h(
    "button",
    { class: "link site", type: "button", title: `Open ${full}`, onclick: () => open(site) },
    words,
  );
  button.append(icon(icons.out));
  return button;
}
