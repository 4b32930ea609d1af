/**
 * What a thread has not yet written to the trace of locks that it has again and again for a moment each (see
 * `mutex.ts`). It is written soon: in the next turns of the event loop, before the thread blocks, and at its end. Of a
 * thread that is terminated while it computes, the recorder tells it from the ledger (`hold-ledger.ts`).
 */
const SOON_MS = 20;

/** What has something to write. */
interface Unwritten {
  writeOut(): void;
}

const unwritten = new Set<Unwritten>();
let soon: NodeJS.Timeout | null = null;
let atExit = false;

/** Has `what` written out soon. */
export function writeOutSoon(what: Unwritten): void {
  unwritten.add(what);
  if (soon === null) {
    soon = setTimeout(() => {
      soon = null;
      writeOutAll();
    }, SOON_MS);
    soon.unref();
  }
  if (atExit) return;
  atExit = true;
  process.prependListener("exit", writeOutAll);
}

/** Writes out what there is; to be called before the thread blocks. */
export function writeOutAll(): void {
  if (unwritten.size === 0) return;
  const all = [...unwritten];
  unwritten.clear();
  for (const what of all) what.writeOut();
}
