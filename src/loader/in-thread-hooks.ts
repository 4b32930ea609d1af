/**
 * The hooks of the loader on Node 20, without the thread that Node 20 has for hooks.
 *
 * There, `module.register` starts a thread per thread that loads modules, and each import waits for an answer of it:
 * tens of milliseconds more for each start of a thread, on two cores instead of one. Newer versions call hooks where
 * they are (`module.registerHooks`). Node 20 can do so, too, only not by a public door: its module loader passes every
 * request to one object with `resolve` and `load`, which is `module.register`'s when that was called. Here it is ours.
 *
 * Node lets a thread see its internal modules if it was started with INSIDE, and only then; this file takes the two it
 * needs and hides all of them again, so that a script sees the modules that it always sees. Where the flag is missing
 * (a script started by plain `node`), or anything is not as it is in Node 20, `module.register` does it. Node 20 gets
 * no new versions, so that this cannot break by one.
 */
import Module from "node:module";
import { pathToFileURL } from "node:url";
import type { LoadContext, ResolveContext } from "./es-module-loading.js";

/** The argument of Node 20 that a process or thread must have. Node takes both spellings; users write it with hyphens. */
export const INSIDE = "--expose_internals";

interface Resolution {
  readonly url: string;
  readonly format?: string | null | undefined;
}
interface Source {
  readonly format: string | null | undefined;
  readonly source: unknown;
  readonly responseURL?: string;
}

/** Hooks as `module.registerHooks` takes them; a `next` of `load` may give a promise. */
export interface InThreadHooks {
  resolve(
    specifier: string,
    context: ResolveContext,
    next: (specifier: string, context?: ResolveContext) => Resolution,
  ): Resolution;
  load<Result>(url: string, context: LoadContext, next: (url: string, context?: LoadContext) => Result): Result;
}

type Attributes = Record<string, string>;

/** What Node's module loader asks, in place of its own ways. */
interface Customizations {
  readonly allowImportMetaResolve: true;
  resolve(specifier: string, parent: string | undefined, attributes: Attributes): Resolution;
  resolveSync(specifier: string, parent: string | undefined, attributes: Attributes): Resolution;
  load(url: string, context: LoadContext): Promise<Source>;
  loadSync(url: string, context: LoadContext): Source;
  register(...args: unknown[]): unknown;
  importMetaInitialize(meta: object, context: object, loader: object): void;
  forceLoadHooks(): void;
}

interface ModuleLoader {
  setCustomizations(customizations: Customizations | null): void;
  defaultResolve(specifier: string, parent: string | undefined, attributes: Attributes): Resolution;
  register(...args: unknown[]): unknown;
}

interface Inside {
  readonly loader: ModuleLoader;
  readonly defaultLoad: (url: string, context?: LoadContext) => Promise<Source>;
  readonly defaultLoadSync: (url: string, context?: LoadContext) => Source;
  readonly initializeImportMeta: (meta: object, context: object, loader: object) => void;
}

/** Has the thread's modules loaded by `hooks`; false if that cannot be done here. */
export function hookInThread(hooks: InThreadHooks): boolean {
  if (!process.execArgv.includes(INSIDE)) return false;
  const inside = lookInside();
  // Hooks of the command line have their thread already.
  if (inside === undefined || hasLoaderArgument()) return false;
  const { loader, defaultLoad, defaultLoadSync, initializeImportMeta } = inside;

  const resolve: Customizations["resolve"] = (specifier, parentURL, importAttributes) => {
    const { url, format } = hooks.resolve(specifier, { parentURL, importAttributes }, (next) =>
      loader.defaultResolve(next, parentURL, importAttributes),
    );
    return { url, format };
  };
  const whole = (url: string, { format, source, responseURL = url }: Source): Source => ({
    format,
    source,
    responseURL,
  });
  loader.setCustomizations({
    allowImportMetaResolve: true,
    resolve,
    resolveSync: resolve,
    load: async (url, context) =>
      whole(url, await hooks.load(url, context, (next, changed = context) => defaultLoad(next, changed))),
    loadSync: (url, context) =>
      whole(
        url,
        hooks.load(url, context, (next, changed = context) => defaultLoadSync(next, changed)),
      ),
    // Hooks of the user's own run in Node's thread for them, and then ours do, too, before them.
    register: (...args) => {
      loader.setCustomizations(null);
      loader.register(pathToFileURL(`${__dirname}/loader.cjs`).href, "data:");
      return loader.register(...args);
    },
    importMetaInitialize: (meta, context, of) => initializeImportMeta(meta, context, of),
    forceLoadHooks: () => {},
  });
  return true;
}

function hasLoaderArgument(): boolean {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ""].some((arg) => /--(experimental-)?loader\b/.test(arg));
}

/** Takes what is needed of Node's internal modules and hides them again. */
function lookInside(): Inside | undefined {
  const get = (process as { getBuiltinModule?: (id: string) => unknown }).getBuiltinModule;
  const of = (id: string) =>
    get?.(`internal/modules/${id}`) as Record<string, (...args: never[]) => unknown> | undefined;
  try {
    // First, as Node does: these modules load each other in a circle.
    of("esm/resolve");
    const { defaultLoad, defaultLoadSync } = of("esm/load") ?? {};
    const { initializeImportMeta } = of("esm/initialize_import_meta") ?? {};
    const loader = of("esm/loader")?.getOrInitializeCascadedLoader?.() as Partial<ModuleLoader> | undefined;
    const { loadBuiltinModule } = (of("helpers") ?? {}) as { loadBuiltinModule?: (id: string) => object };
    const needed = [defaultLoad, defaultLoadSync, initializeImportMeta, loadBuiltinModule];
    const asked = [loader?.setCustomizations, loader?.defaultResolve, loader?.register];
    if ([...needed, ...asked].some((each) => typeof each !== "function")) return undefined;
    hideInside(loadBuiltinModule!("module").constructor as unknown as BuiltinModules);
    return { loader, defaultLoad, defaultLoadSync, initializeImportMeta } as unknown as Inside;
  } catch {
    return undefined;
  }
}

/** Node's table of its own modules, and who may have them. */
interface BuiltinModules {
  readonly map: ReadonlyMap<string, unknown>;
  setRealmAllowRequireByUsers(ids: readonly string[]): void;
  canBeRequiredByUsers(id: string): boolean;
}

function hideInside(table: BuiltinModules): void {
  const { builtinModules } = Module;
  const isPublic = (id: string): boolean => !id.startsWith("internal/");
  // The table takes public names only for `node:` names, but any for names without it: so it is asked in between.
  table.setRealmAllowRequireByUsers([...table.map.keys()]);
  table.setRealmAllowRequireByUsers([...table.map.keys()].filter((id) => table.canBeRequiredByUsers(id)));
  (Module as unknown as { builtinModules: string[] }).builtinModules = builtinModules.filter(isPublic);
}
