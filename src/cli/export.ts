/** `heddle export`: a saved trace for other tools. */
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import type { TraceModel } from "../analysis/model.js";
import { csvLines } from "./export-csv.js";
import { traceEvents } from "./export-trace-events.js";
import { writeHtml } from "./html.js";
import { asTraceFileError, readTraceFile, refuseToReplace, TraceFileError, withTraceErrors } from "./report-input.js";

const EXPORT_FORMATS = ["perfetto", "chrome", "csv", "html"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportCommandOptions {
  /** perfetto and chrome: the JSON trace-event format, which both read. */
  readonly format: string;
  /** The file to write; stdout without it (HTML needs a file). */
  readonly out?: string | undefined;
}

/** Returns the exit code: 1 with one line on stderr if a file cannot be read or written. */
export function exportCommand(file: string, options: ExportCommandOptions): Promise<number> {
  return withTraceErrors(async () => {
    const { format, out } = options;
    if (!(EXPORT_FORMATS as readonly string[]).includes(format)) {
      throw new TraceFileError(`There is no format "${format}"; there are ${EXPORT_FORMATS.join(", ")}.`);
    }
    const model = readTraceFile(file);
    if (model.cut !== "") process.stderr.write(`heddle: ${model.cut}\n`);
    if (format === "html") {
      if (out === undefined) throw new TraceFileError("Say where the HTML file goes: --out FILE.html");
      refuseToReplace(out);
      await writeHtml(file, out);
      return 0;
    }
    if (out !== undefined) refuseToReplace(out);
    await writeLines(lines(model, format as ExportFormat), out);
    return 0;
  });
}

function lines(model: TraceModel, format: ExportFormat): Iterable<string> {
  return format === "csv" ? csvLines(model) : traceEvents(model);
}

const PIECE = 1 << 16;

async function writeLines(all: Iterable<string>, out: string | undefined): Promise<void> {
  const stream = out === undefined ? process.stdout : createWriteStream(out);
  let failure: unknown = null;
  stream.on("error", (error) => {
    failure = error;
  });
  let piece = "";
  for (const line of all) {
    piece += line;
    if (piece.length < PIECE) continue;
    await written(stream, piece);
    piece = "";
    if (failure) break;
  }
  if (!failure) await written(stream, piece);
  if (out !== undefined && !failure) {
    stream.end();
    await finished(stream).catch((error: unknown) => {
      failure = error;
    });
  }
  // A reader of stdout that went away is no error of ours.
  if (failure && out !== undefined) throw asTraceFileError(out, failure);
}

function written(stream: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((done) => {
    stream.write(text, () => done());
  });
}
