/**
 * The program of a child process: `dist/process-main.cjs`.
 *
 * The first frame on the channel says who the child is. It is read before anything else is loaded, because the script
 * and the library look at it while they load.
 */
import { readSync } from "node:fs";
import { CHANNEL_FD } from "./channel-fd.js";
import { FRAME_HEADER_BYTES } from "./frames.js";
import { decodeStart, type StartMessage } from "./start-message.js";

/** Blocks until the buffer is full. Ends the process if the parent is gone. */
function readWhole(buffer: Uint8Array): Uint8Array {
  for (let at = 0; at < buffer.length; ) {
    const count = readSync(CHANNEL_FD, buffer, at, buffer.length - at, null);
    if (count === 0) process.exit(1);
    at += count;
  }
  return buffer;
}

const header = readWhole(new Uint8Array(FRAME_HEADER_BYTES));
const start = decodeStart(readWhole(new Uint8Array(new DataView(header.buffer).getUint32(0, true))));

// The script sees its own command line, as in the parent.
process.argv.splice(1, process.argv.length, ...start.argv.slice(1));
process.title = start.who.name;
(globalThis as unknown as Record<symbol, unknown>)[Symbol.for("heddle.child")] = { main: start.main };

// Under plain node nobody has installed the loader yet; in a traced process this does nothing.
const { load } = require("./code-cache.cjs") as { load(name: string): unknown };
(load("loader.cjs") as { register(options: object): void }).register({ hideArgument: true });
const { internal } = load("runtime.cjs") as {
  internal: { runChild(start: StartMessage): void };
};
internal.runChild(start);
