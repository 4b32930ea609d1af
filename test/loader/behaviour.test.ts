import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { dist, nodes, ScriptFolder } from "./loaded-script.js";

const registered = `const modules = (globalThis as any)[Symbol.for("heddle.modules")] as Map<string, Record<string, () => unknown>>;`;

for (const node of nodes) {
  describe(`loader: behaviour, ${node.name}`, function () {
    this.timeout(20_000);
    let folder: ScriptFolder;
    const given = (files: Record<string, string>): ScriptFolder => (folder = new ScriptFolder(files));
    afterEach(() => folder.remove());

    it("registers top-level functions, classes and variables, before the module's own code", () => {
      given({
        "lib.cts": "'use strict'; function inCommonjs() {} exports.x = 1; namespace N { export const q = 1 }",
        "plain.mjs": "import 'node:fs'; export const arrow = () => 1; export default function named() {}",
        "plain.cjs": "const first = 1; module.exports = { first };",
        "main.ts": `import "./lib.cjs"; import "./plain.mjs"; import "./plain.cjs"; import { readFileSync as notMine } from "node:fs"; ${registered}
          const own = modules.get(import.meta.url)!;
          console.log(Object.keys(own).join());
          console.log(own.hoisted!() === hoisted, own.modules!() === modules);
          try { own.later!(); } catch (e) { console.log((e as Error).name); }
          const later = 1, { a, b: [c, ...d], ...e } = { a: 1, b: [2, 3], f: 4 } as any; let f: number; var __proto__ = 5;
          export function hoisted() { const inner = 1; }
          export default class K {} enum E { A } function over(): void; function over() {} declare function ghost(): void;
          for (const [url, names] of modules) if (url !== import.meta.url) console.log(url.split("/").pop(), Object.keys(names).join());
          void notMine;`,
      });
      const { stdout, stderr } = folder.run(node, "main.ts");
      assert.equal(stderr, "");
      assert.equal(
        stdout,
        "modules,own,later,a,c,d,e,f,__proto__,hoisted,K,E,over\ntrue true\nReferenceError\n" +
          "lib.cts inCommonjs,N\nplain.mjs arrow,named\nplain.cjs first\n",
      );
    });

    it("keeps the text of functions free of helpers, and strict code strict", () => {
      given({
        "main.ts": `function f(a: number): number { const inner = () => a; return inner(); } class A { m = () => 1 }
          console.log(/__name|heddle/.test(f.toString() + A.toString()), f.name, A.name);`,
        "strict.cjs": `// a comment\n"use strict";\nconsole.log((function () { return this; })() === undefined);`,
        "sloppy.cjs": `console.log((function () { return this; })() === globalThis, typeof require, Object.keys(globalThis).some((k) => /heddle/i.test(k)));`,
      });
      assert.equal(folder.run(node, "main.ts").stdout, "false f A\n");
      assert.equal(folder.run(node, "strict.cjs").stdout, "true\n");
      assert.equal(folder.run(node, "sloppy.cjs").stdout, "true function false\n");
    });

    it("shows original lines and columns in stacks, in every kind of file", () => {
      const text = (types: boolean): string =>
        `${types ? "interface Gone { a: number }\nenum E { A, B }\n" : "// one\n\n"}function thrower(x${types ? ": number" : ""}) {\n\n      throw new Error("boom " + x);\n}\n` +
        `try { thrower(1); } catch (e) { console.log(${types ? "(e as Error)" : "e"}.stack.split("\\n").slice(1, 3).map((l) => l.replace(/^.*[/\\\\]/, "").replace(")", "")).join(" ")); }\n`;
      const files = {
        "a.ts": text(true),
        "b.cts": text(true),
        "c.mts": text(true),
        "d.mjs": text(false),
        "e.cjs": text(false),
        "f.js": text(false),
      };
      given({
        ...files,
        "one.cjs": `try { null.x } catch (e) { console.log(e.stack.split("\\n")[1].match(/one.*\\d/)[0]) } const other = 1;`,
      });
      for (const name of Object.keys(files)) {
        for (const pass of ["cold", "warm"]) {
          assert.equal(folder.run(node, name).stdout, `${name}:5:13 ${name}:7:7\n`, `${name} ${pass}`);
        }
      }
      assert.equal(folder.run(node, "one.cjs").stdout, "one.cjs:1:12\n");
    });

    it("shows an uncaught error with the line of the source", () => {
      given({ "main.ts": "interface A {}\ninterface B {}\n\nthrow new Error('late' as string);\n" });
      const { status, stderr } = folder.run(node, "main.ts");
      assert.equal(status, 1);
      assert.match(stderr, /main\.ts:4\n/);
      assert.match(stderr, /main\.ts:4:7/);
      assert.doesNotMatch(stderr, /globalThis/);
    });

    it("tells what does not compile with file, line, column and the lines around it", () => {
      given({
        "main.ts": "const ok: number = 1;\nconst größe = 2;\nlet bad: = 3;\nlet more = 1;\n",
        "outer.ts": `import "./main.ts";`,
        "late.cts": `require("./main.ts");`,
      });
      for (const script of ["main.ts", "outer.ts", "late.cts"]) {
        const { status, stderr, stdout } = folder.run(node, script);
        assert.equal(status, 1, script);
        assert.equal(stdout, "");
        assert.ok(stderr.includes(`${join(folder.path, "main.ts")}:3:10: `), stderr);
        assert.ok(stderr.includes("> 3 | let bad: = 3;\n    |          ^"), stderr);
        assert.ok(stderr.includes("  2 | const größe = 2;") && stderr.includes("  4 | let more = 1;"), stderr);
        assert.ok(
          stderr.split("\n").every((line) => line.length < 300),
          `${script} shows our bundle`,
        );
      }
    });

    it("lets a script catch what does not compile", () => {
      given({
        "bad.ts": "let x: = 1",
        "main.ts": `try { await import("./bad.ts"); } catch (e) { console.log((e as Error).name, e instanceof SyntaxError); }`,
      });
      assert.equal(folder.run(node, "main.ts").stdout, "SyntaxError true\n");
    });

    it("leaves files of node_modules alone, and says what Node says of what is missing", () => {
      given({
        "node_modules/dep/index.js": "module.exports = function () { return module.exports.toString() };",
        "main.ts": `import dep from "dep"; ${registered}
          console.log([...modules.keys()].length);
          try { await import("./missing"); } catch (e) { console.log((e as any).code); }
          try { require("./missing"); } catch (e) { console.log((e as any).code); } void dep;`,
      });
      assert.equal(folder.run(node, "main.ts").stdout, "1\nERR_MODULE_NOT_FOUND\nMODULE_NOT_FOUND\n");
    });

    it("loads in workers and in children", () => {
      given({
        "lib.ts": "export const twice = (x: number): number => 2 * x;",
        "worker.ts": `import { parentPort, workerData } from "node:worker_threads"; import { twice } from "./lib.js"; parentPort!.postMessage(twice(workerData as number));`,
        "child.ts": `import { twice } from "./lib.js"; process.send!(twice(4) as number);`,
        "main.ts": `import { Worker } from "node:worker_threads"; import { fork } from "node:child_process";
          new Worker(new URL("./worker.ts", import.meta.url), { workerData: 21 }).on("message", (m: number) => {
            console.log(m);
            fork(new URL("./child.ts", import.meta.url).pathname).on("message", (n) => console.log(n));
          });`,
      });
      const { stdout, stderr } = folder.run(node, "main.ts");
      assert.equal(stderr, "");
      assert.equal(stdout, "42\n8\n");
    });

    it("ends with 13 when the top level waits for ever, and with an error's code when it throws", () => {
      given({
        "hang.ts": "await new Promise<void>(() => {});",
        "code.ts": "process.exitCode = 7; export {};",
        "reject.ts": "await 1; Promise.reject(new Error('no'));",
      });
      assert.equal(folder.run(node, "hang.ts").status, 13);
      assert.equal(folder.run(node, "code.ts").status, 7);
      const { status, stderr } = folder.run(node, "reject.ts");
      assert.equal(status, 1);
      assert.match(stderr, /Error: no\n\s+at .*reject\.ts:1:/);
      folder.write("leaves.ts", "export {};\nawait 0;\nprocess.exit();\n");
      assert.equal(folder.run(node, "leaves.ts").status, 0, "process.exit() is no wait");
      folder.write(
        "leaves-soon.ts",
        "setTimeout(() => process.exit(), 20);\nexport {};\nawait new Promise(() => {});\n",
      );
      assert.equal(folder.run(node, "leaves-soon.ts").status, 0, "nor is one of a timer");
    });

    it("compiles once: the second run loads no compiler, and the same is true of a changed and restored file", () => {
      given({
        "main.ts":
          "const a: number = 1; console.log(a, Object.keys(require.cache).some((k) => /oxc|esbuild/.test(k)));",
      });
      assert.equal(folder.run(node, "main.ts").stdout, "1 true\n");
      assert.equal(folder.run(node, "main.ts").stdout, "1 false\n");
      const before = readFileSync(join(folder.path, "main.ts"), "utf8");
      folder.write("main.ts", before.replace("= 1", "= 2"));
      assert.equal(folder.run(node, "main.ts").stdout, "2 true\n");
      folder.write("main.ts", before);
      assert.equal(folder.run(node, "main.ts").stdout, "1 false\n");
    });

    it("compiles again what the cache holds damaged, and goes without one it cannot have", () => {
      given({ "main.ts": "const a: number = 1; console.log(a);" });
      folder.run(node, "main.ts");
      const entries = join(folder.cacheHome, "heddle", "modules");
      const names = readdirSync(entries);
      assert.ok(names.length > 0);
      for (const damage of [
        (text: string) => text.slice(0, 40),
        () => "",
        (text: string) => text.replace("console.log", "console.lug"),
        () => "{}\nconsole.log(9)",
      ]) {
        for (const name of names) writeFileSync(join(entries, name), damage(readFileSync(join(entries, name), "utf8")));
        const { stdout, stderr } = folder.run(node, "main.ts");
        assert.deepEqual({ stdout, stderr }, { stdout: "1\n", stderr: "" });
      }
      folder.write("no-folder", "a file");
      for (const env of [{ XDG_CACHE_HOME: join(folder.path, "no-folder") }, { XDG_CACHE_HOME: "", HOME: "" }]) {
        const { stdout, stderr } = folder.run(node, "main.ts", { env });
        assert.deepEqual({ stdout, stderr }, { stdout: "1\n", stderr: "" });
      }
    });

    it("resolves heddle from anywhere to the runtime of this installation", () => {
      given({
        "node_modules/heddle/package.json": `{ "name": "heddle", "main": "other.js" }`,
        "node_modules/heddle/other.js": "module.exports = 'other'",
        "node_modules/dep/index.js": "module.exports = require.resolve('heddle/queue');",
        "main.ts": `import dep from "dep"; console.log(import.meta.resolve("heddle/queue")); console.log(dep); console.log(require.resolve("heddle"));`,
      });
      const { stdout, stderr } = folder.run(node, "main.ts");
      assert.equal(stderr, "");
      const face = (name: string): string => join(dist, "entry", name);
      // On Node 20, import.meta.resolve asks the hooks as well.
      assert.equal(stdout, `${pathToFileURL(face("queue.mjs")).href}\n${face("queue.cjs")}\n${face("index.cjs")}\n`);
    });

    it("says which tsconfig.json is broken", () => {
      given({ "tsconfig.json": `{ "extends": "./missing.json" }`, "main.ts": "console.log(1 as number)" });
      const { status, stderr } = folder.run(node, "main.ts");
      assert.equal(status, 1);
      assert.ok(stderr.includes(join(folder.path, "tsconfig.json")), stderr);
    });
  });
}
