/**
 * The CommonJS side: `require`, and the main script, which Node gives to this loader first whatever it is.
 *
 * Module._resolveFilename and Module._extensions are not in the documentation, but they are what every loader before us
 * used, so that Node keeps them; they answer `require.resolve` as well, which hooks do not.
 */
import Module from "node:module";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { CompileError, throwPlainly } from "./compile-error.js";
import { codeFor } from "./compiled-module.js";
import { loadUserModule } from "./load-user-module.js";
import { resolveUserImport, writtenInstead } from "./resolve-user-import.js";
import { extensions, userLanguage } from "./user-file.js";

interface CommonjsModule extends NodeJS.Module {
  _compile(code: string, filename: string, format?: string): void;
}
type Resolve = (
  request: string,
  parent: CommonjsModule | undefined,
  isMain: boolean,
  options?: { paths?: string[] },
) => string;
type Load = (module: CommonjsModule, filename: string) => void;
const internals = Module as unknown as { _resolveFilename: Resolve; _extensions: Record<string, Load> };

/** Takes over resolving and loading of the user's files. `startMain` runs an ES module as the main script. */
export function hookCommonjs(startMain: ((path: string) => void) | undefined): void {
  const resolveNext = internals._resolveFilename;
  internals._resolveFilename = function (request, parent, isMain, options) {
    const importer = parent?.filename ?? undefined;
    const found = options?.paths ? undefined : resolveUserImport(request, importer, "require");
    try {
      return resolveNext.call(this, found ?? request, parent, isMain, options);
    } catch (error) {
      const { code, path } = error as { code?: string; path?: string };
      const instead = code === "MODULE_NOT_FOUND" && path !== undefined ? writtenInstead(path) : undefined;
      if (instead !== undefined) return instead;
    }
    // Again, for Node to throw: it shows the line that threw, and ours would say nothing to anybody.
    return resolveNext.call(this, found ?? request, parent, isMain, options);
  };

  for (const extension of extensions) {
    const before = internals._extensions[extension];
    const next = before ?? internals._extensions[".js"]!;
    internals._extensions[extension] = (module, filename) => {
      const language = userLanguage(filename);
      if (language === undefined) return next(module, filename);
      const isMain = process.mainModule === (module as NodeJS.Module);
      let compiled: ReturnType<typeof loadUserModule>;
      try {
        compiled = loadUserModule(filename, language);
      } catch (error) {
        return refuse(error, isMain);
      }
      if (compiled.format === "module" && isMain && startMain !== undefined) return startMain(filename);
      const code = codeFor(compiled, pathToFileURL(filename).href);
      module._compile(code, filename, compiled.format);
    };
    // Names without an ending are tried in the order of this table: Node's own first, and not our additions.
    if (before === undefined && extname(extension) !== "") {
      Object.defineProperty(internals._extensions, extension, { enumerable: true });
    }
  }
}

/**
 * Throws. Node shows the line that threw before an uncaught error, and ours would say nothing to anybody: so the main
 * script's error is written out here.
 */
function refuse(error: unknown, isMain: boolean): never {
  const { isMainThread } = require("node:worker_threads") as typeof import("node:worker_threads");
  if (isMain && isMainThread) {
    const { writeSync } = require("node:fs") as typeof import("node:fs");
    writeSync(2, `${error instanceof CompileError ? error.stack : `heddle: ${String(error)}`}\n`);
    process.exit(1);
  }
  return throwPlainly(error);
}
