/**
 * Where an import of a user's module leads, as far as TypeScript and Heddle have a say in it; Node answers the rest.
 *
 *   - `heddle` and `heddle/*` lead to our own files, from anywhere, so that a script, its dependencies and the recorder
 *     share one runtime.
 *   - `./x.js` may mean `x.ts`, as the TypeScript compiler has it; `./x` may mean `x.ts` or `x/index.ts`.
 *   - `paths` and `baseUrl` of the tsconfig.json.
 */
import { existsSync, statSync } from "node:fs";
import { dirname, extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { tsconfigOf } from "./tsconfig.js";
import { isForeign } from "./user-file.js";

const written = new Map<string, readonly string[]>([
  [".js", [".ts", ".tsx"]],
  [".jsx", [".tsx", ".ts"]],
  [".mjs", [".mts"]],
  [".cjs", [".cts"]],
]);

const guessed = [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json"];

/** Which face of a module of ours is wanted. */
export type Face = "import" | "require";

/** The file of `heddle` or `heddle/NAME`; undefined if there is no such entry. */
export function heddleEntry(specifier: string, face: Face): string | undefined {
  if (!specifier.startsWith("heddle")) return undefined;
  if (specifier === "heddle/package.json") return join(__dirname, "..", "package.json");
  const name = specifier === "heddle" ? "index" : specifier.startsWith("heddle/") ? specifier.slice(7) : "";
  if (!/^[\w-]+$/.test(name)) return undefined;
  const file = join(__dirname, "entry", `${name}.${face === "import" ? "mjs" : "cjs"}`);
  return existsSync(file) ? file : undefined;
}

/** The file an import leads to, or undefined to let Node find it. `importer` is a path; undefined for the main script. */
export function resolveUserImport(specifier: string, importer: string | undefined, face: Face): string | undefined {
  const ours = heddleEntry(specifier, face);
  if (ours !== undefined) return ours;
  if (importer === undefined || specifier.startsWith("node:") || isForeign(importer)) return undefined;
  const target = asPath(specifier, importer);
  if (target !== undefined) return findFile(target, importer);
  if (specifier.startsWith("#") || specifier.includes(":")) return undefined;
  for (const candidate of tsconfigOf(dirname(importer)).candidates(specifier)) {
    const file = findFile(candidate, importer) ?? (isFile(candidate) ? candidate : undefined);
    if (file !== undefined) return file;
  }
  return undefined;
}

/** What a file that does not exist may have meant: the `.ts` behind a `.js` that a package's exports or imports name. */
export function writtenInstead(missing: string): string | undefined {
  return isForeign(missing) ? undefined : findFile(missing, "x.ts");
}

/** The path of a relative or absolute specifier. */
function asPath(specifier: string, importer: string): string | undefined {
  if (specifier === "." || specifier === ".." || /^\.{1,2}[/\\]/.test(specifier)) {
    const path = resolve(dirname(importer), decode(specifier));
    return specifier.endsWith("/") ? `${path}/` : path;
  }
  if (isAbsolute(specifier)) return decode(specifier);
  if (!specifier.startsWith("file:")) return undefined;
  try {
    return fileURLToPath(specifier.replace(/[?#].*$/, ""));
  } catch {
    return undefined;
  }
}

function decode(specifier: string): string {
  const path = specifier.replace(/[?#].*$/, "");
  // An import is a URL; a path with a sign of its own was one all the same.
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The file that TypeScript means; undefined if it is the very one that was named, or there is none. */
function findFile(target: string, importer: string): string | undefined {
  const ending = extname(target);
  const sources = written.get(ending);
  // In JavaScript a `.js` that exists is meant; TypeScript means the source beside it.
  const isTyped = /\.[cm]?tsx?$/.test(importer);
  if (sources !== undefined && (isTyped || !isFile(target))) {
    const stem = target.slice(0, -ending.length);
    for (const source of sources) if (isFile(stem + source)) return stem + source;
  }
  if (isFile(target)) return undefined;
  if (!target.endsWith("/")) {
    for (const guess of guessed) if (isFile(target + guess)) return target + guess;
  }
  if (existsSync(join(target, "package.json"))) return fromPackage(target);
  for (const guess of guessed) {
    const index = join(target, `index${guess}`);
    if (isFile(index)) return index;
  }
  return undefined;
}

function fromPackage(folder: string): string | undefined {
  const { readFileSync } = require("node:fs") as typeof import("node:fs");
  let main: unknown;
  try {
    main = (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { main?: unknown }).main;
  } catch {}
  const path = join(folder, typeof main === "string" ? main : "index.js");
  return isFile(path) ? (findFile(path, "x.ts") ?? path) : findFile(path, "x.ts");
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
