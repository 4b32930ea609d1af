/** The children of this thread whose end nobody has seen. */
import { emit, recording } from "../../recorder/emit.js";
import { EventKind } from "../../trace/events.js";
import { type Inside, inside } from "./process-inside.js";
import { ProcessState } from "./process-record.js";
import { whenChildrenAreFinished } from "./service-client.js";

const children = new Set<object>();
let noticesAtExit = false;

/** A child was started. */
export function addChild(process: object): void {
  if (!noticesAtExit) whenChildrenAreFinished(noticeAll);
  noticesAtExit = true;
  children.add(process);
}

/** Nobody will ask for it any more. */
export function forgetChild(process: object): void {
  children.delete(process);
}

/** Sees that a child has ended, if it has. */
export function notice(process: object, it: Inside): void {
  if (it.noticed || it.record?.state !== ProcessState.Ended) return;
  it.noticed = true;
  children.delete(process);
  if (recording) emit(EventKind.ProcessExit, 0, 0, it.record.pid, it.record.exitCode + 1000, 0);
}

function noticeAll(): void {
  for (const process of [...children]) notice(process, inside(process));
}

/** The living children of this process. */
export function livingChildren(): object[] {
  noticeAll();
  return [...children];
}
