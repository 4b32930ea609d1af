/** The report as JSON: `docs/report.md` explains it, `docs/report.schema.json` checks it. Times are integers in nanoseconds. */
import type { CoreSource } from "../model.js";

export interface DurationSummary {
  totalNs: number;
  meanNs: number;
  p50Ns: number;
  p99Ns: number;
  maxNs: number;
}

export interface ProcessReport {
  pid: number;
  name: string;
  /** -1 for the one the user started. */
  parentPid: number;
  startNs: number;
  /** The end of the trace if it still ran then. */
  endNs: number;
  exitCode: number | null;
  signal: string | null;
}

export interface ThreadReport {
  id: string;
  pid: number;
  tid: number;
  name: string;
  startNs: number;
  endNs: number;
  cpuNs: number;
  runningNs: number;
  runnableNs: number;
  blockedNs: number;
  idleNs: number;
  /** Off its core within its own code, in no wait of ours: files, network, page faults. */
  ioNs: number;
}

export interface LockReport {
  id: string;
  kind: string;
  name: string;
  scope: "thread" | "process" | "manager";
  site: string;
  acquisitions: number;
  contended: number;
  timeouts: number;
  wait: DurationSummary;
  hold: DurationSummary;
  maxWaiters: number;
}

export interface QueueReport {
  id: string;
  kind: string;
  name: string;
  site: string;
  capacity: number;
  puts: number;
  gets: number;
  /** Items that were reported done, and, where anybody reports or joins, those put that were not. */
  done: number;
  unfinished: number;
  maxDepth: number;
  meanDepth: number;
  putWait: DurationSummary;
  getWait: DurationSummary;
  /** Waits until every item was reported done. */
  joinWait: DurationSummary;
  /** From put to get. */
  residence: DurationSummary;
}

export interface PoolReport {
  id: string;
  kind: string;
  name: string;
  site: string;
  workers: number;
  tasks: number;
  failed: number;
  cancelled: number;
  /** From submit to start. */
  queueWait: DurationSummary;
  run: DurationSummary;
  maxQueued: number;
  /** 0 to 1: of the workers' time from the first task to the last. */
  busyFraction: number;
}

export interface ConnectionReport {
  id: string;
  kind: string;
  name: string;
  site: string;
  /** The processes that had an end of it. */
  pids: number[];
  messages: number;
  bytes: number;
  /** From sending to receiving, of those of which both are recorded. */
  transit: DurationSummary;
  /** Waits for a message, and for room to send one. */
  receiveWait: DurationSummary;
  sendWait: DurationSummary;
}

export interface RequestsReport {
  requests: number;
  failed: number;
  /** From asking to the answer, at the client. */
  total: DurationSummary;
  /** Of it, in the server's method. */
  served: DurationSummary;
  /** Of it, on the wire and in line: what is not in the method. */
  wire: DurationSummary;
}

export interface ManagerReport extends RequestsReport {
  /** The server's, 0 if it is not recorded. */
  pid: number;
  name: string;
  /** Threads that asked. */
  clients: number;
  /** By "type.method", the costliest first. */
  methods: ({ name: string } & RequestsReport)[];
}

export interface CoreReport {
  core: number;
  busyNs: number;
  ownNs: number;
  otherNs: number;
  idleNs: number;
  migrations: number;
}

export interface DeadlockStep {
  thread: string;
  waitsFor: string;
  heldBy: string;
  site: string;
}

export type Severity = "info" | "warning" | "error";

export interface Finding {
  rule: string;
  severity: Severity;
  title: string;
  detail: string;
  costNs: number;
  subjects: string[];
  sites: string[];
  advice: string;
}

/** Where a finding is seen: by the waits, tasks, pauses or states that it was made of. */
export interface FindingPlace {
  /** Those it cost most first. */
  threads: string[];
  /** From the first to the last of it; of too little parallelism, where most was lost by it. */
  startNs: number;
  endNs: number;
  /** How many waits, tasks, pauses or times in a state. */
  count: number;
  /** The longest of them; "" for the site where there is none. */
  longest: { thread: string; startNs: number; endNs: number; site: string } | null;
}

export interface LocatedFinding extends Finding {
  /** Null if there is nothing to be seen of it. */
  where: FindingPlace | null;
}

export interface JsonReport {
  version: 1;
  command: string[];
  cwd: string;
  startedAt: string;
  exitCode: number | null;
  signal: string | null;
  /** It came to where none of its threads could ever go on. */
  hung: boolean;
  durationNs: number;
  coresAvailable: number;
  /** Average over the duration. */
  coresUsed: number;
  /** What is missing of the trace, for a person; "" if nothing is. */
  cut: string;
  processes: ProcessReport[];
  threads: ThreadReport[];
  locks: LockReport[];
  queues: QueueReport[];
  pools: PoolReport[];
  connections: ConnectionReport[];
  managers: ManagerReport[];
  cores: CoreReport[];
  coreSource: CoreSource;
  deadlocks: { cycle: DeadlockStep[] }[];
  findings: LocatedFinding[];
  recorder: { events: number; dropped: number; bytes: number; overheadNs: number };
}
