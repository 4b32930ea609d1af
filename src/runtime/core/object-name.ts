/**
 * Names of objects (rule 10): the user's own, or the kind and the file and line of creation. The place is captured when
 * the object is made and put into words only when somebody asks.
 */
import { checkName } from "./check-options.js";
import { localFrames } from "./local-frames.js";

export class ObjectName {
  private text: string | null;
  private readonly place: { stack?: string } | null = null;

  /** `given` is the user's name, if there is one; `kind` is what the object is. */
  constructor(
    given: string | undefined,
    private readonly kind: string,
  ) {
    this.text = checkName(given) ?? null;
    if (this.text === null) {
      this.place = {};
      Error.captureStackTrace(this.place, ObjectName);
    }
  }

  toString(): string {
    if (this.text === null) {
      const first = localFrames(String(this.place?.stack)).split("\n")[0] ?? "";
      const at = /([^\\/]+):(\d+):\d+\)?$/.exec(first);
      const file = at?.[1] ?? "";
      this.text =
        at === null
          ? this.kind
          : `${this.kind} ${first.includes("file://") ? decodeURIComponent(file) : file}:${at[2]}`;
    }
    return this.text;
  }
}
