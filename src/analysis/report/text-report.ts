/** The report for a terminal. Takes only the JSON report, so that both always say the same. */
import { formatBytes, formatCount, formatDuration, formatShare, plural, printable } from "./format.js";
import type { Finding, JsonReport } from "./report-types.js";
import { padEnd, padStart, shorten, textWidth, wrap } from "./text-width.js";

export interface TextReportOptions {
  /** Columns of the terminal; 80 if not told. */
  readonly width?: number;
  /** Whether to use colours (only for a terminal). */
  readonly colour?: boolean;
  /** Where the trace is, to be said at the end. */
  readonly tracePath?: string;
  readonly htmlPath?: string;
}

type Paint = (text: string) => string;

interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly magenta: Paint;
  readonly grey: Paint;
}

const plain: Paint = (text) => text;
const sgr =
  (on: number, off: number): Paint =>
  (text) =>
    text === "" ? "" : `\x1b[${on}m${text}\x1b[${off}m`;
const COLOURS: Palette = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  magenta: sgr(35, 39),
  grey: sgr(90, 39),
};
const NO_COLOURS: Palette = {
  bold: plain,
  dim: plain,
  red: plain,
  green: plain,
  yellow: plain,
  magenta: plain,
  grey: plain,
};

/** How many rows a table and how many findings the terminal gets; the JSON has all. */
const MOST_ROWS = 5;
const MOST_FINDINGS = 6;
const HUNG = "it could never go on";

export function textReport(report: JsonReport, options: TextReportOptions = {}): string {
  const width = Math.max(40, Math.min(options.width ?? 80, 120));
  const paint = options.colour ? COLOURS : NO_COLOURS;
  const lines: string[] = [];
  headline(lines, report, width, paint);
  tables(lines, report, width, paint);
  findings(lines, report, width, paint);
  if (report.cut !== "") {
    lines.push("");
    for (const line of wrap(`Note: ${printable(report.cut)}`, width - 2)) lines.push(`  ${paint.yellow(line)}`);
  }
  const paths: [string, string | undefined][] = [
    ["Trace", options.tracePath],
    ["Timeline", options.htmlPath],
  ];
  const told = paths.filter(([, path]) => path !== undefined && path !== "");
  if (told.length > 0) lines.push("");
  for (const [label, path] of told) lines.push(`  ${paint.dim(padEnd(label, 9))} ${printable(path!)}`);
  return `${lines.join("\n")}\n`;
}

function headline(lines: string[], report: JsonReport, width: number, paint: Palette): void {
  const command = printable(report.command.join(" ")) || "trace";
  const ending = report.hung
    ? paint.red(report.signal === null && report.exitCode === null ? HUNG : `stopped: ${HUNG}`)
    : report.signal
      ? paint.red(`killed by ${printable(report.signal)}`)
      : report.exitCode === null
        ? paint.yellow("end unknown")
        : report.exitCode === 0
          ? paint.green("exit code 0")
          : paint.red(`exit code ${report.exitCode}`);
  const room = width - (report.hung ? 44 : 26);
  lines.push(`${paint.bold("Heddle")}  ${shorten(command, room)}  ${ending}`, "");

  const used = report.coresUsed;
  const share = report.coresAvailable > 0 ? used / report.coresAvailable : 0;
  const cores =
    report.coreSource === "process-only" && used === 0
      ? plural(report.coresAvailable, "core")
      : `${used.toFixed(2)} of ${report.coresAvailable} cores used on average (${formatShare(share)})`;
  const counts = `${plural(report.processes.length, "process")}, ${plural(report.threads.length, "thread")}`;
  joined(lines, [`${formatDuration(report.durationNs)} wall time`, cores, counts], " · ", width, paint.bold);

  const sum = (key: "runningNs" | "runnableNs" | "blockedNs" | "idleNs" | "ioNs") =>
    report.threads.reduce((total, thread) => total + thread[key], 0);
  const parts: { label: string; ns: number; paint: Paint; sign: string }[] = [
    { label: "running", ns: sum("runningNs"), paint: paint.green, sign: "█" },
    { label: "ready", ns: sum("runnableNs"), paint: paint.yellow, sign: "▓" },
    { label: "blocked", ns: sum("blockedNs"), paint: paint.red, sign: "▒" },
    { label: "I/O", ns: sum("ioNs"), paint: paint.magenta, sign: "░" },
    { label: "idle", ns: sum("idleNs"), paint: paint.grey, sign: "·" },
  ];
  const total = parts.reduce((all, part) => all + part.ns, 0);
  if (total > 0) {
    lines.push(`  ${stateBar(parts, total, Math.min(width - 4, 72))}`);
    const shares = parts.filter((part) => part.ns > 0);
    const legend = shares.map((part) => `${part.sign} ${part.label} ${formatShare(part.ns / total)}`);
    joined(lines, [...legend, "of all threads' time"], "  ", width, (text) => {
      const part = shares.find(({ sign }) => text.startsWith(`${sign} `));
      return part ? part.paint(part.sign) + text.slice(1) : paint.dim(text);
    });
  }
  if (report.coreSource === "sampled") {
    for (const line of wrap("Times on cores are sampled: the system does not show context switches here.", width - 2)) {
      lines.push(`  ${paint.dim(line)}`);
    }
  }
}

/** Parts beside each other, on as many lines as they need. */
function joined(lines: string[], parts: readonly string[], between: string, width: number, paint: Paint): void {
  let used = 0;
  let line = "";
  for (const part of parts) {
    if (used > 0 && used + textWidth(between) + textWidth(part) > width - 2) {
      lines.push(`  ${line}`);
      used = 0;
      line = "";
    }
    line += (used > 0 ? between : "") + paint(part);
    used += (used > 0 ? textWidth(between) : 0) + textWidth(part);
  }
  lines.push(`  ${line}`);
}

/** One bar, split by shares; what is there at all gets at least one sign. */
function stateBar(parts: { ns: number; paint: Paint; sign: string }[], total: number, width: number): string {
  const cells = parts.map((part) => (part.ns > 0 ? Math.max(1, Math.round((part.ns / total) * width)) : 0));
  for (let over = cells.reduce((sum, n) => sum + n, 0) - width; over !== 0; over -= Math.sign(over)) {
    const widest = cells.indexOf(Math.max(...cells));
    cells[widest]! -= Math.sign(over);
  }
  return parts.map((part, i) => part.paint(part.sign.repeat(cells[i]!))).join("");
}

interface Column {
  readonly title: string;
  readonly left?: boolean;
}

function tables(lines: string[], report: JsonReport, width: number, paint: Palette): void {
  const where = (site: string) => shortened(site, report);
  const locks = costliest(
    report.locks,
    (lock) => lock.wait.totalNs,
    (lock) => lock.acquisitions,
  );
  table(
    lines,
    "Locks",
    [{ title: "waited" }, { title: "longest" }, { title: "waits" }, { title: "taken" }, { title: "held" }],
    locks.map((lock) => ({
      name: lock.name,
      site: where(lock.site),
      cells: [
        formatDuration(lock.wait.totalNs),
        formatDuration(lock.wait.maxNs),
        formatCount(lock.contended),
        formatCount(lock.acquisitions),
        formatDuration(lock.hold.totalNs),
      ],
    })),
    report.locks.length,
    width,
    paint,
  );
  const queues = costliest(
    report.queues,
    (queue) => queue.putWait.totalNs + queue.getWait.totalNs,
    (queue) => queue.puts,
  );
  table(
    lines,
    "Queues",
    [{ title: "put wait" }, { title: "get wait" }, { title: "items" }, { title: "max depth" }, { title: "mean stay" }],
    queues.map((queue) => ({
      name: queue.name,
      site: where(queue.site),
      cells: [
        formatDuration(queue.putWait.totalNs),
        formatDuration(queue.getWait.totalNs),
        formatCount(queue.puts),
        queue.capacity > 0 ? `${queue.maxDepth}/${queue.capacity}` : `${queue.maxDepth}`,
        formatDuration(queue.residence.meanNs),
      ],
    })),
    report.queues.length,
    width,
    paint,
  );
  const pools = costliest(
    report.pools,
    (pool) => pool.run.totalNs,
    (pool) => pool.tasks,
  );
  table(
    lines,
    "Pools",
    [{ title: "tasks" }, { title: "workers" }, { title: "busy" }, { title: "mean run" }, { title: "mean wait" }],
    pools.map((pool) => ({
      name: pool.name,
      site: where(pool.site),
      cells: [
        pool.failed > 0 ? `${formatCount(pool.tasks)} (${pool.failed} failed)` : formatCount(pool.tasks),
        String(pool.workers),
        formatShare(pool.busyFraction),
        formatDuration(pool.run.meanNs),
        formatDuration(pool.queueWait.meanNs),
      ],
    })),
    report.pools.length,
    width,
    paint,
  );
}

function costliest<T>(rows: readonly T[], cost: (row: T) => number, use: (row: T) => number): T[] {
  return rows
    .filter((row) => use(row) > 0 || cost(row) > 0)
    .sort((x, y) => cost(y) - cost(x) || use(y) - use(x))
    .slice(0, MOST_ROWS);
}

/**
 * "/work/src/bank.ts:12" as seen from where the script ran, or from where the script is: "src/bank.ts:12". What is
 * in neither stays whole.
 */
function shortened(site: string, report: JsonReport): string {
  const script = report.command[0] ?? "";
  const folders = [report.cwd, script.slice(0, Math.max(0, script.lastIndexOf("/"), script.lastIndexOf("\\")))];
  for (const folder of folders) {
    if (folder === "") continue;
    const inside = `${folder.replaceAll("\\", "/").replace(/\/$/, "")}/`;
    if (site.replaceAll("\\", "/").startsWith(inside)) return site.slice(inside.length);
  }
  return site;
}

function table(
  lines: string[],
  title: string,
  columns: readonly Column[],
  rows: readonly { name: string; site: string; cells: string[] }[],
  all: number,
  width: number,
  paint: Palette,
): void {
  if (rows.length === 0) return;
  const widths = columns.map((column, i) =>
    Math.max(textWidth(column.title), ...rows.map((row) => textWidth(row.cells[i]!))),
  );
  // A narrow terminal gets fewer columns, not a name that cannot be read.
  const taken = () => widths.reduce((sum, w) => sum + w + 2, 0);
  while (widths.length > 1 && width - 2 - taken() < 12) widths.pop();
  const rest = width - 2 - taken();
  const names = rows.map((row) => printable(row.name));
  // A name that already ends with its place needs no second telling.
  const sites = rows.map((row, i) => (siteInName(names[i]!, row.site) ? "" : printable(row.site)));
  const label = title + (all > rows.length ? ` (${rows.length} of ${all})` : "");
  const wantName = Math.max(textWidth(label), ...names.map(textWidth));
  const wantSite = Math.max(0, ...sites.map(textWidth));
  const nameWidth = Math.max(
    8,
    Math.min(wantName, wantSite === 0 ? rest : Math.max(rest - wantSite - 2, Math.floor(rest * 0.45))),
  );
  const siteWidth = wantSite === 0 ? 0 : Math.max(0, Math.min(wantSite, rest - nameWidth - 2));
  const line = (name: string, site: string, cells: readonly string[], style: [Paint, Paint, Paint]) => {
    const front = style[0](padEnd(shorten(name, nameWidth), nameWidth));
    const middle = siteWidth > 0 ? `  ${style[1](padEnd(shorten(site, siteWidth, true), siteWidth))}` : "";
    const back = cells
      .slice(0, widths.length)
      .map((cell, i) => `  ${style[2](padStart(cell, widths[i]!))}`)
      .join("");
    return `  ${front}${middle}${back}`.trimEnd();
  };
  lines.push("");
  lines.push(
    line(
      label,
      "",
      columns.map((column) => column.title),
      [paint.bold, paint.dim, paint.dim],
    ),
  );
  rows.forEach((row, i) => {
    lines.push(line(names[i]!, sites[i]!, row.cells, [plain, paint.dim, plain]));
  });
}

function siteInName(name: string, site: string): boolean {
  return site !== "" && name.endsWith(site.slice(Math.max(site.lastIndexOf("/"), site.lastIndexOf("\\")) + 1));
}

function findings(lines: string[], report: JsonReport, width: number, paint: Palette): void {
  if (report.findings.length === 0) return;
  lines.push("", `  ${paint.bold("Findings")}`);
  const signs: Record<Finding["severity"], string> = {
    error: paint.red("✖"),
    warning: paint.yellow("▲"),
    info: paint.dim("●"),
  };
  for (const finding of report.findings.slice(0, MOST_FINDINGS)) {
    const cost = finding.costNs > 0 ? `  ${formatDuration(finding.costNs)}` : "";
    const title = shorten(printable(finding.title), width - 4 - textWidth(cost));
    lines.push(`  ${signs[finding.severity]} ${paint.bold(title)}${paint.dim(cost)}`);
    for (const line of wrap(printable(finding.detail), width - 4)) lines.push(`    ${line}`);
    const sites = finding.sites.map((site) => printable(shortened(site, report)));
    if (sites.length > 0) lines.push(`    ${paint.dim(`at ${sites.join(", ")}`)}`);
    wrap(printable(finding.advice), width - 6).forEach((line, i) => {
      lines.push(`    ${i === 0 ? "→" : " "} ${line}`);
    });
  }
  const more = report.findings.length - MOST_FINDINGS;
  if (more > 0) lines.push(`    ${paint.dim(`and ${more} more in the JSON report`)}`);
}

/** One line: what the recorder stored. */
export function recorderLine(report: JsonReport): string {
  const { events, dropped, bytes } = report.recorder;
  const lost = dropped > 0 ? `, ${plural(dropped, "event")} dropped` : "";
  return `${plural(events, "event")} in ${formatBytes(bytes)}${lost}`;
}
