/** Whether the page is light or dark, and how strong its contrasts are. */
export type Scheme = "dark" | "light" | "hc-dark" | "hc-light";

/**
 * Finds out the scheme and says it to the style sheet, as `data-scheme` of the body. VS Code's classes decide; alone,
 * what the page was written with (`data-theme`), else what the system says.
 */
export function settleScheme(): Scheme {
  const scheme = schemeOf(document.body);
  if (document.body.dataset.scheme !== scheme) document.body.dataset.scheme = scheme;
  return scheme;
}

function schemeOf({ classList, dataset }: HTMLElement): Scheme {
  if (classList.contains("vscode-high-contrast-light")) return "hc-light";
  if (classList.contains("vscode-high-contrast")) return "hc-dark";
  if (classList.contains("vscode-light")) return "light";
  if (classList.contains("vscode-dark")) return "dark";
  const { theme } = dataset;
  if (theme === "dark" || theme === "light" || theme === "hc-dark" || theme === "hc-light") return theme;
  const light = matchMedia("(prefers-color-scheme: light)").matches;
  if (matchMedia("(prefers-contrast: more)").matches) return light ? "hc-light" : "hc-dark";
  return light ? "light" : "dark";
}
