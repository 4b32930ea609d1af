import { describe } from "./describe-value.js";

/**
 * Refuses what is no object in the place of options: Python takes the same by position, and an ignored `new Queue(10)`
 * would have no limit. `example` shows how to say it.
 */
export function checkOptions(options: unknown, example: string): void {
  if (options !== undefined && typeof options !== "object") {
    throw new TypeError(`options must be an object such as ${example}, not ${describe(options)}`);
  }
}
