/**
 * Which processes a run started, and ending them.
 *
 * Children are found through their parents, and those that outlived their parents (which the system hands to another
 * one) by having been seen before, or by the session in the environment they were started with. A process number can be
 * given out again, so a process is its number and the time of its start.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** How long a stopped script may tidy up, milliseconds; what is left then is killed. */
export const PATIENCE = 600;

interface ProcessRow {
  readonly pid: number;
  readonly parentPid: number;
  /** Tells two processes of one number apart. */
  readonly started: string;
}

/** The processes of one run, followed from its first one. */
export class ProcessTree {
  readonly #marker: string | undefined;
  readonly #members = new Map<number, string>();
  /** When the runner or the run's first process began: what began before is not of the run. */
  readonly #begun: number;

  /**
   * `marker` is a text that stands in the environment of the run's processes and in no other's. `first` is the run's
   * first process, for who did not start it.
   */
  constructor(marker?: string, first?: Pick<ProcessRow, "pid" | "started">) {
    this.#marker = marker;
    this.#begun = Number(first?.started ?? findProcess(process.pid)?.started ?? 0);
    if (first !== undefined) this.#members.set(first.pid, first.started);
  }

  /** Adds a process of which it is known that it belongs to the run. */
  add(pid: number): void {
    const row = findProcess(pid);
    if (row !== undefined) this.#members.set(pid, row.started);
  }

  /** The run's processes that live now. */
  living(): number[] {
    const rows = listProcesses();
    const alive = new Set<number>();
    const children = new Map<number, ProcessRow[]>();
    for (const row of rows) {
      const siblings = children.get(row.parentPid);
      if (siblings === undefined) children.set(row.parentPid, [row]);
      else siblings.push(row);
    }
    const take = (row: ProcessRow): void => {
      if (alive.has(row.pid)) return;
      alive.add(row.pid);
      this.#members.set(row.pid, row.started);
      for (const child of children.get(row.pid) ?? []) take(child);
    };
    for (const row of rows) {
      if (this.#members.get(row.pid) === row.started || this.#isMarked(row)) take(row);
    }
    return [...alive];
  }

  #isMarked(row: ProcessRow): boolean {
    if (this.#marker === undefined || process.platform !== "linux" || Number(row.started) < this.#begun) return false;
    try {
      return readFileSync(`/proc/${row.pid}/environ`, "latin1").includes(this.#marker);
    } catch {
      return false;
    }
  }

  /**
   * Waits until no process with the marker lives, and kills those that do so after `patience` milliseconds. Others that
   * the script left behind are its own business.
   */
  async endMarked(patience: number): Promise<void> {
    const begun = performance.now();
    for (;;) {
      const marked = listProcesses().filter((row) => this.#isMarked(row));
      const elapsed = performance.now() - begun;
      if (marked.length === 0 || elapsed > patience + 2000) return;
      if (elapsed >= patience) for (const { pid } of marked) kill(pid, "SIGKILL");
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  /**
   * Ends all of the run's processes: `signal` now, SIGKILL to what is left after `patience` milliseconds. Resolves when
   * none lives, or 2 s after the SIGKILL if some cannot be ended; returns those.
   */
  async end(signal: NodeJS.Signals, patience: number): Promise<number[]> {
    const asked = new Set<number>();
    const begun = performance.now();
    for (;;) {
      const living = this.living();
      if (living.length === 0) return [];
      const elapsed = performance.now() - begun;
      if (elapsed > patience + 2000) return living;
      for (const pid of living) {
        if (elapsed >= patience) kill(pid, "SIGKILL");
        else if (!asked.has(pid)) kill(pid, signal);
        asked.add(pid);
      }
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone, which is what was wanted.
  }
}

/** All processes of the machine that have not ended. */
function listProcesses(): ProcessRow[] {
  if (process.platform === "linux") return fromProc();
  if (process.platform === "win32") return fromWindows();
  const text = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,lstart="], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const [, pid, parentPid, state, started] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+)$/.exec(line) ?? [];
    if (pid === undefined || state?.startsWith("Z")) return [];
    return [{ pid: Number(pid), parentPid: Number(parentPid), started: started ?? "" }];
  });
}

/** The process that has this number now. */
export function findProcess(pid: number): ProcessRow | undefined {
  return process.platform === "linux" ? readStat(String(pid)) : listProcesses().find((row) => row.pid === pid);
}

function fromProc(): ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const name of readdirSync("/proc")) {
    if (!(Number(name) > 0)) continue;
    const row = readStat(name);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

function readStat(pid: string): ProcessRow | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The name before it may hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return { pid: Number(pid), parentPid: Number(fields[1]), started: fields[19] ?? "" };
}

function fromWindows(): ProcessRow[] {
  const query =
    'Get-CimInstance Win32_Process | ForEach-Object { "$($_.ProcessId) $($_.ParentProcessId) $($_.CreationDate.Ticks)" }';
  const text = execFileSync("powershell", ["-NoProfile", "-Command", query], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const [pid, parentPid, started] = line.trim().split(" ");
    return started ? [{ pid: Number(pid), parentPid: Number(parentPid), started }] : [];
  });
}
