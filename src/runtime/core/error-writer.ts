/** How errors cross: class, message, stack and fields; whatever hangs on one, it arrives. Part of `clone-writer.ts`. */
import { BUILTIN_ERRORS, ErrorClass, T } from "./clone-tags.js";
import { describe } from "./describe-value.js";
import { DataCloneError, errorClasses } from "./errors.js";
import { findModuleReference } from "./function-registry.js";

/** What is needed of a writer. */
interface Writer {
  at: number;
  depth: number;
  readonly path: (string | number)[];
  readonly seen: object[];
  readonly seenMap: ReadonlyMap<object, number> | null;
  byte(n: number): void;
  varint(n: number): void;
  string(text: string): void;
  value(value: unknown): void;
  forget(count: number): void;
}

/** Errors within errors (causes of causes) beyond so many arrive as text. */
const DEEPEST = 100;

/** True for the error of a stack that is full. */
export function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes("call stack");
}

/** Writes an error. */
export function writeError(to: Writer, error: Error): void {
  if (error instanceof DOMException) {
    to.byte(T.DomException);
    to.string(error.message);
    to.string(error.name);
    to.string(String(error.stack ?? ""));
    return;
  }
  to.byte(T.Error);
  const type = (error as { constructor?: unknown }).constructor;
  const typeName = typeof type === "function" ? type.name : "Error";
  const user = typeof type === "function" ? findModuleReference(type) : null;
  if (BUILTIN_ERRORS[typeName] === type) {
    to.byte(ErrorClass.Builtin);
    to.string(typeName);
  } else if ((errorClasses as Record<string, unknown>)[typeName] === type) {
    to.byte(ErrorClass.Ours);
    to.string(typeName);
  } else if (user !== null) {
    to.byte(ErrorClass.Users);
    to.string(builtinBase(error));
    to.string(user.url);
    to.string(user.name);
  } else {
    to.byte(ErrorClass.Unknown);
    to.string(builtinBase(error));
    to.string(typeName);
  }
  to.string(safeString(() => error.message));
  to.string(safeString(() => error.stack));
  const depth = to.depth++;
  // `cause` and `errors` are fields of their own though they are not enumerable.
  const keys = Object.keys(error).filter((key) => key !== "message" && key !== "stack");
  for (const key of ["name", "cause", "errors"]) {
    if (Object.hasOwn(error, key) && !keys.includes(key)) keys.push(key);
  }
  to.varint(keys.length);
  for (const key of keys) {
    to.path[depth] = key;
    to.string(key);
    to.byte(Object.prototype.propertyIsEnumerable.call(error, key) ? 1 : 0);
    let value = (error as unknown as Record<string, unknown>)[key];
    if (depth >= DEEPEST && value instanceof Error) value = describe(value);
    const [at, seen] = [to.at, to.seenMap?.size ?? to.seen.length];
    try {
      to.value(value);
    } catch (problem) {
      // An error must arrive whatever somebody hung on it: what cannot cross arrives as text.
      if (!(problem instanceof DataCloneError) && !isTooDeep(problem)) throw problem;
      to.at = at;
      to.forget(seen);
      to.depth = depth + 1;
      to.string(describe(value));
    }
  }
  to.depth = depth;
}

function safeString(read: () => unknown): string {
  try {
    const value = read();
    return value === undefined ? "" : String(value);
  } catch {
    return "";
  }
}

/** The built-in class an error is at bottom, so that `instanceof` it holds even where its own class is unknown. */
function builtinBase(error: Error): string {
  for (const name of [
    "AggregateError",
    "EvalError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "TypeError",
    "URIError",
  ]) {
    if (error instanceof (BUILTIN_ERRORS[name] as ErrorConstructor)) return name;
  }
  return "Error";
}
