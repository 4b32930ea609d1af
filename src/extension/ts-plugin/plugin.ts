/**
 * A plugin of TypeScript's language service: `heddle` and `heddle/*` mean the types that ship with the extension, in
 * a folder that has no package of that name. A package that is installed goes first.
 *
 * It stands alone (VS Code loads it into tsserver as the package `heddle-typescript-plugin`), and knows of tsserver's
 * interface only what it uses: typed here, because the types would come with one version of TypeScript.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface ResolvedModule {
  resolvedFileName: string;
  extension: string;
  isExternalLibraryImport: boolean;
}
interface Resolution {
  readonly resolvedModule: ResolvedModule | undefined;
}
interface Literal {
  readonly text: string;
}
type ResolveLiterals = (
  literals: readonly Literal[],
  containingFile: string,
  ...rest: readonly unknown[]
) => readonly Resolution[];
type ResolveNames = (
  names: readonly string[],
  containingFile: string,
  ...rest: readonly unknown[]
) => readonly (ResolvedModule | undefined)[];
interface CompletionEntry {
  name: string;
  kind: string;
  kindModifiers?: string;
  sortText: string;
  replacementSpan?: { start: number; length: number };
}
interface Completions {
  isGlobalCompletion: boolean;
  isMemberCompletion: boolean;
  isNewIdentifierLocation: boolean;
  entries: CompletionEntry[];
}
interface LanguageService {
  getCompletionsAtPosition(file: string, position: number, ...rest: unknown[]): Completions | undefined;
}
interface Snapshot {
  getText(start: number, end: number): string;
}
interface PluginInfo {
  readonly languageService: LanguageService;
  readonly languageServiceHost: {
    resolveModuleNameLiterals?: ResolveLiterals;
    resolveModuleNames?: ResolveNames;
    getScriptSnapshot(file: string): Snapshot | undefined;
  };
  readonly config?: { readonly typesRoot?: string };
}

/** The extension's folder, from where the plugin lies in it: node_modules/heddle-typescript-plugin/. */
const extensionRoot = join(__dirname, "..", "..");

export default function init(): { create(info: PluginInfo): LanguageService } {
  return {
    create(info) {
      const files = typeFiles(info.config?.typesRoot ?? extensionRoot);
      const host = info.languageServiceHost;
      const shipped = (name: string): ResolvedModule | undefined => {
        const file = files.get(name);
        if (file === undefined) return undefined;
        return { resolvedFileName: file, extension: ".d.ts", isExternalLibraryImport: true };
      };
      const literals = host.resolveModuleNameLiterals?.bind(host);
      if (literals !== undefined) {
        host.resolveModuleNameLiterals = (names, containingFile, ...rest) =>
          literals(names, containingFile, ...rest).map((found, i) => {
            if (found.resolvedModule !== undefined) return found;
            const ours = shipped(names[i]?.text ?? "");
            return ours === undefined ? found : { ...found, resolvedModule: ours };
          });
      }
      const byName = host.resolveModuleNames?.bind(host);
      if (byName !== undefined) {
        host.resolveModuleNames = (names, containingFile, ...rest) =>
          byName(names, containingFile, ...rest).map((found, i) => found ?? shipped(names[i] ?? ""));
      }
      return withNames(info, [...files.keys()]);
    },
  };
}

/** Module name → declaration file, as the package's `exports` say. */
function typeFiles(root: string): Map<string, string> {
  const files = new Map<string, string>();
  try {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      exports?: Record<string, { types?: string } | string>;
    };
    for (const [key, target] of Object.entries(manifest.exports ?? {})) {
      if (typeof target === "string" || target.types === undefined) continue;
      const file = join(root, target.types);
      // tsserver's paths have slashes on every system.
      if (existsSync(file)) files.set(`heddle${key.slice(1)}`, file.replaceAll("\\", "/"));
    }
  } catch {
    // Without our own manifest there is nothing to resolve to; the service goes on without us.
  }
  return files;
}

/** The language service, with our module names among the completions of an import's string. */
function withNames({ languageService, languageServiceHost }: PluginInfo, names: readonly string[]): LanguageService {
  const proxy = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(languageService)) {
    const member = (languageService as unknown as Record<string, unknown>)[key];
    proxy[key] =
      typeof member === "function" ? (...args: unknown[]) => Reflect.apply(member, languageService, args) : member;
  }
  const service = proxy as unknown as LanguageService;
  service.getCompletionsAtPosition = (file, position, ...rest) => {
    const found = languageService.getCompletionsAtPosition(file, position, ...rest);
    const before = languageServiceHost.getScriptSnapshot(file)?.getText(Math.max(0, position - 200), position) ?? "";
    const typed = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*["']([\w/]*)$/.exec(before)?.[1];
    if (typed === undefined || !("heddle/".startsWith(typed) || typed.startsWith("heddle/"))) return found;
    const known = new Set(found?.entries.map((entry) => entry.name));
    const entries = names
      .filter((name) => name.startsWith(typed) && !known.has(name))
      .map((name) => ({
        name,
        kind: "external module name",
        kindModifiers: "",
        sortText: "11",
        replacementSpan: { start: position - typed.length, length: typed.length },
      }));
    if (entries.length === 0) return found;
    return {
      isGlobalCompletion: false,
      isMemberCompletion: false,
      isNewIdentifierLocation: true,
      ...found,
      entries: [...(found?.entries ?? []), ...entries],
    };
  };
  return service;
}
