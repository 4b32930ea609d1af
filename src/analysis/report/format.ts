/** Numbers as a person reads them. */

/** "1.24 s", "12.3 ms", "45 µs", "3 min 20 s". */
export function formatDuration(ns: number): string {
  if (!(ns >= 0)) return "–";
  if (ns < 999.5) return `${Math.round(ns)} ns`;
  if (ns < 999.5e3) return `${threeDigits(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${threeDigits(ns / 1e6)} ms`;
  if (ns < 59.95e9) return `${threeDigits(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function threeDigits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  if (value < 99.95) return value.toFixed(1);
  return value.toFixed(0);
}

/** "34 %", "<1 %". */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.5) return "<1 %";
  return `${Math.round(percent)} %`;
}

/** "1 thread", "4 threads". */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
}

/** "12 345". */
export function formatCount(count: number): string {
  const text = String(count);
  return count >= 1e4 && Number.isInteger(count) ? text.replace(/\B(?=(\d{3})+$)/g, "\u202f") : text;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  if (bytes < 1e6) return `${threeDigits(bytes / 1e3)} kB`;
  if (bytes < 1e9) return `${threeDigits(bytes / 1e6)} MB`;
  return `${threeDigits(bytes / 1e9)} GB`;
}

/**
 * The text with nothing in it that a terminal would obey or that would hide or turn around what stands there:
 * control characters become their pictures (␛, ␊), bidirectional controls and other invisible ones their code.
 */
export function printable(text: string): string {
  let out = "";
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x20) out += String.fromCodePoint(0x2400 + code);
    else if (code === 0x7f) out += "␡";
    else if (code >= 0x80 && code < 0xa0) out += `\\x${code.toString(16)}`;
    else if (INVISIBLE.test(character)) out += `\\u{${code.toString(16)}}`;
    else out += character;
  }
  return out;
}

const INVISIBLE = /[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/u;
