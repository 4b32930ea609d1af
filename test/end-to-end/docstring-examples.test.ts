/**
 * Every `@example` of the package's declarations: it compiles, and run as a script it ends with code 0 and prints what
 * its comments say. A comment `// prints TEXT` stands for one line of output; the lines may come in another order than
 * the comments, since threads print them, but there are as many of each.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type RunResult, runFile } from "../harness/run-script.js";

const root = join(__dirname, "..", "..");
const declarations = join(root, "dist", "types", "runtime");

/** The headings of the reference's pages that are not names of classes. */
const NOT_CLASSES = ["Functions", "Constants", "Errors", "Types", "Types of other pages"];

/** How many run at a time: most of their time they start. */
const AT_ONCE = 3;

interface Example {
  readonly title: string;
  readonly file: string;
  readonly code: string;
}

function findExamples(folder: string): Example[] {
  const examples: Example[] = [];
  for (const path of readdirSync(declarations, { recursive: true, encoding: "utf8" }).sort()) {
    if (!path.endsWith(".d.ts")) continue;
    const text = readFileSync(join(declarations, path), "utf8");
    const docstrings = /^\/\*\*\n(?: \*.*\n)+? \*\/\nexport (?:declare )?(?:abstract )?\w+ (\w+)/gm;
    for (const [docstring, name] of text.matchAll(docstrings)) {
      const lines = docstring.split("\n").map((line) => line.replace(/^ \* ?/, ""));
      const all = [...lines.join("\n").matchAll(/^@example\n([\s\S]*?)(?=^@|^\*\/|^\/$)/gm)];
      all.forEach(([, example], i) => {
        const code = /^```ts\n([\s\S]*?)^```$/m.exec(example!)?.[1];
        assert.ok(code, `an example of ${name} in ${path} is not fenced as ts:\n${example}`);
        const title = `${path.replace(/\.d\.ts$/, "")}: ${name}${i > 0 ? ` (${i + 1})` : ""}`;
        examples.push({ title, file: join(folder, `${title.replaceAll(/\W+/g, "-")}.ts`), code });
      });
    }
  }
  return examples;
}

const promised = (code: string) => [...code.matchAll(/\/\/ (?:.*: )?prints (.*)$/gm)].map(([, text]) => text).sort();

describe("the examples in the docstrings", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-docstrings-"));
  const examples = findExamples(folder);
  const results = new Map<Example, Promise<RunResult>>();
  for (const example of examples) writeFileSync(example.file, example.code);
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(() => {
    const lines: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
    examples.forEach((example, i) => {
      const result = lines[i % AT_ONCE]!.then(() => runFile(example.file, { cwd: folder, timeout: 40_000 }));
      results.set(example, result);
      lines[i % AT_ONCE] = result.catch(() => {}); // the example's own test tells of it
    });
  });

  it("there is one for every class of the reference", () => {
    const pages = readdirSync(join(root, "docs", "api")).filter((name) => name !== "README.md");
    const without: string[] = [];
    for (const page of pages) {
      const text = readFileSync(join(root, "docs", "api", page), "utf8");
      for (const section of text.split(/^## /m).slice(1)) {
        const [name] = section.split("\n");
        if (NOT_CLASSES.includes(name!) || section.includes("```ts")) continue;
        without.push(`${page}: ${name}`);
      }
    }
    assert.deepEqual(without, []);
  });

  it("they compile", function () {
    this.timeout(120_000);
    const work = join(root, "out", "docstring-examples");
    mkdirSync(work, { recursive: true });
    writeFileSync(
      join(work, "tsconfig.json"),
      JSON.stringify({
        extends: "../../tsconfig.json",
        compilerOptions: {
          paths: { heddle: [`${declarations}/index.d.ts`], "heddle/*": [`${declarations}/*/index.d.ts`] },
          rootDir: "/",
          types: ["node"],
          typeRoots: [join(root, "node_modules", "@types")],
          noEmit: true,
        },
        include: [],
        files: examples.map(({ file }) => file),
      }),
    );
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", work], { encoding: "utf8" });
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.includes(basename(folder)) || /^error/.test(line)),
      [],
    );
  });

  for (const example of examples) {
    it(example.title, async function () {
      this.timeout(120_000);
      const result = await results.get(example)!;
      assert.equal(result.code, 0, `${example.code}\n${result.stdout}\n${result.stderr}`);
      const expected = promised(example.code);
      const printed = result.stdout.split("\n").slice(0, -1).sort();
      if (expected.length > 0) assert.deepEqual(printed, expected, result.stderr);
    });
  }
});
