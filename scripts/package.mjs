/**
 * Packages the extension: `npm run package [-- --target linux-x64] [--out FILE] [--no-build]` writes one VSIX.
 *
 * What ships is laid out in out/vsix/ first: bundles, pictures, the manifest without what only development needs, the
 * plugin of TypeScript's service, and the native packages of the one platform, which cannot be bundled.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const { values } = parseArgs({
  options: {
    target: { type: "string", default: `${process.platform}-${process.arch}` },
    out: { type: "string" },
    "no-build": { type: "boolean", default: false },
  },
});
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const target = values.target;
const vsix = values.out ?? `${manifest.name}-${manifest.version}-${target}.vsix`;
const stage = join("out", "vsix");
const mostBytes = 10_000_000;

if (!values["no-build"]) {
  run(process.execPath, ["esbuild.mjs"]);
  run(process.execPath, ["scripts/build-types.mjs"]);
}
layOut();
run(process.execPath, [
  join(root, "node_modules", "@vscode", "vsce", "vsce"),
  "package",
  "--target",
  target,
  "--allow-missing-repository",
  "--skip-license",
  "--out",
  join(root, vsix),
]);
const { size } = statSync(vsix);
console.log(`${vsix}: ${(size / 1e6).toFixed(2)} MB`);
if (size > mostBytes) {
  console.error(`The package is larger than ${mostBytes / 1e6} MB.`);
  process.exit(1);
}

function layOut() {
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  // vsce goes by .vscodeignore and does not take `files` beside it, which are for npm.
  const { scripts, devDependencies, bin, files, ...shipped } = manifest;
  // vsce takes from node_modules/ what is named here.
  const packages = ["koffi", "oxc-parser", "oxc-transform", "esbuild", "heddle-typescript-plugin"];
  shipped.dependencies = Object.fromEntries(packages.map((name) => [name, "*"]));
  writeFileSync(join(stage, "package.json"), `${JSON.stringify(shipped, null, 2)}\n`);
  for (const file of [".vscodeignore", "README.md", "CHANGELOG.md", "LICENSE", "docs/report.schema.json"])
    if (existsSync(file)) cpSync(file, join(stage, file));
  const isShipped = (path) => !/\.map$|^dist[\\/](vsix|test)\b/.test(path);
  cpSync("dist", join(stage, "dist"), { recursive: true, filter: isShipped });
  cpSync("media", join(stage, "media"), { recursive: true, filter: (path) => !path.endsWith(".md") });

  // tsserver looks for plugins as packages beside the extension.
  const plugin = join(stage, "node_modules", "heddle-typescript-plugin");
  mkdirSync(plugin, { recursive: true });
  cpSync(join("dist", "ts-plugin.cjs"), join(plugin, "index.js"));
  rmSync(join(stage, "dist", "ts-plugin.cjs"));
  writeFileSync(
    join(plugin, "package.json"),
    JSON.stringify({ name: "heddle-typescript-plugin", version: manifest.version, main: "index.js" }),
  );
  copyPackage("koffi", (path) => /\.(cjs|js|json)$|LICENSE/.test(path) && !/cnoke|[\\/](doc|vendor)[\\/]/.test(path));
  copyPackage("oxc-parser", (path) => /\.(cjs|js|json)$|LICENSE/.test(path) && !/wasm/.test(path));
  copyPackage("oxc-transform", (path) => /\.(cjs|js|json)$|LICENSE/.test(path) && !/wasm|browser/.test(path));
  copyPackage("esbuild", (path) => /lib[\\/]main\.js$|package\.json$|LICENSE/.test(path));
  for (const scope of ["@koromix", "@oxc-parser", "@oxc-transform", "@esbuild"]) copyNative(scope);
}

/** A package's files that the filter takes. */
function copyPackage(name, take) {
  const from = join("node_modules", name);
  cpSync(from, join(stage, from), {
    recursive: true,
    filter: (path) => statSync(path).isDirectory() || take(path.slice(from.length)),
  });
  removeEmpty(join(stage, from));
  const file = join(stage, from, "package.json");
  const { scripts, dependencies, devDependencies, ...rest } = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify(rest, null, 2));
}

/** The package of a scope that is for the target: npm has installed it if the target is this machine's. */
function copyNative(scope) {
  const scopeFolder = join("node_modules", scope);
  const found = (existsSync(scopeFolder) ? readdirSync(scopeFolder) : []).filter((name) => name.includes(target));
  if (found.length === 0) throw new Error(`${scope}'s package for ${target} is not installed.`);
  for (const name of found) {
    const isOther = (path) => target.startsWith("linux") && /[\\/]musl_/.test(path);
    cpSync(join(scopeFolder, name), join(stage, scopeFolder, name), {
      recursive: true,
      filter: (path) => !isOther(path),
    });
  }
}

function removeEmpty(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmpty(join(folder, entry.name));
  }
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
}

function run(command, args) {
  const cwd = args.includes("package") ? join(root, stage) : root;
  const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
