// biome-ignore-all lint/complexity/noBannedTypes: Function is any function or class
/**
 * How a function crosses (rule 7 of the API): by reference, never with the variables around it.
 *
 * In order: a top-level function or class of a user's module, by its URL and name (`function-registry.ts`); a function
 * of this library; one of Node's own; a function that names nothing outside itself, as source text. What is left closes
 * over something and throws `DataCloneError` where it was handed in. A script under plain `node`, which no loader has
 * seen, is looked up through the inspector (`function-location.ts`).
 */
import { createRequire } from "node:module";
import { Script } from "node:vm";
import { refusal } from "./crossing-refusal.js";
import { DataCloneError } from "./errors.js";
import { analyseFunction, type FunctionSource } from "./free-variables.js";
import { locateFunction, shadowedGlobals } from "./function-location.js";
import { findModuleReference, findRegistered, isRegistered, type ModuleReference } from "./function-registry.js";
import { importModule } from "./main-script.js";

/** What stands for a function while it crosses: plain data. */
export type FunctionReference =
  | ModuleReference
  /** A function of this library. */
  | { readonly kind: "library"; readonly namespace: string; readonly name: string }
  /** A function of Node's modules or of the language; module "" is the global object, with up to two names. */
  | { readonly kind: "builtin"; readonly module: string; readonly path: readonly string[] }
  /** A function that names nothing outside itself; evaluates to it. */
  | { readonly kind: "source"; readonly name: string; readonly expression: string };

type AnyFunction = (...args: never[]) => unknown;

const cache = new WeakMap<Function, FunctionReference>();
let libraryNamespaces: Record<string, Record<string, unknown>> = {};

/** Tells which namespaces the library has. Called once by the bundle, since they are built on this file. */
export function setLibraryNamespaces(namespaces: Record<string, Record<string, unknown>>): void {
  libraryNamespaces = namespaces;
}

const internals = new Map<string, Function>();

/**
 * Registers a function of the library that is not public, such as the main function of a pool's worker, so that it can
 * be the target of a thread or task. Call it while the bundle loads: it must be known in every thread.
 */
export function registerInternal(name: string, fn: (...args: never[]) => unknown): void {
  internals.set(name, fn);
}

const NODE_MODULES = ["fs", "fs/promises", "path", "crypto", "zlib", "os", "util", "url", "buffer", "timers/promises"];

function findLibrary(fn: Function): FunctionReference | null {
  for (const [name, value] of internals) if (value === fn) return { kind: "library", namespace: "", name };
  for (const [namespace, members] of Object.entries(libraryNamespaces)) {
    for (const [name, value] of Object.entries(members)) {
      if (value === fn) return { kind: "library", namespace, name };
    }
  }
  return null;
}

function findGlobal(fn: Function): FunctionReference | null {
  const all = globalThis as unknown as Record<string, unknown>;
  const { name } = fn;
  if (name !== "" && all[name] === fn) return { kind: "builtin", module: "", path: [name] };
  for (const holder of [
    "console",
    "Math",
    "JSON",
    "Object",
    "Array",
    "Number",
    "String",
    "Promise",
    "Atomics",
    "Reflect",
    "Date",
    "process",
  ]) {
    const object = all[holder] as Record<string, unknown>;
    if (name !== "" && object?.[name] === fn) return { kind: "builtin", module: "", path: [holder, name] };
  }
  return null;
}

function findBuiltin(fn: Function): FunctionReference | null {
  const { name } = fn;
  if (name === "") return null;
  const require = createRequire(__filename);
  for (const module of NODE_MODULES) {
    const exports = require(`node:${module}`) as Record<string, unknown>;
    if (exports[name] === fn) return { kind: "builtin", module, path: [name] };
  }
  return null;
}

/**
 * The reference of a function, to be sent to another thread or process. Throws `DataCloneError`, naming the function,
 * the variables it closes over and how to mend it. `path` says where it was handed in, such as `target`.
 */
export function referenceTo(fn: Function, path = "target"): FunctionReference {
  if (typeof fn !== "function")
    throw new TypeError(`${path} must be a function, not ${fn === null ? "null" : typeof fn}`);
  const known = cache.get(fn);
  if (known !== undefined) return known;
  const reference = findModuleReference(fn) ?? findLibrary(fn) ?? findGlobal(fn) ?? fromSource(fn, path);
  cache.set(fn, reference);
  return reference;
}

/** Globals whose names nobody gives to anything else; most functions use no others. */
const PLAIN_GLOBALS = new Set(["undefined", "NaN", "Infinity", "globalThis", "Math", "JSON", "Object", "Promise"]);

/** What was found out about sources: a function made again and again is the same text at the same place. */
const shadowing = new Map<string, readonly string[]>();

/** Names by which a function means something of its module where another thread would find the global. */
function shadowedBy(fn: Function, { expression, globals }: FunctionSource): readonly string[] {
  const names = globals.filter((name) => !PLAIN_GLOBALS.has(name));
  if (names.length === 0) return names;
  let found = shadowing.get(expression);
  if (found === undefined) {
    found = shadowedGlobals(fn, names);
    shadowing.set(expression, found);
  }
  return found;
}

function fromSource(fn: Function, path: string): FunctionReference {
  let source = analyseFunction(fn);
  if (source !== null && source.free.length === 0) source = { ...source, free: shadowedBy(fn, source) };
  if (source !== null && source.free.length === 0) {
    return { kind: "source", name: fn.name, expression: source.expression };
  }
  const builtin = findBuiltin(fn);
  if (builtin !== null) return builtin;
  const located = locateFunction(fn);
  if (located?.reference) return located.reference;
  throw refusal(fn as AnyFunction, path, source, located);
}

/** How a reference is shown: the function's name. */
export function referenceName(reference: FunctionReference): string {
  if (reference.kind === "builtin") return reference.path.join(".");
  return reference.name || "(anonymous)";
}

const resolvedSources = new Map<string, AnyFunction>();

/**
 * The function of a reference, in this thread. A promise if its module has to be imported first. Throws (or rejects
 * with) `DataCloneError` if the module has no such name here.
 */
export function resolveReference(reference: FunctionReference): AnyFunction | Promise<AnyFunction> {
  switch (reference.kind) {
    case "module": {
      const value = findRegistered(reference.url, reference.name);
      if (typeof value === "function") return value as AnyFunction;
      return importAndFind(reference);
    }
    case "library":
      if (reference.namespace === "") return internals.get(reference.name) as AnyFunction;
      return libraryNamespaces[reference.namespace]?.[reference.name] as AnyFunction;
    case "builtin": {
      let holder: unknown =
        reference.module === "" ? globalThis : createRequire(__filename)(`node:${reference.module}`);
      for (const name of reference.path) holder = (holder as Record<string, unknown>)[name];
      return holder as AnyFunction;
    }
    case "source": {
      let fn = resolvedSources.get(reference.expression);
      if (fn === undefined) {
        fn = new Script(reference.expression, {
          filename: `heddle:${reference.name || "function"}`,
        }).runInThisContext() as AnyFunction;
        resolvedSources.set(reference.expression, fn);
      }
      return fn;
    }
  }
}

async function importAndFind(reference: ModuleReference): Promise<AnyFunction> {
  const exports = await importModule(reference.url);
  const value =
    findRegistered(reference.url, reference.name) ??
    (exports as Record<string, unknown>)[reference.name] ??
    (exports as { default?: Record<string, unknown> }).default?.[reference.name];
  if (typeof value === "function") return value as AnyFunction;
  const why = isRegistered(reference.url)
    ? "no top-level function of that name exists there in this thread"
    : "that module could not be prepared in this thread";
  throw new DataCloneError(`function ${reference.name} of ${reference.url} was not found: ${why}`, {
    functionName: reference.name,
    path: "target",
  });
}
