/** Reads a trace for the commands that work on a saved one. What is wrong with the file is told in one line. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { TraceModel } from "../analysis/model.js";
import { printable } from "../analysis/report/format.js";
import { TraceBuilder } from "../analysis/trace-builder.js";
import { worthKeeping } from "../runner/output-file.js";

/** The file cannot be used; the message is one line for a person. */
export class TraceFileError extends Error {
  override readonly name = "TraceFileError";
}

const PIECE = 1 << 22;

/**
 * The model of a whole trace file. One that was cut or is damaged in parts is read as far as it goes; `model.cut`
 * tells.
 * @throws TraceFileError if it is missing, no file, empty, not a trace, of a newer version, or damaged all over.
 */
export function readTraceFile(path: string): TraceModel {
  const builder = new TraceBuilder();
  builder.saved = true;
  try {
    const file = openSync(path, "r");
    try {
      if (fstatSync(file).isDirectory()) throw new TraceFileError(`${printable(path)} is a folder, not a trace.`);
      const piece = new Uint8Array(PIECE);
      for (;;) {
        const count = readSync(file, piece, 0, PIECE, null);
        if (count === 0) break;
        builder.push(piece.subarray(0, count));
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw asTraceFileError(path, error);
  }
  builder.finish();
  if (builder.problem !== null) throw new TraceFileError(`${printable(path)}: ${printable(builder.problem)}`);
  return builder.model;
}

/** What the system says of a path, in words. */
export function asTraceFileError(path: string, error: unknown): TraceFileError {
  if (error instanceof TraceFileError) return error;
  const name = printable(path);
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return new TraceFileError(`${name} does not exist.`);
  if (code === "EACCES" || code === "EPERM") return new TraceFileError(`${name} may not be read or written by you.`);
  if (code === "EISDIR") return new TraceFileError(`${name} is a folder.`);
  if (code === "ENOSPC") return new TraceFileError(`${name} cannot be written: the disk is full.`);
  return new TraceFileError(`${name}: ${printable(message ?? String(error))}`);
}

/** Runs a command; what is wrong with a file is one line on stderr and exit code 1. */
export async function withTraceErrors(run: () => number | Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof TraceFileError)) throw error;
    process.stderr.write(`heddle: ${error.message}\n`);
    return 1;
  }
}

/** @throws TraceFileError if what is at this path now would be missed: a source file or a trace. */
export function refuseToReplace(path: string): void {
  let kept: string;
  try {
    kept = worthKeeping(path);
  } catch (error) {
    throw asTraceFileError(path, error);
  }
  if (kept === "") return;
  throw new TraceFileError(
    `${printable(path)} is there already and is ${kept}: it is not overwritten. Name another file.`,
  );
}
