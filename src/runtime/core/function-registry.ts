/**
 * The registry of the user's top-level functions and classes. The loader writes it: each module it loads registers
 * `{ name: () => value }` under its URL before anything of it runs.
 */

/** A module's top-level names and how to read them; reading one that is not initialised yet throws. */
export type ModuleNames = Record<string, () => unknown>;

/** A top-level function or class of a module. */
export interface ModuleReference {
  readonly kind: "module";
  readonly url: string;
  readonly name: string;
}

const key = Symbol.for("heddle.modules");

function modules(): Map<string, ModuleNames> {
  const holder = globalThis as unknown as Record<symbol, Map<string, ModuleNames> | undefined>;
  holder[key] ??= new Map();
  return holder[key];
}

const found = new WeakMap<object, ModuleReference>();

function read(thunk: (() => unknown) | undefined): unknown {
  try {
    return thunk?.();
  } catch {
    return undefined; // not initialised yet
  }
}

/** Where a function or class stands as a top-level name, or null. */
export function findModuleReference(fn: object): ModuleReference | null {
  const known = found.get(fn);
  if (known !== undefined && read(modules().get(known.url)?.[known.name]) === fn) return known;
  const own = (fn as { name?: unknown }).name;
  const keep = (url: string, name: string) => {
    const reference: ModuleReference = { kind: "module", url, name };
    found.set(fn, reference);
    return reference;
  };
  if (typeof own === "string") {
    for (const [url, names] of modules())
      if (Object.hasOwn(names, own) && read(names[own]) === fn) return keep(url, own);
  }
  for (const [url, names] of modules()) {
    for (const name of Object.keys(names)) if (read(names[name]) === fn) return keep(url, name);
  }
  return null;
}

/** The value of a top-level name of a module that is loaded here, or undefined. */
export function findRegistered(url: string, name: string): unknown {
  const names = modules().get(url);
  return names !== undefined && Object.hasOwn(names, name) ? read(names[name]) : undefined;
}

/** True if the loader registered this module here. */
export function isRegistered(url: string): boolean {
  return modules().has(url);
}
