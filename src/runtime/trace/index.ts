/**
 * heddle/trace: the script's own entries on the timeline. Without a trace they do next to nothing.
 */
import { inspect } from "node:util";
import { callSite, emit, intern, recording, threadNumber } from "../../recorder/emit.js";
import { EventFlag, EventKind } from "../../trace/events.js";
import { checkOptions, knownOptions } from "../core/check-options.js";
import "../core/hold.js";

const ENTRY_OPTIONS = knownOptions("{ detail: { key: 1 } }", "detail", "category");
const COUNTER_OPTIONS = knownOptions('{ unit: "ms" }', "unit");

/** What the timeline shows beside a name. */
export type Detail = string | number | boolean | { readonly [key: string]: string | number | boolean | null };

export interface EntryOptions {
  /** Shown when the entry is selected. */
  detail?: Detail | undefined;
  /** Gives entries a common colour and filter. */
  category?: string | undefined;
}

/** A stretch of time on the lane of its thread or task; it ends with the `using` block. */
export interface Span extends Disposable {
  /** Adds to, or replaces, its detail. */
  annotate(detail: Detail): void;
  /** Ends it early; further calls and the disposal then do nothing. */
  end(): void;
}

/** True while somebody records. */
export function isTracing(): boolean {
  return recording;
}

class SilentSpan implements Span {
  annotate(_detail: Detail): void {}
  end(): void {}
  [Symbol.dispose](): void {}
}
const silent = new SilentSpan();

let lastSpan = 0;

const isRecord = (detail: Detail | undefined): detail is { readonly [key: string]: string | number | boolean | null } =>
  typeof detail === "object" && detail !== null;

/** Anything as text. What a script hands in only to be shown never makes it fail, least of all under trace alone. */
function shown(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return typeof value === "object" ? inspect(value) : String(value);
  } catch {
    return typeof value;
  }
}

/** A detail as JSON; what JSON has no form for is in it as text. */
function detailText(detail: unknown): string {
  try {
    const json: string | undefined = JSON.stringify(detail);
    if (json !== undefined) return json;
  } catch {
    // A bigint, or something that contains itself.
  }
  return JSON.stringify(shown(detail));
}

/** The number of a text that may be missing: then 0. */
const internIfAny = (text: unknown): number => (text === undefined || text === null ? 0 : intern(shown(text)));

/**
 * Where entries of a name are made. Taking a stack costs microseconds, so a name that came from one place every time
 * so far is believed to come from there, and looked at again only now and then.
 */
const sites = new Map<string, { site: number; same: number }>();
const MANY_NAMES = 4096;
const SURE_AFTER = 16;
const LOOK_AGAIN_EVERY = 1024;

function siteOf(name: string): number {
  const known = sites.get(name);
  if (known === undefined) {
    const site = callSite();
    if (sites.size < MANY_NAMES) sites.set(name, { site, same: 1 });
    return site;
  }
  known.same++;
  if (known.same > SURE_AFTER && known.same % LOOK_AGAIN_EVERY !== 0) return known.site;
  const site = callSite();
  if (site !== known.site) {
    known.site = site;
    known.same = 1;
  }
  return site;
}

class RecordedSpan implements Span {
  private readonly number = ++lastSpan;
  private ended = false;
  private detail: Detail | undefined;

  constructor(name: string, options: EntryOptions | undefined) {
    const site = siteOf(name);
    const [nameNumber, categoryNumber] = [intern(name), internIfAny(options?.category)];
    emit(EventKind.SpanBegin, categoryNumber, site, this.number, nameNumber, 0);
    if (options?.detail !== undefined) this.annotate(options.detail);
  }

  annotate(detail: Detail): void {
    if (this.ended) return;
    this.detail = isRecord(detail) && isRecord(this.detail) ? { ...this.detail, ...detail } : detail;
    emit(EventKind.Detail, 0, 0, this.number, intern(detailText(this.detail)), 0);
  }

  end(): void {
    this.finish(0);
  }

  finish(flags: number): void {
    if (this.ended) return;
    this.ended = true;
    emit(EventKind.SpanEnd, 0, 0, this.number, 0, flags);
  }

  [Symbol.dispose](): void {
    this.finish(0);
  }
}

/**
 * Calls `fn` inside a span, which ends when the call returns or the promise it returns settles.
 *
 * @example
 * ```ts
 * import { span } from "heddle/trace";
 *
 * const words = span("parse", () => "to be or not to be".split(" "), { detail: "Hamlet" });
 *
 * {
 *   using part = span("count");
 *   part.annotate({ words: words.length });
 *   console.log(words.length); // prints 6
 * } // ends here
 * ```
 */
export function span<T>(name: string, fn: (span: Span) => T, options?: EntryOptions): T;
/** Begins a span, by `using part = span("parse")`. */
export function span(name: string, options?: EntryOptions): Span;
export function span<T>(name: string, second?: ((span: Span) => T) | EntryOptions, third?: EntryOptions): T | Span {
  checkOptions(typeof second === "function" ? third : second, ENTRY_OPTIONS);
  if (typeof second !== "function") return recording ? new RecordedSpan(shown(name), second) : silent;
  if (!recording) return second(silent);
  const part = new RecordedSpan(shown(name), third);
  let result: T;
  try {
    result = second(part);
  } catch (error) {
    part.finish(EventFlag.Failed);
    throw error;
  }
  if (typeof (result as { then?: unknown } | null | undefined)?.then === "function") {
    (result as unknown as PromiseLike<unknown>).then(
      () => part.finish(0),
      () => part.finish(EventFlag.Failed),
    );
  } else {
    part.finish(0);
  }
  return result;
}

/**
 * Marks an instant on the lane of the thread or task.
 *
 * @example
 * ```ts
 * import { mark } from "heddle/trace";
 *
 * mark("cache miss", { category: "cache", detail: { key: "user/7" } });
 * ```
 */
export function mark(name: string, options?: EntryOptions): void {
  checkOptions(options, ENTRY_OPTIONS);
  if (!recording) return;
  const text = shown(name);
  const [nameNumber, categoryNumber] = [intern(text), internIfAny(options?.category)];
  const detail = options?.detail === undefined ? 0 : intern(detailText(options.detail));
  emit(EventKind.Mark, categoryNumber, siteOf(text), 0, nameNumber, 0);
  if (detail !== 0) emit(EventKind.Detail, 0, 0, 0, detail, 0);
}

/**
 * Writes down the value of something that changes; each name is a graph of its own. A value that is no finite number is
 * left out: the one before it holds on.
 *
 * @example
 * ```ts
 * import { counter } from "heddle/trace";
 *
 * for (const level of [3, 7, 5]) counter("water level", level, { unit: "cm" });
 * ```
 */
export function counter(name: string, value: number, options?: { unit?: string }): void {
  checkOptions(options, COUNTER_OPTIONS);
  if (!recording) return;
  const number = typeof value === "number" ? value : Number(shown(value));
  if (!Number.isFinite(number)) return;
  emit(EventKind.Counter, internIfAny(options?.unit), 0, number, intern(shown(name)), 0);
}

/** Names the calling thread on the timeline. */
export function setThreadName(name: string): void {
  if (recording) emit(EventKind.ThreadName, threadNumber, 0, 0, intern(shown(name)), 0);
}
