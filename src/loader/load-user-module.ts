/** A user's module as Node is to get it: from the cache, or compiled and put there. */
import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { readCompiled, writeCompiled } from "./compiled-cache.js";
import type { CompiledModule } from "./compiled-module.js";
import { shortHash } from "./short-hash.js";
import { tsconfigOf } from "./tsconfig.js";
import { declaredType, type Language } from "./user-file.js";

declare const HEDDLE_VERSION: string;
const version = typeof HEDDLE_VERSION === "string" ? HEDDLE_VERSION : "source";

/** Another build may make something else of a source. */
const build = statSync(__filename).mtimeMs;

const node = Number.parseInt(process.versions.node, 10);

/** Loads a file whose language is known. Throws Node's error if it cannot be read and `CompileError` if it does not compile. */
export function loadUserModule(path: string, language: Language): CompiledModule {
  let source = readFileSync(path, "utf8");
  if (source.charCodeAt(0) === 0xfeff) source = source.slice(1);
  const type = declaredType(path);
  const options = language === "js" ? {} : tsconfigOf(dirname(path)).options;
  const key = shortHash(JSON.stringify([version, build, node, path, type, language, options]) + source);
  const cached = readCompiled(key);
  if (cached !== undefined) return cached;
  const { compile } = require("./compile.js") as typeof import("./compile.js");
  const compiled = compile({ path, source, language, type, options, node });
  writeCompiled(key, compiled);
  return compiled;
}
