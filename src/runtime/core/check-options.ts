/**
 * Options objects, looked at before anything is done: a misspelt name (`new Queue({ maxsize: 10 })`) or an argument by
 * position (`new Queue(10)`, as Python takes it) would otherwise be ignored, and the queue have no limit. Known names
 * with the value undefined are as good as absent. A look costs some nanoseconds and allocates nothing.
 */
import { describe } from "./describe-value.js";
import { keepLocalFrames } from "./local-frames.js";

/** What may stand in an options object, made once by {@link knownOptions}. */
export interface KnownOptions {
  /** How to say it. */
  readonly example: string;
  readonly names: ReadonlySet<string>;
}

/** The names a function knows, and an example of their use. */
export function knownOptions(example: string, ...names: string[]): KnownOptions {
  return { example, names: new Set(names) };
}

/** Options of a wait. */
export const WAIT_OPTIONS: KnownOptions = knownOptions("{ timeout: 1000 }", "timeout", "signal");
/** Options of a wait that may also be a single try. */
const ACQUIRE_OPTIONS: KnownOptions = knownOptions(
  "{ timeout: 1000 } or { blocking: false }",
  "timeout",
  "blocking",
  "signal",
);
/** Options of an object that can only be named. */
export const NAME_OPTIONS: KnownOptions = knownOptions('{ name: "orders" }', "name");

/** Throws `TypeError` for what is no object in the place of options, and for an option that is not known. */
export function checkOptions(options: unknown, known: KnownOptions): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) throw noObject(options, known);
  for (const name in options) if (!known.names.has(name)) throw unknown(name, known);
  if (known.names.has("signal")) checkSignal((options as { signal?: unknown }).signal);
}

/** {@link checkOptions} with {@link WAIT_OPTIONS}, for a call that blocks its thread. */
export function checkBlockingOptions(options: object | undefined): void {
  refuseSignal(options);
  checkOptions(options, WAIT_OPTIONS);
}

/** {@link checkOptions} with {@link ACQUIRE_OPTIONS}, for paths on which a set would be felt. */
export function checkAcquireOptions(options: unknown): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) throw noObject(options, ACQUIRE_OPTIONS);
  for (const name in options) {
    if (name !== "timeout" && name !== "blocking" && name !== "signal") throw unknown(name, ACQUIRE_OPTIONS);
  }
  const { blocking, signal } = options as { blocking?: unknown; signal?: unknown };
  if (blocking !== undefined && typeof blocking !== "boolean") {
    throw refusal(`blocking must be true or false, not ${describe(blocking)}`);
  }
  checkSignal(signal);
}

/**
 * Throws `TypeError` for a signal given to a call that blocks its thread: by what runs in that thread it could not be
 * aborted before the call is over.
 */
export function refuseSignal(options: object | undefined): void {
  if ((options as { readonly signal?: unknown } | null | undefined)?.signal === undefined) return;
  const way = "give it a timeout, or await the form without Sync";
  throw refusal(`a signal cannot end a call that blocks its thread: ${way}`);
}

/**
 * Throws `TypeError` for what is no `AbortSignal`: most often it is the controller. Looked at before anything is done,
 * as a wait that fails when it is over has by then taken what it waited for.
 */
function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  const like = signal as Partial<AbortSignal> | null;
  // One of another library, or of another realm.
  if (
    typeof like === "object" &&
    typeof like?.aborted === "boolean" &&
    typeof like.addEventListener === "function" &&
    typeof like.removeEventListener === "function" &&
    typeof like.throwIfAborted === "function"
  ) {
    return;
  }
  const hint = like instanceof AbortController ? "; pass its .signal" : "";
  throw refusal(`signal must be an AbortSignal, not ${describe(signal)}${hint}`);
}

function noObject(options: unknown, { example }: KnownOptions): TypeError {
  return refusal(`options must be an object such as ${example}, not ${describe(options)}`);
}

function refusal(message: string): TypeError {
  const error = new TypeError(message);
  keepLocalFrames(error, undefined, refusal);
  return error;
}

function unknown(name: string, { names, example }: KnownOptions): TypeError {
  const all = [...names];
  const near = nearest(name, all);
  const hint = near === null ? "" : ` (did you mean ${near}?)`;
  const list = all.length === 1 ? `the only option is ${all[0]}` : `the options are ${all.join(", ")}`;
  return refusal(`there is no option ${name}${hint}: ${list}, as in ${example}`);
}

/** The known name that was probably meant, or null. */
function nearest(name: string, known: readonly string[]): string | null {
  const plain = (text: string) => text.replaceAll("_", "").toLowerCase();
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const distance = edits(plain(name), plain(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  // More than a third of it changed is another word.
  return best !== null && least <= Math.max(1, Math.floor(best.length / 3)) ? best : null;
}

/** How many letters must be added, left out, changed or swapped with their neighbour to make one of the other. */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] as number) + 1);
      }
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length] as number;
}

/** A name that a user gives, or undefined. Throws `TypeError` for what is no text. */
export function checkName(name: unknown): string | undefined {
  if (name !== undefined && typeof name !== "string") throw refusal(`name must be a string, not ${describe(name)}`);
  return name;
}

/** Throws `TypeError` for a pool's initializer that is none. */
export function checkInitializer(initializer: unknown): void {
  if (initializer !== undefined && initializer !== null && typeof initializer !== "function") {
    throw new TypeError("initializer must be a function");
  }
}

/** The arguments of a pool's initializer. Throws `TypeError` for what is no array: a string would be taken apart. */
export function checkInitArgs(initArgs: unknown): unknown[] {
  if (initArgs === undefined || initArgs === null) return [];
  if (!Array.isArray(initArgs)) throw new TypeError(`initArgs must be an array, not ${describe(initArgs)}`);
  return [...initArgs];
}

/** A whole number from 1, or Infinity; `otherwise` if none is given. Throws `RangeError` or `TypeError` with `name`. */
export function positive(value: number | undefined | null, name: string, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== "number") throw new TypeError(`${name} must be an integer`);
  if (value < 1 || Number.isNaN(value)) throw new RangeError(`${name} must be greater than 0`);
  if (value !== Number.POSITIVE_INFINITY && !Number.isInteger(value)) throw new TypeError(`${name} must be an integer`);
  return value;
}
