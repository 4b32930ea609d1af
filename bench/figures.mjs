/**
 * Figures and the tables they stand in: a figure is what several rounds measured of one thing, shown as its median with
 * the least and the greatest beside it. A table prints as text for a terminal and as Markdown for the documentation.
 */

/** The middle of some numbers, or half way between the two middle ones. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A number with as many digits as a reader can use. */
export function readable(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(2);
}

/** What the rounds measured of one thing. */
export class Figure {
  constructor(samples) {
    this.samples = samples;
    this.median = median(samples);
  }

  /** The same with each sample changed: `nanoseconds.map((ns) => 1e9 / ns)`. */
  map(change) {
    return new Figure(this.samples.map(change));
  }

  toString() {
    if (this.samples.length === 1) return readable(this.median);
    const [least, greatest] = [Math.min(...this.samples), Math.max(...this.samples)];
    return `${readable(this.median)} (${readable(least)}…${readable(greatest)})`;
  }
}

/** How many times the reference a figure is, by medians; nothing where one of them is missing. */
export function ratio(figure, reference) {
  if (!(figure instanceof Figure) || !(reference instanceof Figure)) return "";
  return (figure.median / reference.median).toFixed(2);
}

/** Rows of a name and cells (figures or texts) under columns. `id` names the table in files and documents. */
export class Table {
  constructor(id, title, columns) {
    Object.assign(this, { id, title, columns, rows: [], notes: [] });
  }

  /** Adds a row; missing cells stay empty. */
  row(name, ...cells) {
    this.rows.push(this.columns.map((_, i) => [name, ...cells][i] ?? ""));
  }

  /** Adds a sentence below the table. */
  note(text) {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  toText() {
    const lines = [this.columns, ...this.rows].map((row) => row.map(String));
    const widths = this.columns.map((_, i) => Math.max(...lines.map((row) => row[i].length)));
    const pad = (cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
    const body = lines.map((row) => `  ${row.map(pad).join("  ")}`.trimEnd());
    return ["", this.title, ...body, ...this.notes.map((note) => `  ${note}`)].join("\n");
  }

  toMarkdown() {
    const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
    const rule = `|${this.columns.map((_, i) => (i === 0 ? "---" : "---:")).join("|")}|`;
    const notes = this.notes.flatMap((note) => ["", note]);
    return [`${this.title}:`, "", line(this.columns), rule, ...this.rows.map(line), ...notes].join("\n");
  }

  /** The raw figures: every sample of every cell. */
  toJSON() {
    const { id, title, columns, notes } = this;
    const raw = (cell) => (cell instanceof Figure ? { median: cell.median, samples: cell.samples } : cell);
    return { id, title, columns, rows: this.rows.map((row) => row.map(raw)), notes };
  }
}
