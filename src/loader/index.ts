/**
 * The loader: TypeScript and JavaScript of the user, in any thread or process.
 *
 * `register()` is called by the preload of a traced process and by the runtime's own threads. This file is at the same
 * time what `module.register` loads into its thread on Node 20: that is what `resolve` and `load` are for.
 */
import Module from "node:module";
import { pathToFileURL } from "node:url";
import { hookCommonjs } from "./commonjs-loading.js";
import { throwPlainly } from "./compile-error.js";
import {
  type LoadContext,
  loadUrl,
  type ResolveContext,
  replaceMissing,
  replaceSpecifier,
} from "./es-module-loading.js";
import { hookInThread, INSIDE } from "./in-thread-hooks.js";
import { startEsMain } from "./start-es-main.js";

export { CompileError } from "./compile-error.js";
export { INSIDE } from "./in-thread-hooks.js";
export { heddleEntry } from "./resolve-user-import.js";

interface HookableModule {
  registerHooks?(hooks: { resolve: typeof resolveSync; load: typeof loadSync }): void;
  register(specifier: string): void;
}

const INSTALLED = Symbol.for("heddle.loader");
const REGISTRY = Symbol.for("heddle.modules");

/**
 * Installs the loader in this thread; a second call does nothing. `hideArgument`: takes {@link INSIDE} out of
 * `process.execArgv`, for threads and processes of the library, which get it beyond what their program was given.
 */
export function register({ hideArgument = false } = {}): void {
  install();
  if (hideArgument) process.execArgv = process.execArgv.filter((arg) => arg !== INSIDE);
}

function install(): void {
  const all = globalThis as unknown as Record<symbol, unknown>;
  if (all[INSTALLED]) return;
  Object.defineProperty(all, INSTALLED, { value: true });
  if (all[REGISTRY] === undefined) {
    Object.defineProperty(all, REGISTRY, { value: new Map(), writable: true, configurable: true });
  }
  process.setSourceMapsEnabled(true);
  const hooks = Module as unknown as HookableModule;
  if (hooks.registerHooks) {
    hookCommonjs(undefined);
    hooks.registerHooks({ resolve: resolveSync, load: loadSync });
  } else {
    hookCommonjs(startEsMain);
    if (!hookInThread({ resolve: resolveSync, load: loadSync }))
      hooks.register(pathToFileURL(`${__dirname}/loader.cjs`).href);
  }
}

// Node 22.15 and newer

type Next<Context, Result> = (specifier: string, context?: Context) => Result;

function resolveSync<Result>(specifier: string, context: ResolveContext, next: Next<ResolveContext, Result>): Result {
  if (isRequire(context)) return next(specifier, context);
  const replacement = replaceSpecifier(specifier, context.parentURL);
  try {
    return next(replacement ?? specifier, context);
  } catch (error) {
    return next(replaceMissing(error) ?? replacement ?? specifier, context);
  }
}

function loadSync<Result>(url: string, context: LoadContext, next: Next<LoadContext, Result>): Result {
  if (isRequire(context)) return next(url, context);
  let loaded: Result | undefined;
  try {
    loaded = loadUrl(url, context) as Result | undefined;
  } catch (error) {
    throwPlainly(error);
  }
  return loaded ?? next(url, context);
}

/** `require` is served by the CommonJS side. */
function isRequire({ conditions }: { conditions?: readonly string[] }): boolean {
  return conditions !== undefined && (Array.isArray(conditions) ? conditions : [...conditions]).includes("require");
}

// The hooks' thread of Node 20, where it cannot be done without

/** The resolve hook of `module.register`. */
export async function resolve<Result>(
  specifier: string,
  context: ResolveContext,
  next: Next<ResolveContext, Promise<Result>>,
): Promise<Result> {
  const replacement = replaceSpecifier(specifier, context.parentURL);
  try {
    return await next(replacement ?? specifier, context);
  } catch (error) {
    return await next(replaceMissing(error) ?? replacement ?? specifier, context);
  }
}

/** The load hook of `module.register`. */
export async function load<Result>(
  url: string,
  context: LoadContext,
  next: Next<LoadContext, Promise<Result>>,
): Promise<Result> {
  return (loadUrl(url, context) as Result | undefined) ?? (await next(url, context));
}
