/** The report for a terminal. Takes only the JSON report, so that both always say the same. */
import { formatDuration, formatShare, plural, printable } from "./format.js";
import type { Finding, JsonReport } from "./report-types.js";
import { COLOURS, NO_COLOURS, type Paint, type Palette } from "./terminal-colours.js";
import { reportTables, shortened } from "./text-tables.js";
import { padEnd, shorten, textWidth, wrap } from "./text-width.js";

export interface TextReportOptions {
  /** Columns of the terminal; 80 if not told. */
  readonly width?: number;
  /** Whether to use colours (only for a terminal). */
  readonly colour?: boolean;
  /** Where the trace is, to be said at the end. */
  readonly tracePath?: string;
  readonly htmlPath?: string;
}

/** How many findings the terminal gets; the JSON has all. */
const MOST_FINDINGS = 6;
const HUNG = "it could never go on";

export function textReport(report: JsonReport, options: TextReportOptions = {}): string {
  const width = Math.max(40, Math.min(options.width ?? 80, 120));
  const paint = options.colour ? COLOURS : NO_COLOURS;
  const lines: string[] = [];
  headline(lines, report, width, paint);
  reportTables(lines, report, width, paint);
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
      : report.coresAvailable === 0 // The header was lost.
        ? `${plural(used, "core")} used on average`
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
    const room = width - 4 - textWidth(cost);
    const title = wrap(printable(finding.title), room).map((line) => paint.bold(shorten(line, room)));
    lines.push(`  ${signs[finding.severity]} ${title.join("\n    ")}${paint.dim(cost)}`);
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
