/** Numbers and names as people read them. */
export { formatBytes } from "../../src/analysis/report/format.js";

const units: readonly (readonly [number, string])[] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];

/** A length of time: "1.24 s", "380 µs"; three digits, as minutes from two on. */
export function formatDuration(ns: number): string {
  if (!Number.isFinite(ns)) return "–";
  const sign = ns < 0 ? "−" : "";
  const length = Math.abs(ns);
  if (length >= 120e9) {
    const seconds = Math.round(length / 1e9);
    const rest = seconds % 60;
    return `${sign}${Math.floor(seconds / 60)} min${rest ? ` ${rest} s` : ""}`;
  }
  for (const [size, unit] of units) {
    // 999.9996 ms is 1 s.
    if (length >= size * 0.9995 || size === 1) return `${sign}${threeDigits(length / size)} ${unit}`;
  }
  return "0 ns";
}

/** An instant since the start, as finely as `step` (nanoseconds) needs. */
export function formatInstant(ns: number, step: number): string {
  const [size, unit] = units.find(([one]) => Math.max(Math.abs(ns), step) >= one) ?? [1, "ns"];
  if (ns === 0) return "0";
  const digits = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / size) - 1e-9)));
  return `${(ns / size).toFixed(digits)} ${unit}`;
}

function threeDigits(value: number): string {
  if (value === 0) return "0";
  if (value >= 99.95) return String(Math.round(value));
  return value >= 9.995 ? value.toFixed(1).replace(/\.0$/, "") : value.toFixed(2).replace(/\.?0+$/, "");
}

export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}

/** A value of a counter, of any size: "1,234.5", "5e-7", "9.88e20". */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  if (size > 0 && (size < 0.001 || size >= 1e15)) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  return value.toLocaleString("en-US", { maximumFractionDigits: size < 1 ? 6 : 3 });
}

/** "3.1 of 29 MB". */
export function formatBytesOf(part: number, whole: number): string {
  const [size, unit] = whole >= 1e6 ? [1e6, "MB"] : [1e3, "kB"];
  const digits = whole / size < 10 ? 1 : 0;
  return `${(part / size).toFixed(digits)} of ${(whole / size).toFixed(digits)} ${unit}`;
}

export function formatPercent(part: number): string {
  if (!Number.isFinite(part)) return "–";
  const percent = part * 100;
  return `${percent > 0 && percent < 1 ? "<1" : Math.round(percent)} %`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** A name of the user on one line: control characters and those that turn the writing direction become visible. */
export function displayName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
  return name.replace(/[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "␡" : "\ufffd";
  });
}

/**
 * A name within other words. One that is written from right to left keeps to itself: it would draw a comma and a figure
 * behind it to its other side.
 */
export function nameAmongWords(name: string): string {
  const shown = displayName(name);
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\ud802-\ud803\ud83a-\ud83b]/.test(shown)
    ? `\u2068${shown}\u2069`
    : shown;
}

/** A sentence of a report on the screen: what is hidden in names becomes visible, and no figure is parted from its unit. */
export function displaySentence(text: string): string {
  return displayName(text).replace(/(\d) (?=(?:%|[nµm]?s|min|[kMG]?B)(?![\p{L}\d]))/gu, "$1\u00a0");
}

export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Takes "file:line:column" apart; null if it is none. */
export function parseSite(site: string): SourcePlace | null {
  const match = /^(.*?):(\d+)(?::(\d+))?$/s.exec(site);
  if (!match) return null;
  return { file: match[1]!, line: Number(match[2]), column: Number(match[3] ?? 1) };
}

/** The last part of the path with its line: what fits beside a name. */
export function shortSite(site: string): string {
  const place = parseSite(site);
  if (!place) return displayName(site);
  const name = place.file.split(/[\\/]/).at(-1) ?? place.file;
  return displayName(`${decodeName(name)}:${place.line}`);
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
