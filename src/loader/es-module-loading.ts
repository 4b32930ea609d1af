/**
 * The ES module side: the two hooks, once as functions that answer at once (`module.registerHooks`, Node 22.15 and
 * newer) and once for the thread that `module.register` starts on older versions.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { codeFor } from "./compiled-module.js";
import { jsonModule } from "./json-module.js";
import { loadUserModule } from "./load-user-module.js";
import { resolveUserImport, writtenInstead } from "./resolve-user-import.js";
import { isForeign, userLanguage } from "./user-file.js";

export interface ResolveContext {
  conditions?: readonly string[];
  importAttributes?: Record<string, string>;
  parentURL?: string | undefined;
}
export interface LoadContext {
  conditions?: readonly string[];
  format?: string | null | undefined;
  importAttributes?: Record<string, string>;
}
export interface Loaded {
  format: string;
  source: string | null;
  shortCircuit: true;
}

/** The specifier to hand on in place of the one that was written, or undefined to hand on that. */
export function replaceSpecifier(specifier: string, parentUrl: string | undefined): string | undefined {
  const importer = parentUrl?.startsWith("file:") ? fileURLToPath(withoutQuery(parentUrl)) : undefined;
  const path = resolveUserImport(specifier, importer, "import");
  if (path === undefined) return undefined;
  const query = /^(?:\.|\/|file:)[^?#]*([?#].*)$/.exec(specifier)?.[1] ?? "";
  return pathToFileURL(path).href + query;
}

/** What to try after Node found nothing, or undefined. */
export function replaceMissing(error: unknown): string | undefined {
  const { code, url } = (error ?? {}) as { code?: string; url?: string };
  if (code !== "ERR_MODULE_NOT_FOUND" || !url?.startsWith("file:")) return undefined;
  const path = writtenInstead(fileURLToPath(withoutQuery(url)));
  return path && pathToFileURL(path).href;
}

/** The module that the loader makes of a URL, or undefined to let Node load it. */
export function loadUrl(url: string, context: LoadContext): Loaded | undefined {
  if (!url.startsWith("file:")) return undefined;
  const plain = withoutQuery(url);
  if (plain.endsWith(".json")) {
    if (context.importAttributes?.type !== undefined) return undefined;
    const path = fileURLToPath(plain);
    if (isForeign(path)) return undefined;
    return { format: "module", source: jsonModule(readFileSync(path, "utf8"), path), shortCircuit: true };
  }
  const path = fileURLToPath(plain);
  const language = userLanguage(path);
  if (language === undefined) return undefined;
  const compiled = loadUserModule(path, language);
  if (compiled.format === "commonjs" && language === "js") {
    // The CommonJS side loads it; Node reads the names of its exports from the file.
    return { format: "commonjs", source: null, shortCircuit: true };
  }
  return { format: compiled.format, source: codeFor(compiled, url), shortCircuit: true };
}

function withoutQuery(url: string): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}
