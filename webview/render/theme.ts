/**
 * The colours of the canvas. They come from the style sheet's custom properties, which in VS Code stand on the
 * editor's own variables, so that both a theme switch and the reader's system settings reach the drawing.
 */
import type { Ink } from "./pixel-frame.js";
import { settleScheme } from "./scheme.js";

/** The colours of what is drawn pixel by pixel, and where they come from. Only hover, line and grid may be translucent. */
const INKS = {
  background: "--bg",
  foreground: "--fg",
  faint: "--faint",
  line: "--line",
  grid: "--grid",
  accent: "--accent",
  group: "--group-bg",
  hover: "--hover",
  wait: "--wait",
  asyncWait: "--async-wait",
  gc: "--gc",
  loopDelay: "--loop-delay",
  area: "--area",
  areaLight: "--area-light",
  warn: "--state-blocked",
  stuck: "--stuck",
} as const;

export interface Inks extends Readonly<Record<keyof typeof INKS, Ink>> {
  /** By ThreadState, index 0 unused. */
  readonly states: Uint32Array;
  readonly palette: Uint32Array;
}

export interface Theme {
  readonly inks: Inks;
  readonly background: string;
  readonly foreground: string;
  readonly muted: string;
  readonly gridLine: string;
  readonly accent: string;
  /** By ThreadState, index 0 unused. */
  readonly states: readonly string[];
  /** For what has no meaning in its colour but "another one": tasks, spans, threads. */
  readonly palette: readonly string[];
  /** What is legible on each. */
  readonly paletteText: readonly string[];
  /** What is legible on a wait, on one of a promise, on a collection and on a delay of the event loop. */
  readonly waitText: string;
  readonly asyncWaitText: string;
  readonly gcText: string;
  readonly loopDelayText: string;
  /** Cores in use at most in a pixel, behind their mean. */
  readonly coresMost: string;
  readonly warn: string;
  /** What can never go on. */
  readonly stuck: string;
  readonly highContrast: boolean;
  readonly font: string;
  readonly smallFont: string;
}

/** Reads the colours as they are now. */
export function readTheme(): Theme {
  const scheme = settleScheme();
  const style = getComputedStyle(document.body);
  const get = (name: string): string => style.getPropertyValue(name).trim() || "#808080";
  const states = ["#000000", ...["running", "ready", "blocked", "io", "sleep", "idle"].map((s) => get(`--state-${s}`))];
  const palette = Array.from({ length: 10 }, (_, i) => get(`--palette-${i}`));
  const family = style.fontFamily || "sans-serif";
  return {
    inks: {
      ...(Object.fromEntries(Object.entries(INKS).map(([name, from]) => [name, inkOf(get(from))])) as Record<
        keyof typeof INKS,
        Ink
      >),
      states: Uint32Array.from(states, inkOf),
      palette: Uint32Array.from(palette, inkOf),
    },
    background: get("--bg"),
    foreground: get("--fg"),
    muted: get("--muted"),
    gridLine: get("--grid"),
    accent: get("--accent"),
    states,
    palette,
    paletteText: palette.map((color) => legibleOn(color)),
    waitText: legibleOn(get("--wait")),
    asyncWaitText: legibleOn(get("--async-wait")),
    gcText: legibleOn(get("--gc")),
    loopDelayText: legibleOn(get("--loop-delay")),
    coresMost: get("--cores-most"),
    warn: get("--state-blocked"),
    stuck: get("--stuck"),
    highContrast: scheme.startsWith("hc"),
    font: `11px ${family}`,
    smallFont: `10px ${family}`,
  };
}

/** Calls `changed` when VS Code or the system switches colours. */
export function observeTheme(changed: () => void): void {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ["class", "data-vscode-theme-id", "data-theme"],
  });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "class"] });
  for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"])
    matchMedia(query).addEventListener("change", changed);
}

let probe: CanvasRenderingContext2D | null = null;

/** Red, green, blue and alpha of any CSS colour, 0 to 255. */
function rgbaOf(color: string): readonly [number, number, number, number] {
  if (!probe) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    probe = canvas.getContext("2d", { willReadFrequently: true })!;
  }
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = "#808080";
  probe.fillStyle = color;
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
  return [r!, g!, b!, a!];
}

function inkOf(color: string): Ink {
  const [r, g, b, a] = rgbaOf(color);
  return ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function legibleOn(color: string): string {
  const [r, g, b] = rgbaOf(color).map((part) => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number, number];
  // Where black and white stand equally well apart.
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 ? "#101114" : "#ffffff";
}
