import { formatBytesOf } from "../model/format.js";
import { h, setClass, setText } from "./dom.js";
import { legend } from "./legend.js";
import type { Note } from "./trace-notes.js";

export interface LayoutParts {
  readonly header: HTMLElement;
  readonly banner: HTMLElement;
  readonly strip: HTMLElement;
  readonly overview: HTMLElement;
  readonly axis: HTMLElement;
  readonly labels: HTMLElement;
  readonly details: HTMLElement;
  readonly search: HTMLElement;
  readonly empty: HTMLElement;
  readonly compact: boolean;
  /** CSS pixels. */
  readonly labelWidth: number;
  resized(): void;
}

export interface Layout {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly scroller: HTMLElement;
  lanesSize(): { width: number; height: number };
  setContentHeight(height: number): void;
  setNotes(notes: readonly Note[]): void;
  /** How many bytes of the trace were read; nothing is shown once it is all. */
  setProgress(read: number, total: number): void;
  /** Whether the details pane is wanted: a narrow view makes room for it only then. */
  setDetailsOpen(open: boolean): void;
  /** Says it to a screen reader. */
  announce(words: string): void;
}

/** Widths of the names, CSS pixels: the least by dragging, and where there is little room. */
const MIN_LABEL = 60;
const NARROW_LABEL = 116;

/** The frame of the page: what is where. */
export function buildLayout(parts: LayoutParts): Layout {
  const canvas = h("canvas", {
    class: "lanes-canvas",
    tabindex: "0",
    role: "application",
    "aria-label": "Timeline. Arrow keys walk lanes and events, question mark lists the keys.",
  });
  const sticky = h("div", { class: "sticky" }, canvas);
  const content = h("div", { class: "content" }, parts.labels, sticky);
  const scroller = h("div", { class: "scroller" }, content);
  const live = h("div", { class: "announcer", "aria-live": "polite" });
  const notes = h("div", { class: "notes" });
  const sash = h("div", {
    class: "sash",
    role: "separator",
    "aria-orientation": "vertical",
    "aria-label": "Width of the names",
    tabindex: "0",
  });
  const bar = h("i", {});
  const progress = h(
    "div",
    { class: "progress", role: "progressbar", "aria-label": "Reading the trace", hidden: true },
    bar,
  );
  const timeline = h(
    "main",
    { class: "timeline" },
    progress,
    h("div", { class: "strip strip-overview" }, h("div", { class: "corner" }, "Cores in use"), parts.overview),
    parts.compact ? null : h("div", { class: "strip strip-axis" }, h("div", { class: "corner" }), parts.axis),
    scroller,
    sash,
    parts.empty,
    parts.search,
  );
  const element = h(
    "div",
    { class: parts.compact ? "app compact" : "app" },
    parts.header,
    parts.banner,
    parts.strip,
    h("div", { class: "columns" }, timeline, parts.compact ? null : parts.details),
    parts.compact ? null : h("footer", { class: "footer" }, legend(), notes),
    live,
  );

  let labelWidth = parts.labelWidth;
  const setLabelWidth = (width: number): void => {
    labelWidth = Math.round(width);
    element.style.setProperty("--label-width", `${labelWidth}px`);
    sash.setAttribute("aria-valuenow", String(labelWidth));
  };
  const narrow = matchMedia("(max-width: 560px)");
  const byWindow = (): void => {
    if (!parts.compact) setLabelWidth(narrow.matches ? NARROW_LABEL : parts.labelWidth);
    parts.resized();
  };
  setLabelWidth(narrow.matches && !parts.compact ? NARROW_LABEL : labelWidth);
  narrow.addEventListener("change", byWindow);
  const drag = (width: number): void => {
    setLabelWidth(Math.max(MIN_LABEL, Math.min(timeline.clientWidth * 0.6, width)));
    parts.resized();
  };
  sash.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    drag(labelWidth + (event.key === "ArrowLeft" ? -16 : 16));
    event.preventDefault();
    event.stopPropagation();
  });
  sash.addEventListener("pointerdown", (event) => {
    sash.setPointerCapture(event.pointerId);
    const move = (e: PointerEvent): void => drag(e.clientX - timeline.getBoundingClientRect().left);
    const stop = (): void => {
      sash.removeEventListener("pointermove", move);
      sash.removeEventListener("pointerup", stop);
      sash.removeEventListener("pointercancel", stop);
    };
    sash.addEventListener("pointermove", move);
    sash.addEventListener("pointerup", stop);
    sash.addEventListener("pointercancel", stop);
  });

  return {
    element,
    canvas,
    scroller,
    lanesSize: () => ({
      width: Math.max(1, scroller.clientWidth - labelWidth),
      height: Math.max(1, scroller.clientHeight),
    }),
    setContentHeight(height) {
      const text = `${height}px`;
      if (content.style.height !== text) content.style.height = text;
    },
    setNotes(list) {
      notes.replaceChildren(
        ...list.map((note) =>
          h("span", { class: note.warning ? "note warning" : "note", title: note.title }, note.words),
        ),
      );
    },
    setProgress(read, total) {
      progress.hidden = read >= total;
      if (progress.hidden) return;
      const part = Math.round((read / total) * 100);
      bar.style.width = `${part}%`;
      progress.title = `Reading the trace: ${formatBytesOf(read, total)}`;
      progress.setAttribute("aria-valuenow", String(part));
      progress.setAttribute("aria-valuetext", formatBytesOf(read, total));
    },
    setDetailsOpen: (open) => setClass(element, "details-open", open),
    announce: (words) => setText(live, words),
  };
}
