/** The traceback of a process that an error ended. */
import { withoutOwnFrames } from "../core/local-frames.js";
import { writeWhole } from "../core/output.js";

/** Writes what ended a process, as Python does. */
export function reportDeath(name: string, error: unknown): void {
  const what = error instanceof Error ? withoutOwnFrames(error.stack ?? String(error)) : `Uncaught ${String(error)}`;
  writeWhole(2, Buffer.from(`Process ${name}:\n${what}${causes(error)}\n`));
}

function causes(error: unknown): string {
  let text = "";
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; cause instanceof Error && depth < 10; depth++, cause = cause.cause) {
    text += `\nCaused by: ${withoutOwnFrames(cause.stack ?? String(cause))}`;
  }
  return text;
}
