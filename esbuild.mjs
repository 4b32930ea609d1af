/**
 * Builds everything that ships into dist/: `node esbuild.mjs [--watch] [--dev]`.
 *
 * The runtime is one CommonJS bundle with thin ESM and CommonJS entry files over it, so that a script, a dependency of
 * it and the library itself always share one instance, however they import it.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import esbuild from "esbuild";

const require = createRequire(import.meta.url);
const dev = process.argv.includes("--dev");
const watch = process.argv.includes("--watch");
const version = require("./package.json").version;

/** Packages with native parts, loaded from node_modules at run time. */
const native = ["koffi", "oxc-parser", "oxc-transform", "esbuild"];

/**
 * Modules of Node that take milliseconds to load and that few programs come to use: a thread that loads the runtime does
 * not wait for them. Their names are read from them when they are first used.
 */
const lazyModules = {
  name: "lazy-modules",
  setup(build) {
    const filter = /^node:(child_process|crypto|dns|http|inspector|net|tty|v8|zlib)$/;
    build.onResolve({ filter }, ({ path, namespace }) =>
      namespace === "lazy" ? { path, external: true } : { path, namespace: "lazy" },
    );
    build.onLoad({ filter, namespace: "lazy" }, ({ path }) => {
      const names = JSON.stringify(Object.keys(require(path)).join());
      return {
        contents: `for (const name of ${names}.split(",")) {
          Object.defineProperty(exports, name, { enumerable: true, get: () => require(${JSON.stringify(path)})[name] });
        }`,
      };
    });
  },
};

const node = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "cjs",
  outExtension: { ".js": ".cjs" },
  outdir: "dist",
  sourcemap: dev ? "linked" : false,
  minifySyntax: !dev,
  minifyWhitespace: !dev,
  keepNames: false,
  define: { HEDDLE_VERSION: JSON.stringify(version) },
  // A stack trace that shows a line of ours shows a short one.
  lineLimit: 160,
  logLevel: "warning",
};

/** dist name → source. Workers and preloads reach each other as sibling files of dist/. */
const programs = {
  cli: "src/cli/main.ts",
  preload: "src/runner/preload.ts",
  "end-run": "src/runner/end-run.ts",
  loader: "src/loader/index.ts",
  "code-cache": "src/loader/code-cache.ts",
  collector: "src/recorder/collector-worker.ts",
  runtime: "src/runtime/bundle.ts",
  "thread-main": "src/runtime/core/thread-main.ts",
  "process-main": "src/runtime/multiprocessing/process-main.ts",
  "io-service": "src/runtime/multiprocessing/io-service.ts",
  "word-waiter": "src/runtime/platform/word-waiter.ts",
};
const present = (entries) => Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file)));

const builds = [
  { ...node, entryPoints: present(programs), external: [...native, "./code-cache.cjs"], plugins: [lazyModules] },
  { ...node, entryPoints: present({ extension: "src/extension/extension.ts" }), external: [...native, "vscode"] },
  {
    ...node,
    entryPoints: present({ "ts-plugin": "src/extension/ts-plugin/plugin.ts" }),
    // tsserver calls what the module itself is.
    footer: { js: "module.exports = module.exports.default;" },
  },
  {
    entryPoints: present({ webview: "webview/main.ts" }),
    bundle: true,
    platform: "browser",
    target: "es2022",
    format: "iife",
    outdir: "dist",
    loader: { ".svg": "text" },
    sourcemap: dev ? "inline" : false,
    minify: !dev,
    logLevel: "warning",
  },
].filter((build) => Object.keys(build.entryPoints).length > 0);

/** Writes a file so that whoever reads it at this moment gets the old or the new one, whole. */
function replaceFile(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, contents);
  renameSync(`${path}.new`, path);
}

/** Writes dist/entry/NAME.{cjs,mjs}: the namespaces of the runtime as importable modules. */
function writeEntries() {
  if (!existsSync("dist/runtime.cjs")) return;
  delete require.cache[require.resolve("./dist/runtime.cjs")];
  const { namespaces } = require("./dist/runtime.cjs");
  mkdirSync("dist/entry", { recursive: true });
  for (const [name, exports] of Object.entries(namespaces)) {
    // Two statements: `module.exports = require(…)` is what Node takes for a re-export, and then it reads all of the
    // runtime for names that the .mjs beside it lists already.
    const from = JSON.stringify(name);
    replaceFile(
      `dist/entry/${name}.cjs`,
      `const { load } = require("../code-cache.cjs");\nmodule.exports = load("runtime.cjs").namespaces[${from}];\n`,
    );
    const names = Object.keys(exports).filter((key) => key !== "default");
    const lines = names.map((key, i) => `const e${i} = entry[${JSON.stringify(key)}];\nexport { e${i} as ${key} };\n`);
    replaceFile(`dist/entry/${name}.mjs`, `import entry from "./${name}.cjs";\n${lines.join("")}`);
  }
}

// Other builds may be reading dist/: files are replaced, not removed first.
if (watch) {
  for (const build of builds) {
    const context = await esbuild.context({
      ...build,
      plugins: [{ name: "entries", setup: (b) => b.onEnd(writeEntries) }],
    });
    await context.watch();
  }
} else {
  const results = await Promise.all(builds.map((build) => esbuild.build({ ...build, write: false })));
  for (const { outputFiles } of results) for (const file of outputFiles) replaceFile(file.path, file.contents);
  writeEntries();
}
