import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { dist, nodes, ScriptFolder } from "./loaded-script.js";

const node = nodes.find(({ name }) => name.includes("without a thread"));

describe("loader: hooks of Node 20 in the thread itself", function () {
  this.timeout(20_000);
  let folder: ScriptFolder;
  const given = (files: Record<string, string>): ScriptFolder => (folder = new ScriptFolder(files));
  afterEach(() => folder?.remove());
  before(function () {
    if (node === undefined) this.skip();
  });
  const threads = `require("node:fs").readdirSync("/proc/self/task").length`;

  it("starts no thread", function () {
    if (process.platform !== "linux") this.skip();
    given({ "main.ts": `console.log(${threads}); export {};`, "plain.cjs": `console.log(${threads})` });
    const outcome = folder.run(node!, "main.ts");
    assert.equal(outcome.stderr, "");
    assert.equal(outcome.stdout, folder.run({ ...node!, args: [] }, "plain.cjs").stdout);
  });

  it("shows a script the modules that it always sees", () => {
    given({
      "seen.mjs": `import Module, { builtinModules, createRequire, isBuiltin } from "node:module";
        const require = createRequire(import.meta.url);
        const code = (f) => { try { f(); return "found"; } catch (e) { return e.code; } };
        console.log(JSON.stringify({
          names: builtinModules, same: Module.builtinModules.length, required: require("module").builtinModules.length,
          scheme: ["node:test", "test", "node:sea", "sea", "node:internal/util", "internal/util"].map(isBuiltin),
          inside: [code(() => require("internal/util")), code(() => require("node:internal/util"))],
          imported: await import("node:internal/util").catch((e) => e.code),
          got: process.getBuiltinModule("internal/util") === undefined, test: typeof require("node:test"),
        }));`,
    });
    const plain = folder.run({ ...node!, args: [] }, "seen.mjs");
    const hooked = folder.run(node!, "seen.mjs");
    assert.equal(hooked.stderr, "");
    assert.deepEqual(JSON.parse(hooked.stdout), JSON.parse(plain.stdout));
  });

  it("runs hooks that a script registers, after its own", () => {
    given({
      "hooks.mjs": `export async function load(url, context, next) {
          if (url === "made:up") return { format: "module", source: "export const made = 'up'", shortCircuit: true };
          return next(url, context);
        }
        export async function resolve(specifier, context, next) {
          return specifier === "made:up" ? { url: specifier, shortCircuit: true } : next(specifier, context);
        }`,
      "lib.ts": "enum E { A = 3 } export const three: number = E.A;",
      "main.ts": `import { register } from "node:module";
        register("./hooks.mjs", import.meta.url);
        const specifier = "made:up";
        console.log((await import(specifier)).made, (await import("./lib.js")).three, typeof (await import("heddle/queue")).Queue);`,
    });
    const { stdout, stderr } = folder.run(node!, "main.ts");
    assert.equal(stderr, "");
    assert.equal(stdout, "up 3 function\n");
  });

  it("leaves hooks of the command line their turn", () => {
    given({
      "hooks.mjs": `export async function load(url, context, next) {
          if (url === "made:up") return { format: "module", source: "export default 'by a hook'", shortCircuit: true };
          return next(url, context);
        }
        export async function resolve(specifier, context, next) {
          return specifier === "made:up" ? { url: specifier, shortCircuit: true } : next(specifier, context);
        }`,
      "lib.ts": "enum E { A = 3 } export const three: number = E.A;",
      "main.mts": `import given from "made:up"; import { three } from "./lib.js"; console.log(given as string, three);`,
      "register.mjs": `import { register } from "node:module"; register("./hooks.mjs", import.meta.url);`,
    });
    const registering = ["--import", pathToFileURL(join(folder.path, "register.mjs")).href];
    for (const args of [["--no-warnings", "--experimental-loader", "./hooks.mjs"], registering]) {
      const { stdout, stderr } = folder.run({ ...node!, args: [...args, ...node!.args] }, "main.mts");
      assert.equal(stderr, "");
      assert.equal(stdout, "by a hook 3\n", args.join(" "));
    }
  });

  it("gives import.meta whole, also in workers, and require in CommonJS that is imported", () => {
    given({
      "data.json": `{ "a": 1 }`,
      "old.cts": `const lib = require("./lib.cjs"); export = { value: lib.value as number };`,
      "lib.cts": "exports.value = 5 as number;",
      "main.ts": `import { Worker, isMainThread } from "node:worker_threads"; import old from "./old.cjs"; import data from "./data.json" with { type: "json" };
        const { dirname, filename, url, resolve } = import.meta;
        console.log(dirname.length > 1, filename.endsWith("main.ts"), url.startsWith("file:"), resolve("./lib.cjs").endsWith("lib.cts"), old.value, data.a);
        if (isMainThread) new Worker(new URL(url));`,
    });
    const { stdout, stderr } = folder.run(node!, "main.ts");
    assert.equal(stderr, "");
    assert.equal(stdout, "true true true true 5 1\n".repeat(2));
  });

  it("needs nothing of it where the flag is missing", () => {
    given({ "main.ts": `import { Queue } from "heddle/queue"; console.log(typeof Queue as string);` });
    const args = ["--require", join(dist, "preload.cjs")];
    assert.equal(folder.run({ ...node!, args }, "main.ts").stdout, "function\n");
  });
});
