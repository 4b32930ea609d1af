/** Why a run could not begin; the message is for the person who asked for it. */
export type RunErrorCode = "no-script" | "script-is-folder" | "no-node" | "node-too-old" | "no-trace-file" | "no-start";

export class RunError extends Error {
  override readonly name = "RunError";
  constructor(
    readonly code: RunErrorCode,
    message: string,
  ) {
    super(message);
  }
}
