/** The tables of the report for a terminal. */
import { formatBytes, formatCount, formatDuration, formatShare, printable } from "./format.js";
import type { JsonReport } from "./report-types.js";
import { type Paint, type Palette, plain } from "./terminal-colours.js";
import { padEnd, padStart, shorten, textWidth } from "./text-width.js";

/** How many rows a table gets; the JSON has all. */
const MOST_ROWS = 5;

interface Column {
  readonly title: string;
  readonly left?: boolean;
}

/** A table a kind of object: those that cost most. */
export function reportTables(lines: string[], report: JsonReport, width: number, paint: Palette): void {
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
        queue.unfinished > 0 ? `${formatCount(queue.puts)} (${queue.unfinished} unfinished)` : formatCount(queue.puts),
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
  const connections = costliest(
    report.connections,
    (connection) => connection.receiveWait.totalNs + connection.sendWait.totalNs,
    (connection) => connection.messages,
  );
  table(
    lines,
    "Connections",
    [
      { title: "recv wait" },
      { title: "send wait" },
      { title: "messages" },
      { title: "bytes" },
      { title: "on the way" },
    ],
    connections.map((connection) => ({
      name: connection.name,
      site: where(connection.site),
      cells: [
        formatDuration(connection.receiveWait.totalNs),
        formatDuration(connection.sendWait.totalNs),
        formatCount(connection.messages),
        formatBytes(connection.bytes),
        formatDuration(connection.transit.p50Ns),
      ],
    })),
    report.connections.length,
    width,
    paint,
  );
  const methods = report.managers.flatMap((manager) =>
    manager.methods.map((method) => ({
      ...method,
      server: manager.name || (manager.pid > 0 ? `pid ${manager.pid}` : ""),
    })),
  );
  const requests = costliest(
    methods,
    (method) => Math.max(method.total.totalNs, method.served.totalNs),
    (method) => method.requests,
  );
  table(
    lines,
    "Requests",
    [{ title: "took" }, { title: "in server" }, { title: "on wire" }, { title: "requests" }, { title: "mean" }],
    requests.map((method) => ({
      name: method.name,
      site: method.server,
      cells: [
        formatDuration(method.total.totalNs),
        formatDuration(method.served.totalNs),
        formatDuration(method.wire.totalNs),
        method.failed > 0 ? `${formatCount(method.requests)} (${method.failed} failed)` : formatCount(method.requests),
        formatDuration(method.total.meanNs),
      ],
    })),
    methods.length,
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
export function shortened(site: string, report: JsonReport): string {
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
