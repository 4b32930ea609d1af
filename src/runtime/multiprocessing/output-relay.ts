/**
 * Output of a child that writes into a pipe (rule 11: live, and a line never torn by another).
 *
 * A child whose output goes to a terminal or a file writes there itself. A pipe is different: writes above PIPE_BUF
 * (4096 bytes) from several processes are torn. So such a child gets a pipe of its own, and the io-service hands on
 * whole lines as they come. The beginning of a line (a prompt) is handed on when nothing follows it for a moment.
 */
import { fstatSync } from "node:fs";
import type { Readable } from "node:stream";

/** How long the beginning of a line waits for its end, in milliseconds. */
const PARTIAL_LINE_MS = 20;
/** A line longer than this is handed on in parts; memory is not to grow without end. */
const LONGEST_LINE_BYTES = 1 << 20;
const NEWLINE = 10;

/** True if what is written to this descriptor by several processes may be torn. */
export function tearsLines(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

/** Hands on what `from` says, whole lines at a time, to `write`. */
export function relayLines(from: Readable, write: (bytes: Uint8Array) => void): void {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let timer: NodeJS.Timeout | null = null;

  const flush = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (heldBytes === 0) return;
    const bytes = held.length === 1 ? held[0]! : Buffer.concat(held);
    held = [];
    heldBytes = 0;
    write(bytes);
  };

  from.on("data", (chunk: Buffer) => {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last >= 0) {
      held.push(chunk.subarray(0, last + 1));
      heldBytes += last + 1;
      flush();
    }
    if (last + 1 < chunk.length) {
      held.push(chunk.subarray(last + 1));
      heldBytes += chunk.length - last - 1;
      if (heldBytes > LONGEST_LINE_BYTES) flush();
      else timer ??= setTimeout(flush, PARTIAL_LINE_MS);
    }
  });
  from.on("end", flush);
  from.on("close", flush);
  from.on("error", flush);
}
