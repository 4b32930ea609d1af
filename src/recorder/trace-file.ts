/** The runner's hand on a trace file: it makes the file, appends what it knows itself, and closes it with the end mark. */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { EndFrame, TraceHeader } from "../trace/frames.js";
import { endMarkFrame, headerFrame } from "../trace/writer.js";

export interface TraceFile {
  readonly path: string;
  /** Appends one whole frame (from `src/trace/writer.ts`) with one write. Throws what the file system throws. */
  write(frame: Uint8Array): void;
  /** Appends the end mark and closes the file. Call it when no process of the trace writes any more. */
  finish(end: Omit<EndFrame, "type">): void;
  /** Closes the file without an end mark: the recording counts as cut off. */
  close(): void;
}

/**
 * Makes the file (and its folder) and writes the header. One of that name is replaced, or if it has to be `isNew`, an
 * error (EEXIST).
 * @throws what the file system throws, such as EACCES.
 */
export function createTraceFile(path: string, header: Omit<TraceHeader, "version">, isNew = false): TraceFile {
  mkdirSync(dirname(path), { recursive: true });
  closeSync(openSync(path, isNew ? "wx" : "w"));
  // Appending: the processes of the trace write to the same file.
  const fd = openSync(path, "a");
  let open = true;
  const write = (frame: Uint8Array): void => {
    if (open) writeSync(fd, frame);
  };
  const close = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  write(headerFrame(header));
  return {
    path,
    write,
    finish(end) {
      write(endMarkFrame(end));
      close();
    },
    close,
  };
}
