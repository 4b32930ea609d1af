/** Widths of text in a terminal's columns. */

/** East Asian wide and emoji: two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const NOTHING = /\p{Mn}|\p{Me}/u;

export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += NOTHING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** At most so wide; what is too long loses its end, or with `keepEnd` its beginning. */
export function shorten(text: string, width: number, keepEnd = false): string {
  if (textWidth(text) <= width) return text;
  if (width <= 1) return "…".slice(0, width);
  const characters = [...text];
  if (keepEnd) characters.reverse();
  let kept = "";
  let used = 1;
  for (const character of characters) {
    used += textWidth(character);
    if (used > width) break;
    kept = keepEnd ? character + kept : kept + character;
  }
  return keepEnd ? `…${kept}` : `${kept}…`;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - textWidth(text))) + text;
}

/** A number stays with its unit. */
const BEFORE_UNIT = /(?<=\d) (?=(ns|µs|ms|s|min|h|%|B|kB|MB|GB)(?![\p{L}\d]))/gu;

/** Breaks at spaces, but not between a number and its unit. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const glued of text.replace(BEFORE_UNIT, "\0").split(" ")) {
    const word = glued.replaceAll("\0", " ");
    if (line !== "" && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  if (line !== "") lines.push(line);
  return lines;
}
