/** What a user reads of a function that cannot cross: what is wrong, where it was handed in, and what to write instead. */
import { describe } from "./describe-value.js";
import { DataCloneError } from "./errors.js";
import type { FunctionSource } from "./free-variables.js";
import type { FunctionLocation } from "./function-location.js";

type AnyFunction = (...args: never[]) => unknown;

const SHOWN = 40;

/** Whether it has to be called with `new`. */
function isClass(fn: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(fn));
}

/** How a function is called in a message; one without a name by the beginning of its text. */
function nameOf(fn: AnyFunction): string {
  const kind = isClass(fn) ? "class" : "function";
  if (fn.name !== "") return `${kind} ${fn.name}`;
  const text = Function.prototype.toString.call(fn).replace(/\s+/g, " ");
  return `${kind} \`${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}\``;
}

/** Throws `TypeError` if what was handed in cannot be called, as a class or the outcome of a call. */
export function checkCallable(fn: unknown, path: string): void {
  if (typeof fn !== "function") {
    const what = typeof fn === "string" ? `the string ${JSON.stringify(fn)}` : describe(fn);
    throw new TypeError(
      `${path} must be a function, not ${what}; give the function itself, and its arguments beside it`,
    );
  }
  if (isClass(fn)) {
    throw new TypeError(
      `${path}: ${nameOf(fn as AnyFunction)} cannot be called without new; give a function that makes one`,
    );
  }
}

/** The error for a function that is neither known by a name everywhere nor complete in itself. */
export function refusal(
  fn: AnyFunction,
  path: string,
  source: FunctionSource | null,
  located: FunctionLocation | null,
): DataCloneError {
  const error = (text: string, variables: readonly string[] = []) =>
    new DataCloneError(`${path}: ${text}`, { functionName: fn.name || "(anonymous)", variables, path });
  const cannot = `${nameOf(fn)} cannot cross to another thread or process`;

  if (source === null) {
    if (!fn.name.startsWith("bound ")) {
      const name = fn.name === "" ? "a function of the engine" : nameOf(fn);
      return error(
        `${name} cannot cross to another thread or process because it is not written in JavaScript and cannot be found ` +
          "there by its name; call it from a function at the top level of the module",
      );
    }
    return error(
      `${cannot} because nothing tells what it is bound to; ` +
        "write a function at the top level of the module and pass what it is bound to as arguments",
    );
  }

  const object = source.free.filter((name) => name === "this" || name === "super" || name.startsWith("#"));
  if (object.length > 0) {
    return error(
      `${cannot} because it needs its object (${quoted(object)}); ` +
        "write a function at the top level of the module and pass it the object or what it needs of it",
      object,
    );
  }

  const locals = located === null ? source.free : source.free.filter((name) => located.locals.includes(name));
  if (locals.length === 0) {
    return error(
      `${cannot} because it is not at the top level of its module, where it could be found there; move it to the top level`,
      source.free,
    );
  }
  const list = quoted(locals);
  const instead = isClass(fn)
    ? `move it to the top level of the module and keep ${list} in ${locals.length === 1 ? "a field" : "fields"}`
    : `move it to the top level of the module and pass ${list} as ${locals.length === 1 ? "an argument" : "arguments"}`;
  return error(`${cannot} because it uses ${list} from around it; ${instead}`, locals);
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(", ");
}
