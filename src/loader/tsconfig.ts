/**
 * The compiler options a file is compiled with, from the nearest tsconfig.json.
 *
 * Reading one means JSON with comments and chains of `extends`; get-tsconfig does that. It is only loaded where a
 * tsconfig.json exists.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The options that change what the loader does. */
export interface CompileOptions {
  readonly jsx?: string;
  readonly jsxFactory?: string;
  readonly jsxFragmentFactory?: string;
  readonly jsxImportSource?: string;
  readonly experimentalDecorators?: boolean;
  readonly emitDecoratorMetadata?: boolean;
  readonly useDefineForClassFields?: boolean;
  readonly verbatimModuleSyntax?: boolean;
}

/** A tsconfig.json, read. */
export interface Tsconfig {
  readonly options: CompileOptions;
  /** Full paths that `paths` and `baseUrl` make of an import, best first. */
  readonly candidates: (specifier: string) => string[];
}

const none: Tsconfig = { options: {}, candidates: () => [] };
const byFolder = new Map<string, Tsconfig>();

/** The tsconfig.json that holds for files of a folder. Throws what is wrong with it, with its path. */
export function tsconfigOf(folder: string): Tsconfig {
  const known = byFolder.get(folder);
  if (known !== undefined) return known;
  const file = join(folder, "tsconfig.json");
  const parent = dirname(folder);
  const found = existsSync(file) ? read(file) : parent === folder ? none : tsconfigOf(parent);
  byFolder.set(folder, found);
  return found;
}

function read(file: string): Tsconfig {
  const { parseTsconfig, createPathsMatcher } = require("get-tsconfig") as typeof import("get-tsconfig");
  let config: ReturnType<typeof parseTsconfig>;
  try {
    config = parseTsconfig(file);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const all = config.compilerOptions ?? {};
  const target = String(all.target ?? "esnext").toLowerCase();
  // As the TypeScript compiler has it: fields are defined, not assigned, from ES2022 on.
  const defines = target === "esnext" || (/^es\d{4}$/.test(target) && target >= "es2022");
  const options: Record<string, string | boolean> = {};
  const take = (name: keyof CompileOptions, value: unknown) => {
    if (typeof value === "string" || typeof value === "boolean") options[name] = value;
  };
  take("jsx", all.jsx);
  take("jsxFactory", all.jsxFactory);
  take("jsxFragmentFactory", all.jsxFragmentFactory);
  take("jsxImportSource", all.jsxImportSource);
  if (all.experimentalDecorators) options.experimentalDecorators = true;
  if (all.emitDecoratorMetadata) options.emitDecoratorMetadata = true;
  if (!(all.useDefineForClassFields ?? defines)) options.useDefineForClassFields = false;
  if (all.verbatimModuleSyntax) options.verbatimModuleSyntax = true;
  const matcher = createPathsMatcher({ path: file, config });
  return { options, candidates: matcher ?? (() => []) };
}
