/** How bad a finding is, as a sign and as a word: not by its colour alone. */
import type { Severity } from "../../src/analysis/report/report-types.js";
import { h, icon } from "./dom.js";

const signs: Readonly<Record<Severity, readonly [word: string, path: string]>> = {
  error: ["Error", "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8"],
  warning: ["Warning", "M8 2.2 14.4 13.6H1.6ZM8 6.4v3.4M8 11.6v.3"],
  info: ["Hint", "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 7.2v4M8 4.8v.3"],
};

/** The sign, with its word for screen readers. */
export function severitySign(severity: Severity): HTMLElement {
  const [word, path] = signs[severity];
  return h("span", { class: `severity ${severity}` }, icon(path), h("span", { class: "unseen" }, `${word}: `));
}
