/** Which files are the user's, and what kind of source they hold. */
import { readFileSync } from "node:fs";
import { dirname, extname, join, sep } from "node:path";

/** How a kind of file is compiled. */
export type Language = "ts" | "tsx" | "js" | "jsx";
/** What package.json says about `.js` and `.ts` files; "unknown" when it says nothing. */
export type PackageType = "module" | "commonjs" | "unknown";

const languages = new Map<string, Language>([
  [".ts", "ts"],
  [".mts", "ts"],
  [".cts", "ts"],
  [".tsx", "tsx"],
  [".js", "js"],
  [".mjs", "js"],
  [".cjs", "js"],
  [".jsx", "jsx"],
]);

/** The endings that the loader compiles. */
export const extensions = [...languages.keys()];

const own = __dirname + sep;
const packages = `${sep}node_modules${sep}`;

/** The language of a file that the loader compiles; undefined for dependencies, our own files and everything else. */
export function userLanguage(path: string): Language | undefined {
  const language = languages.get(extname(path));
  if (language === undefined || isForeign(path)) return undefined;
  return language;
}

/** True for files of dependencies and of Heddle itself. */
export function isForeign(path: string): boolean {
  return path.includes(packages) || (path.startsWith(own) && !own.endsWith(`${sep}src${sep}loader${sep}`));
}

const types = new Map<string, PackageType>();

/** What kind of module a file is by its name and its package; "unknown" if only its syntax can tell. */
export function declaredType(path: string): PackageType {
  const ending = extname(path);
  if (ending === ".mjs" || ending === ".mts") return "module";
  if (ending === ".cjs" || ending === ".cts") return "commonjs";
  return packageType(dirname(path));
}

function packageType(folder: string): PackageType {
  const known = types.get(folder);
  if (known !== undefined) return known;
  let type: PackageType | undefined;
  try {
    const parsed = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { type?: unknown } | null;
    type = parsed?.type === "module" || parsed?.type === "commonjs" ? parsed.type : "unknown";
  } catch {
    const parent = dirname(folder);
    type = parent === folder ? "unknown" : packageType(parent);
  }
  types.set(folder, type);
  return type;
}
