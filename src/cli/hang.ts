/** What `heddle run` says and does when the script can never go on. */
import { findStandstill, standstillText } from "../analysis/report/standstill.js";
import { type Hang, HUNG_EXIT_CODE } from "../runner/hang-monitor.js";
import { readTraceFile } from "./report-input.js";

/** Explains on stderr who waits for whom. Never throws. Returns what is to become of the script. */
export async function explainHang(hang: Hang, file: string, then: "stop" | "wait"): Promise<"stop" | "wait"> {
  process.stderr.write(`\n${explanation(hang, file)}\n`);
  process.stderr.write(
    then === "stop"
      ? `heddle: stopping it; the exit code is ${HUNG_EXIT_CODE}. With --on-hang wait it goes on waiting.\n`
      : "heddle: it goes on waiting; Ctrl+C stops it.\n",
  );
  return then;
}

function explanation({ sinceNs }: Hang, file: string): string {
  try {
    const model = readTraceFile(file);
    const standstill = findStandstill(model);
    if (standstill !== null) return `heddle: ${standstillText(standstill, model.endNs)}`;
  } catch {
    // What is wrong with the file is told by the report.
  }
  return `heddle: This program can never go on: all of its threads wait, since ${(sinceNs / 1e9).toFixed(1)} s after its start.`;
}
