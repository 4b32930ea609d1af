import { SliceKind } from "../../src/analysis/model.js";
import { displayName } from "../model/format.js";

/** What stands in slices, made legible once a name. */
export class SliceNames {
  readonly #names: string[] = [];
  readonly #waits: string[] = [];

  /** `name` is an index into `strings`. */
  of(strings: readonly string[], name: number, kind: number): string {
    this.#names[name] ??= displayName(strings[name] ?? "");
    if (kind !== SliceKind.LockWait) return this.#names[name];
    this.#waits[name] ??= `wait ${this.#names[name]}`;
    return this.#waits[name];
  }
}
