import assert from "node:assert/strict";
import { nodes, ScriptFolder } from "./loaded-script.js";

/** What TypeScript users write: files, the script to run, and what it prints. */
const cases: Record<string, { files: Record<string, string>; script?: string; prints: string }> = {
  "enums, const enums, namespaces and parameter properties": {
    files: {
      "main.ts": `
        enum Colour { Red, Green = "g" }
        const enum Size { Big = 7 }
        namespace Shape { export const sides: number = 4; export namespace Inner { export const x = 1 } }
        class Point { constructor(public readonly x: number, private y = 2) {} sum(): number { return this.x + this.y } }
        declare const missing: string;
        abstract class Base { abstract f(): void; declare ghost: number; }
        function over(a: string): string; function over(a: number): number; function over(a: unknown) { return a }
        const value = { a: 1 } satisfies Record<string, number>;
        console.log(Colour[0], Colour.Green, Size.Big, Shape.sides, Shape.Inner.x, new Point(1).sum(), over(3), value.a!, <number>5, typeof Base);`,
    },
    prints: "Red g 7 4 1 3 3 1 5 function\n",
  },
  "legacy decorators": {
    files: {
      "tsconfig.json": `{ "compilerOptions": { "experimentalDecorators": true } }`,
      "main.ts": `
        function log(target: object, key: string, d: PropertyDescriptor) { console.log("on", key, typeof d.value); }
        function field(target: object, key: string) { console.log("field", key); }
        class A { @field x = 1; @log go() { return 1; } }
        console.log(new A().go());`,
    },
    prints: "field x\non go function\n1\n",
  },
  "decorators of the language": {
    files: {
      "main.ts": `
        function twice(f: () => number, c: ClassMethodDecoratorContext) { return function (this: unknown) { return 2 * f.call(this); }; }
        class A { @twice go(): number { return 21; } @(<T>(v: T, c: ClassFieldDecoratorContext) => (i: number) => i + 1) n = 1; }
        console.log(new A().go(), new A().n);`,
    },
    prints: "42 2\n",
  },
  "bigints beside an at sign, as in using and in an address": {
    files: {
      "main.ts": `
        (Symbol as any).dispose ??= Symbol.for("Symbol.dispose");
        const sums = new Map<string, bigint>([["somebody@example.org", 2n ** 64n]]);
        { using open = { [Symbol.dispose]() { console.log("closed"); } }; console.log(sums); }`,
    },
    prints: "Map(1) { 'somebody@example.org' => 18446744073709551616n }\nclosed\n",
  },
  "using and await using": {
    files: {
      "main.ts": `
        (Symbol as any).dispose ??= Symbol.for("Symbol.dispose"); (Symbol as any).asyncDispose ??= Symbol.for("Symbol.asyncDispose");
        function open(name: string) { return { [Symbol.dispose]() { console.log("closed", name); } }; }
        async function main() {
          using a = open("a");
          await using b = { async [Symbol.asyncDispose]() { console.log("closed b"); } };
          console.log("body");
        }
        await main();`,
    },
    prints: "body\nclosed b\nclosed a\n",
  },
  "using in JavaScript": {
    files: {
      "main.mjs": `
        Symbol.dispose ??= Symbol.for("Symbol.dispose");
        { using a = { [Symbol.dispose]() { console.log("closed"); } }; console.log("body"); }`,
    },
    script: "main.mjs",
    prints: "body\nclosed\n",
  },
  "paths, baseUrl and extends of tsconfig.json": {
    files: {
      "base/tsconfig.json": `{ // a comment
        "compilerOptions": { "baseUrl": "../src", "paths": { "@lib/*": ["lib/*"], "exact": ["lib/exact.ts"] } } }`,
      "tsconfig.json": `{ "extends": "./base/tsconfig.json", }`,
      "src/lib/one.ts": "export const one: number = 1;",
      "src/lib/exact.ts": "export default 'exact' as string;",
      "src/lib/deep/index.ts": "export const deep: string = 'deep';",
      "src/other.ts": "export const other: string = 'other';",
      "src/main.ts": `import { one } from "@lib/one"; import { one as again } from "@lib/one.js"; import exact from "exact";
        import { deep } from "@lib/deep"; import { other } from "other"; console.log(one, again === one, exact, deep, other);`,
    },
    script: "src/main.ts",
    prints: "1 true exact deep other\n",
  },
  "specifiers: .js for .ts, .mjs for .mts, none, a folder": {
    files: {
      "a.ts": "export const a: number = 1;",
      "b.mts": "export const b: number = 2;",
      "c.cts": "export const c: number = 3;",
      "d.tsx": "export const d: number = 4;",
      "folder/index.ts": "export const e: number = 5;",
      "f.js": "export const f = 6;",
      "g.h.ts": "export const g: number = 7;",
      "main.ts": `import { a } from "./a.js"; import { a as a2 } from "./a"; import { a as a3 } from "./a.ts";
        import { b } from "./b.mjs"; import { c } from "./c.cjs"; import { d } from "./d.js"; import { e } from "./folder"; import { f } from "./f";
        import { g } from "./g.h"; const late = await import("./a.js");
        console.log(a, a2, a3, b, c, d, e, f, g, late.a);`,
    },
    prints: "1 1 1 2 3 4 5 6 7 1\n",
  },
  "JSON with attributes, without, by name, and by require": {
    files: {
      "data.json": `{ "version": "1.2.3", "not a name": 1, "default": 2 }`,
      "same.ts": `export { default as same } from "./data.json" with { type: "json" };`,
      "main.ts": `import data, { version } from "./data.json"; import { same } from "./same";
        console.log(data.version, version, same.version, require("./data.json").version);`,
    },
    prints: "1.2.3 1.2.3 1.2.3 1.2.3\n",
  },
  "JSX, classic": {
    files: {
      "tsconfig.json": `{ "compilerOptions": { "jsx": "react", "jsxFactory": "h", "jsxFragmentFactory": "F" } }`,
      "main.tsx": `const F = "f"; function h(tag: unknown, props: unknown, ...children: unknown[]) { return [tag, props, ...children]; }
        console.log(JSON.stringify(<div id="x"><>{1 as number}</></div>));`,
    },
    script: "main.tsx",
    prints: `["div",{"id":"x"},["f",null,1]]\n`,
  },
  "JSX, automatic, in a .jsx file": {
    files: {
      "tsconfig.json": `{ "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "tiny", "allowJs": true } }`,
      "node_modules/tiny/package.json": `{ "name": "tiny", "exports": { "./jsx-runtime": "./jsx.js" }, "type": "module" }`,
      "node_modules/tiny/jsx.js": "export const jsx = (tag, props) => [tag, props]; export const jsxs = jsx;",
      "main.jsx": "console.log(JSON.stringify(<b>hi</b>));",
    },
    script: "main.jsx",
    prints: `["b",{"children":"hi"}]\n`,
  },
  "CommonJS in TypeScript": {
    files: {
      "old.ts": `import path = require("node:path"); export = { base: path.basename(__filename) };`,
      "util.cts": `import { sep } from "node:path"; export const s: string = sep; export default class K {}`,
      "main.cts": `import old = require("./old"); const { s } = require("./util.cjs") as typeof import("./util.cjs");
        interface X { a: 1 } console.log(old.base, s, typeof require, module === require.main, __dirname.length > 1, require.resolve("./old").endsWith("old.ts"));`,
    },
    script: "main.cts",
    prints: "old.ts / function true true true\n",
  },
  "an ES module that uses CommonJS's names": {
    files: {
      "main.ts": `import { basename } from "node:path"; const fs: typeof import("node:fs") = require("node:fs");
        console.log(basename(__filename), basename(__dirname) !== "", typeof fs.readFileSync);`,
    },
    prints: "main.ts true function\n",
  },
  "a package of type commonjs with ES syntax and a top-level await": {
    files: {
      "package.json": `{ "type": "commonjs" }`,
      "main.ts": `import { x } from "./x"; console.log(await Promise.resolve(x as number));`,
      "x.ts": "export const x: number = 9;",
    },
    prints: "9\n",
  },
  "a package of type module": {
    files: {
      "package.json": `{ "type": "module" }`,
      "main.ts": `import { x } from "./x.js"; import { y } from "./y.js"; console.log(x, y, import.meta.url.endsWith("main.ts"));`,
      "x.ts": "export const x: number = 9;",
      "y.js": "export const y = 8;",
    },
    prints: "9 8 true\n",
  },
  "types that are imported without saying so": {
    files: {
      "types.ts": "export interface A { a: number } export type B = string; export const real = 1;",
      "main.ts": `import { A, B, real } from "./types"; import type { A as C } from "./types"; const a: A = { a: 1 }; const b: B = "b";
        console.log(a.a, b, real);`,
    },
    prints: "1 b 1\n",
  },
  "imports of packages, their exports and #imports, and cycles": {
    files: {
      "package.json": `{ "name": "me", "type": "module", "imports": { "#inner/*": "./inner/*.js" }, "exports": { "./inner": "./inner/x.js" } }`,
      "inner/x.ts": `import { two } from "../cycle.js"; export const x = () => two;`,
      "cycle.ts": `import { x } from "./inner/x.js"; export const two = 2; export const back = () => x;`,
      "node_modules/dep/package.json": `{ "name": "dep", "main": "index.js" }`,
      "node_modules/dep/index.js": "exports.dep = typeof __filename;",
      "main.ts": `import { x } from "#inner/x"; import { x as same } from "me/inner"; import { dep } from "dep"; import { back } from "./cycle.js";
        console.log(x(), same === x, dep, back() === x);`,
    },
    prints: "2 true string true\n",
  },
  "plain JavaScript of both kinds": {
    files: {
      "a.cjs": `#!/usr/bin/env node\n"use strict";\nexports.strict = (function () { return this === undefined; })(); exports.sum = (a, b) => a + b;`,
      "main.mjs": `#!/usr/bin/env node
import { strict, sum } from "./a.cjs"; import def from "./a.cjs"; console.log(strict, sum(1, 2), def.sum === sum);`,
    },
    script: "main.mjs",
    prints: "true 3 true\n",
  },
  "names of globals that a module has for itself": {
    files: {
      "lib.ts": "export class Map { mine = true } export const Symbol = 1;",
      "main.ts": `import { Map, Symbol } from "./lib"; const globalThis = 5; function URL() { return "url"; }
        console.log(new Map().mine, Symbol, globalThis, URL());`,
    },
    prints: "true 1 5 url\n",
  },
  "paths with spaces and other letters": {
    files: {
      "mein Ordner/größe #1 100%.ts": "export const wert: number = 1;",
      "mein Ordner/скрипт.ts": `import { wert } from "./größe %231 100%25"; console.log(wert, import.meta.filename.endsWith("скрипт.ts"));`,
    },
    script: "mein Ordner/скрипт.ts",
    prints: "1 true\n",
  },
};

for (const node of nodes) {
  describe(`loader: languages, ${node.name}`, () => {
    for (const [title, { files, script = "main.ts", prints }] of Object.entries(cases)) {
      it(title, function () {
        this.timeout(20_000);
        const folder = new ScriptFolder(files);
        try {
          for (const pass of ["cold", "warm"]) {
            const { status, stdout, stderr } = folder.run(node, script);
            assert.deepEqual({ pass, status, stdout, stderr }, { pass, status: 0, stdout: prints, stderr: "" });
          }
        } finally {
          folder.remove();
        }
      });
    }
  });
}
