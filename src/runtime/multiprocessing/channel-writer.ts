/**
 * Writes frames from a child to its parent, synchronously: a result is on its way before the next task begins, however
 * long that one blocks the event loop.
 */
import { writeSync } from "node:fs";
import { RESULT_FD } from "./channel-fd.js";
import { FRAME_HEADER_BYTES, MAX_BODY_BYTES, writeHeader } from "./frames.js";

const TOGETHER = 16 * 1024;
const small = new Uint8Array(FRAME_HEADER_BYTES + TOGETHER);
const smallView = new DataView(small.buffer);
/** About what the parent takes to make room. */
const FIRST_PAUSE_MS = 0.02;
const LONGEST_PAUSE_MS = 1;
const nobody = new Int32Array(new SharedArrayBuffer(4));

function writeAll(bytes: Uint8Array, end: number): void {
  let pause = FIRST_PAUSE_MS;
  for (let at = 0; at < end; ) {
    try {
      at += writeSync(RESULT_FD, bytes, at, end - at);
      pause = FIRST_PAUSE_MS;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The parent is gone, and its end is ours.
      if (code !== "EAGAIN") process.exit(1);
      // It blocks by itself, unless somebody made it not to.
      Atomics.wait(nobody, 0, 0, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}

/** Sends a frame. Returns when all of it is written. */
export function sendToParent(kind: number, id: number, body: Uint8Array): void {
  const length = body.byteLength;
  if (length > MAX_BODY_BYTES) throw new RangeError(`A message of ${length} bytes is too large: the most is 4 GiB`);
  writeHeader(smallView, 0, kind, id, length);
  if (length <= TOGETHER) {
    small.set(body, FRAME_HEADER_BYTES);
    writeAll(small, FRAME_HEADER_BYTES + length);
  } else {
    writeAll(small, FRAME_HEADER_BYTES);
    writeAll(body, length);
  }
}
