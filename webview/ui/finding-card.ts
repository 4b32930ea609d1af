import type { TraceModel } from "../../src/analysis/model.js";
import type { ShownFinding } from "../model/findings.js";
import { displaySentence, formatDuration, formatInstant, plural, shortSite } from "../model/format.js";
import { threadName } from "./description.js";
import { h, icon, icons, withCode } from "./dom.js";
import { severitySign } from "./severity.js";
import { sourceLink } from "./source-link.js";

export interface CardActions {
  /** Back to the list of all. */
  back(): void;
  /** To the finding after or before this one. */
  step(step: 1 | -1): void;
  goToFinding(key: string): void;
  showAll(key: string): void;
  showLane(lane: string): void;
  readonly openSource: ((site: string) => void) | null;
}

/** Threads that are named; of others it is said how many there are. */
const MOST_THREADS = 5;

/** A button that leads back to the findings. */
export function backButton(findings: number, back: () => void): HTMLButtonElement {
  const label = findings > 0 ? `Findings (${findings})` : "The run";
  const button = h(
    "button",
    { class: "link back", type: "button", title: "Back (Esc)", onclick: back },
    icon(icons.left),
  );
  button.append(label);
  return button;
}

/** Everything that is known of one finding, above what it led to. */
export function findingCard(
  model: TraceModel,
  shown: ShownFinding,
  at: number,
  count: number,
  actions: CardActions,
): HTMLElement[] {
  const { finding, evidence, key } = shown;
  const step = (by: 1 | -1, label: string, path: string): HTMLElement =>
    h(
      "button",
      { class: "tool", type: "button", "aria-label": label, title: label, onclick: () => actions.step(by) },
      icon(path),
    );
  const head = h(
    "div",
    { class: "card-head" },
    backButton(count, () => actions.back()),
    ...(count > 1
      ? [
          h("span", { class: "card-place" }, `${at + 1} of ${count}`),
          step(-1, "Previous finding (Shift + N)", icons.left),
          step(1, "Next finding (N)", icons.right),
        ]
      : []),
  );
  const title = h(
    "h2",
    { class: "card-title" },
    severitySign(finding.severity),
    h("span", {}, displaySentence(finding.title)),
    ...(finding.costNs > 0 ? [h("b", {}, formatDuration(finding.costNs))] : []),
  );
  const parts: HTMLElement[] = [
    head,
    title,
    h("p", { class: "card-detail" }, displaySentence(finding.detail)),
    h("p", { class: "card-advice" }, ...withCode(displaySentence(finding.advice))),
  ];
  const facts: HTMLElement[] = [];
  const fact = (label: string, ...values: (HTMLElement | string)[]): void => {
    facts.push(h("dt", {}, label), h("dd", {}, ...values));
  };
  const link = (words: string, tip: string, onclick: () => void): HTMLElement =>
    h("button", { class: "link", type: "button", title: tip, onclick }, words);
  if (finding.sites.length > 0)
    fact("source", ...finding.sites.map((site) => h("div", {}, sourceLink(site, shortSite(site), actions.openSource))));
  if (evidence) {
    const { startNs, endNs, threads, longest } = evidence;
    const grain = Math.max(1, (endNs - startNs) / 100);
    fact(
      "when",
      link(`${formatInstant(startNs, grain)} to ${formatInstant(endNs, grain)}`, "Show all of that time", () =>
        actions.showAll(key),
      ),
    );
    if (longest) {
      const { start, end } = model.threads[longest.thread]![longest.type === "slice" ? "slices" : "states"];
      const to = end[longest.row]!;
      const length = (Number.isNaN(to) ? model.endNs : to) - start[longest.row]!;
      fact(
        "longest",
        link(`${formatDuration(length)}, ${threadName(model, longest.thread)}`, "Show it", () =>
          actions.goToFinding(key),
        ),
      );
    }
    if (threads.length > 0) {
      const named = threads.slice(0, MOST_THREADS).map((index) =>
        h(
          "div",
          {},
          link(threadName(model, index), "Show its lane", () => actions.showLane(`thread:${index}`)),
        ),
      );
      const more = threads.length - named.length;
      fact("threads", ...named, ...(more > 0 ? [h("div", {}, `and ${plural(more, "more")}`.replace(/s$/, ""))] : []));
    }
  }
  if (facts.length > 0) parts.push(h("dl", {}, ...facts));
  return parts;
}

/** What the card depends on: it is made again only when that has changed. */
export function cardSignature(shown: ShownFinding, at: number, count: number): string {
  const { finding, evidence } = shown;
  return JSON.stringify([shown.key, finding, evidence?.threads, at, count]);
}
