/**
 * The folder in which two sockets find each other. It is there for a millisecond; whoever is killed within that leaves
 * it to the next one.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { socketBase } from "./socket-base.js";

const PREFIX = "heddle-pair-";
/** Nobody needs one for that long: milliseconds. */
const STALE_MS = 60_000;

let looked = false;

/** Makes one, which only this user may enter. */
export function makePairFolder(): string {
  const base = socketBase();
  if (!looked) removeStale(base);
  looked = true;
  return mkdtempSync(join(base, PREFIX));
}

function removeStale(base: string): void {
  try {
    for (const name of readdirSync(base)) {
      if (name.startsWith(PREFIX)) removeIfStale(join(base, name));
    }
  } catch {
    // A folder may be there to write in only.
  }
}

function removeIfStale(folder: string): void {
  try {
    if (Date.now() - statSync(folder).mtimeMs > STALE_MS) rmSync(folder, { recursive: true, force: true });
  } catch {
    // Somebody else's, or somebody else was faster.
  }
}
