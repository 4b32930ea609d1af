/** `heddle report`, and the report at the end of `heddle run`. */
import { writeFileSync } from "node:fs";
import type { WriteStream } from "node:tty";
import { jsonReport } from "../analysis/report/json-report.js";
import type { JsonReport } from "../analysis/report/report-types.js";
import { textReport } from "../analysis/report/text-report.js";
import { asTraceFileError, readTraceFile, withTraceErrors } from "./report-input.js";

export interface ReportCommandOptions {
  readonly json?: boolean;
}

/** Prints the report of a saved trace on stdout. Returns the exit code: 1 if the file cannot be read. */
export function reportCommand(file: string, options: ReportCommandOptions = {}): Promise<number> {
  return withTraceErrors(async () => {
    const report = jsonReport(readTraceFile(file));
    const text = options.json ? asJson(report) : textReport(report, { ...terminalOf(process.stdout), tracePath: file });
    await write(process.stdout, text);
    return 0;
  });
}

export interface RunReportOptions {
  /** The trace. */
  readonly file: string;
  /** The timeline as one HTML file, if it was written. */
  readonly html?: string | undefined;
  readonly report: "text" | "json" | "none";
  /**
   * Writes the report there instead of stderr: as text or JSON as `report` says, and as JSON where `report` is "none"
   * or the file is named *.json (the text then still goes to stderr).
   */
  readonly reportFile?: string | undefined;
  /** How the script ended, where the trace itself does not say. */
  readonly exitCode?: number | null;
  readonly signal?: string | null;
}

/**
 * What `heddle run` says when the script is over. Never throws and never changes an exit code: a report that cannot
 * be made is told in one line on stderr. Returns false then.
 */
export async function printRunReport(options: RunReportOptions): Promise<boolean> {
  const { file, html, report: format, reportFile } = options;
  if (format === "none" && reportFile === undefined) return true;
  const code = await withTraceErrors(async () => {
    const report = jsonReport(readTraceFile(file));
    if (report.exitCode === null && report.signal === null) {
      report.exitCode = options.exitCode ?? null;
      report.signal = options.signal ?? null;
    }
    const paths = { tracePath: file, ...(html === undefined ? {} : { htmlPath: html }) };
    const json = format !== "text" || reportFile?.toLowerCase().endsWith(".json") === true;
    if (reportFile !== undefined) {
      try {
        writeFileSync(reportFile, json ? asJson(report) : textReport(report, { width: 100, ...paths }));
      } catch (error) {
        throw asTraceFileError(reportFile, error);
      }
    }
    if (format === "text" && (reportFile === undefined || json)) {
      await write(process.stderr, `\n${textReport(report, { ...terminalOf(process.stderr), ...paths })}`);
    } else if (format === "json" && reportFile === undefined) await write(process.stderr, asJson(report));
    return 0;
  });
  return code === 0;
}

function asJson(report: JsonReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** Its width, and whether it shows colours. */
function terminalOf(stream: NodeJS.WriteStream): { width: number; colour: boolean } {
  const tty = stream as WriteStream;
  const { NO_COLOR, FORCE_COLOR, COLUMNS, TERM } = process.env;
  const colour =
    FORCE_COLOR !== undefined && FORCE_COLOR !== "0" && FORCE_COLOR !== "false"
      ? true
      : tty.isTTY === true && !NO_COLOR && FORCE_COLOR === undefined && TERM !== "dumb";
  return { width: tty.columns || Number(COLUMNS) || 80, colour };
}

/** Resolves when it is handed to the system: the process may exit then. */
function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((done) => {
    // A reader that went away (`| head`) is no error of ours.
    stream.once("error", () => done());
    stream.write(text, () => done());
  });
}
