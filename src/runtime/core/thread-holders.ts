/** The threads of this process as holders of locks: by their records (`threading/thread-record.ts`). */
import { threadNumber } from "../../recorder/emit.js";
import { currentRecord } from "../threading/current-record.js";
import { ThreadRecord, ThreadState } from "../threading/thread-record.js";
import { threadExists } from "./heap-lock.js";
import type { Holders } from "./holder.js";

class ThreadHolders implements Holders {
  readonly ownNumber = threadNumber;
  readonly flag = 0;
  self = 0;

  enter(): number {
    const record = currentRecord();
    // Locks will name it, also after its end.
    record.markKnown();
    this.self = record.index;
    return this.self;
  }

  isDead(holder: number, strict: boolean): boolean {
    const record = new ThreadRecord(holder);
    if (record.returned) return strict && record.state === ThreadState.Ended;
    return record.state === ThreadState.Ended || !threadExists(record.nativeId);
  }

  numberOf(holder: number): number {
    return holder === 0 ? 0 : new ThreadRecord(holder).ident;
  }

  describe(holder: number): string {
    const record = new ThreadRecord(holder);
    return `thread “${record.name}” (number ${record.ident})`;
  }

  nativeIdOf(holder: number): number {
    return new ThreadRecord(holder).nativeId;
  }

  pidOf(): number {
    return process.pid;
  }
}

export const threadHolders: Holders = new ThreadHolders();
