/** The little of source maps that the loader writes itself. */

export interface SourceMapJson {
  readonly version: 3;
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function vlq(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += digits[rest > 0 ? digit | 32 : digit];
  } while (rest > 0);
  return text;
}

/** Mappings of a text onto itself, a segment for each word and each sign. */
export function identityMappings(text: string): string {
  let beforeLine = 0;
  let beforeColumn = 0;
  return text
    .split("\n")
    .map((line, lineNumber) => {
      let generated = 0;
      const segments: string[] = [];
      for (const { index } of line.matchAll(/[\p{L}\p{N}_$]+|[^\s\p{L}\p{N}_$]/gu)) {
        segments.push(vlq(index - generated) + vlq(0) + vlq(lineNumber - beforeLine) + vlq(index - beforeColumn));
        generated = index;
        beforeLine = lineNumber;
        beforeColumn = index;
      }
      return segments.join(",");
    })
    .join(";");
}

/**
 * The mappings of a text after a line break was put in at `offset` with what stood there moved to the line's start.
 */
export function splitMappings(mappings: string, text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length - 1;
  const column = offset - (before.lastIndexOf("\n") + 1);
  const lines = mappings.split(";");
  const segments = (lines[line] ?? "").split(",").filter((segment) => segment !== "");
  let at = 0;
  for (let i = 0; i < segments.length; i++) {
    const [delta, length] = readVlq(segments[i]!);
    at += delta;
    if (at < column) continue;
    segments[i] = vlq(at - column) + segments[i]!.slice(length);
    lines[line] = `${segments.slice(0, i).join(",")};${segments.slice(i).join(",")}`;
    return lines.join(";");
  }
  lines[line] = `${lines[line] ?? ""};`;
  return lines.join(";");
}

/** The first number of a segment and how many characters it takes. */
function readVlq(segment: string): [value: number, length: number] {
  let value = 0;
  for (let i = 0, shift = 0; ; i++, shift += 5) {
    const digit = digits.indexOf(segment[i]!);
    value |= (digit & 31) << shift;
    if ((digit & 32) === 0) return [value & 1 ? -(value >>> 1) : value >>> 1, i + 1];
  }
}

/** The comment that carries a map. Its one source is the module itself, whose text Node reads when it shows a line. */
export function inlineMap(mappings: string, source: string): string {
  const map: SourceMapJson = { version: 3, sources: [source], names: [], mappings };
  const encoded = Buffer.from(JSON.stringify(map)).toString("base64");
  return `\n//# sourceMappingURL=data:application/json;base64,${encoded}\n`;
}
