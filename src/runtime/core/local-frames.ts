/** The frames of a stack that are the user's, not the library's or Node's. */

const ownFrames =
  /[\\/]dist[\\/](runtime|thread-main|process-main|io-service|preload|loader)\.cjs|[\\/]src[\\/](runtime|recorder|loader)[\\/]|\(?node:/;

/** The lines of `stack`, by default that of the caller, that stand for the user's code, without the message. */
export function localFrames(stack?: string): string {
  let text = stack;
  if (text === undefined) {
    const holder: { stack?: string } = {};
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 24;
    Error.captureStackTrace(holder, localFrames);
    Error.stackTraceLimit = limit;
    text = String(holder.stack);
  }
  const lines = text.split("\n").filter((line) => /^\s+at /.test(line));
  return lines.filter((line) => !ownFrames.test(line)).join("\n");
}

/** A shown error without the lines that stand for the library and Node; all of it if nothing would be left. */
export function withoutOwnFrames(text: string): string {
  const isFrame = (line: string) => /^\s+at /.test(line);
  const lines = text.split("\n");
  const kept = lines.filter((line) => !isFrame(line) || !ownFrames.test(line));
  return (kept.some(isFrame) ? kept : lines).join("\n");
}
