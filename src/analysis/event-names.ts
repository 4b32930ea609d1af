/** What numbers in events mean in words. */
import { ObjectScope } from "../trace/events.js";
import type { ObjectTrack } from "./model.js";

/** Names of the signals that have the same number everywhere that a trace comes from. */
export const SIGNALS: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
};

export const GC_NAMES = new Map([
  [1, "GC: scavenge"],
  [2, "GC: minor mark-sweep"],
  [4, "GC: mark-sweep"],
  [8, "GC: incremental"],
  [16, "GC: weak callbacks"],
]);

export const SCOPES: ReadonlyMap<number, ObjectTrack["scope"]> = new Map([
  [ObjectScope.Thread, "thread"],
  [ObjectScope.Process, "process"],
  [ObjectScope.Manager, "manager"],
]);
