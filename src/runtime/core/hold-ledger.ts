/**
 * Which lock of this thread has which entry of the recorder's ledger. There are few entries, and locks are many: one that
 * has none takes that of a lock this thread does not hold, which then writes out what it has not told.
 */
import { ledgerF64, ledgerU32 } from "../../recorder/emit.js";
import { LEDGER_ENTRIES, LedgerF64, LedgerU32 } from "../../recorder/ring-memory.js";

/** A lock with an entry. */
export interface LedgerOwner {
  /** Its entry, or -1. */
  entry: number;
  /** Writes out what it has not told. */
  writeOut(): void;
}

const owners: (LedgerOwner | undefined)[] = [];
let next = 0;

/** Gives a lock an entry. Returns it, or -1 if all belong to locks that the thread holds. */
export function enterLedger(owner: LedgerOwner, object: number): number {
  for (let i = 0; i < LEDGER_ENTRIES; i++) {
    const entry = next;
    next = (next + 1) % LEDGER_ENTRIES;
    if (ledgerF64[entry * LedgerF64.Size + LedgerF64.Began] !== 0) continue;
    const before = owners[entry];
    if (before !== undefined) {
      before.writeOut();
      before.entry = -1;
    }
    owners[entry] = owner;
    ledgerU32[entry * LedgerU32.Size + LedgerU32.Object] = object;
    return entry;
  }
  return -1;
}

/** Notes since when the thread has the lock of an entry; 0 when it has given it back. */
export function noteHold(entry: number, began: number): void {
  ledgerF64[entry * LedgerF64.Size + LedgerF64.Began] = began;
}

/** Notes brief holds that are not told; a count of 0 says that they are now. */
export function noteBrief(entry: number, count: number, since: number, until: number): void {
  ledgerF64[entry * LedgerF64.Size + LedgerF64.Since] = since;
  ledgerF64[entry * LedgerF64.Size + LedgerF64.Until] = until;
  ledgerU32[entry * LedgerU32.Size + LedgerU32.Count] = count;
}
