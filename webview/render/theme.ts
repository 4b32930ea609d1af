/**
 * The colours of the canvas. They come from the style sheet's custom properties, which in VS Code stand on the
 * editor's own variables, so that both a theme switch and the reader's system settings reach the drawing.
 */

export interface Theme {
  readonly background: string;
  readonly foreground: string;
  readonly muted: string;
  readonly faint: string;
  readonly line: string;
  readonly gridLine: string;
  readonly accent: string;
  readonly groupBackground: string;
  readonly hover: string;
  readonly selection: string;
  /** By ThreadState, index 0 unused. */
  readonly states: readonly string[];
  /** The same as pixels of an ImageData (little endian ABGR). */
  readonly statePixels: Uint32Array;
  /** The lanes' ground, with the pointer over it, and the grid, as such pixels. */
  readonly backgroundPixel: number;
  readonly hoverPixel: number;
  readonly gridPixel: number;
  /** For what has no meaning in its colour but "another one": tasks, spans, threads. */
  readonly palette: readonly string[];
  /** What is legible on each. */
  readonly paletteText: readonly string[];
  readonly wait: string;
  readonly waitText: string;
  readonly asyncWait: string;
  readonly gc: string;
  readonly loopDelay: string;
  /** Cores in use at most in a pixel, behind their mean. */
  readonly coresMost: string;
  readonly area: string;
  readonly areaLight: string;
  readonly warn: string;
  readonly highContrast: boolean;
  readonly font: string;
  readonly smallFont: string;
}

/** Reads the colours as they are now. */
export function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const get = (name: string): string => style.getPropertyValue(name).trim() || "#808080";
  const states = ["#000000", ...["running", "ready", "blocked", "io", "sleep", "idle"].map((s) => get(`--state-${s}`))];
  const palette = Array.from({ length: 10 }, (_, i) => get(`--palette-${i}`));
  const family = style.fontFamily || "sans-serif";
  return {
    background: get("--bg"),
    foreground: get("--fg"),
    muted: get("--muted"),
    faint: get("--faint"),
    line: get("--line"),
    gridLine: get("--grid"),
    accent: get("--accent"),
    groupBackground: get("--group-bg"),
    hover: get("--hover"),
    selection: get("--selection"),
    states,
    statePixels: Uint32Array.from(states, (color) => pixelOf(color)),
    backgroundPixel: pixelOf(get("--bg")),
    hoverPixel: pixelOf(get("--hover"), get("--bg")),
    gridPixel: pixelOf(get("--grid"), get("--bg")),
    palette,
    paletteText: palette.map((color) => legibleOn(color)),
    wait: get("--wait"),
    waitText: legibleOn(get("--wait")),
    asyncWait: get("--async-wait"),
    gc: get("--gc"),
    loopDelay: get("--loop-delay"),
    coresMost: get("--cores-most"),
    area: get("--area"),
    areaLight: get("--area-light"),
    warn: get("--state-blocked"),
    highContrast: get("--high-contrast") === "1",
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

/** Red, green, blue of any CSS colour, on a ground if it is translucent. */
function rgbOf(color: string, ground = "#808080"): [number, number, number] {
  if (!probe) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    probe = canvas.getContext("2d", { willReadFrequently: true })!;
  }
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = ground;
  probe.fillRect(0, 0, 1, 1);
  probe.fillStyle = color;
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  return [r!, g!, b!];
}

function pixelOf(color: string, ground?: string): number {
  const [r, g, b] = rgbOf(color, ground);
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

function legibleOn(color: string): string {
  const [r, g, b] = rgbOf(color).map((part) => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  // Where black and white stand equally well apart.
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 ? "#101114" : "#ffffff";
}
