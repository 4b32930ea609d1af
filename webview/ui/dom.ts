/** Makes elements. Strings become text nodes, so no name of the user's is ever read as markup. */

type Child = Node | string | null | false;

export interface Props {
  readonly class?: string;
  readonly title?: string;
  readonly onclick?: (event: MouseEvent) => void;
  /** Everything else, as attributes. */
  readonly [attribute: string]: unknown;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "onclick") element.addEventListener("click", value as EventListener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null && child !== false) element.append(child);
  return element;
}

/** A sentence in which what stands between backticks is code. */
export function withCode(text: string): (HTMLElement | string)[] {
  return text.split(/`([^`]+)`/).map((part, i) => (i % 2 === 1 ? h("code", {}, part) : part));
}

/** Sets the text only if it changed, so that a live view does not lay out again for nothing. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setClass(element: Element, name: string, on: boolean): void {
  if (element.classList.contains(name) !== on) element.classList.toggle(name, on);
}

const SVG = "http://www.w3.org/2000/svg";

/** A line icon of 16 by 16, drawn with one path. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export const icons = {
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Zm3.3 7.8L14 14",
  fit: "M2 5V2h3M11 2h3v3M14 11v3h-3M5 14H2v-3",
  keys: "M6 6a2 2 0 1 1 2.6 1.9c-.4.1-.6.5-.6.9v.7M8 12v.3",
  follow: "M2 8h9M8 4.5 11.5 8 8 11.5M14 3v10",
  stop: "M4 4h8v8H4Z",
  halt: "M5.2 1.8h5.6l3.4 3.4v5.6l-3.4 3.4H5.2l-3.4-3.4V5.2ZM8 4.6v4M8 11v.3",
  save: "M8 2v8M4.5 6.5 8 10l3.5-3.5M2.5 10.5V14h11v-3.5",
  close: "m4 4 8 8M12 4l-8 8",
  down: "m4 6 4 4 4-4",
  right: "m6 4 4 4-4 4",
  left: "m10 4-4 4 4 4",
  out: "M9 3h4v4M13 3 7.5 8.5M11 9.5V13H3V5h3.5",
} as const;
