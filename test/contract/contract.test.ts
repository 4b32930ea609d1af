/**
 * The package's types against the contract, member by member. For every name of the contract that an entry point
 * exports today, a file of assertions is written and compiled: a class's members (its `#private` brand aside), its
 * constructor's parameters, a function's or constant's type.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync } from "oxc-parser";

const root = join(__dirname, "..", "..");
const work = join(root, "out", "contract");

interface Declared {
  kind: "class" | "function" | "const";
  generics: number;
}

/** The values that each module of the contract exports. */
function contractExports(source: string): Map<string, Map<string, Declared>> {
  const modules = new Map<string, Map<string, Declared>>();
  const { program } = parseSync("heddle.d.ts", source);
  // biome-ignore lint/suspicious/noExplicitAny: a syntax tree has too many shapes to spell them out
  for (const statement of program.body as any[]) {
    if (statement.type !== "TSModuleDeclaration") continue;
    const names = new Map<string, Declared>();
    modules.set(statement.id.value, names);
    for (const inner of statement.body.body) {
      const declaration = inner.type === "ExportNamedDeclaration" ? inner.declaration : null;
      if (!declaration) continue;
      const generics = declaration.typeParameters?.params.length ?? 0;
      if (declaration.type === "ClassDeclaration") names.set(declaration.id.name, { kind: "class", generics });
      else if (/Function/.test(declaration.type)) names.set(declaration.id.name, { kind: "function", generics });
      else if (declaration.type === "VariableDeclaration") {
        for (const d of declaration.declarations) names.set(d.id.name, { kind: "const", generics: 0 });
      }
    }
  }
  return modules;
}

/** Constants that are objects of classes, which are compared by the members of their instances. */
const holdsClasses = new Set(["dummy"]);

/** Members whose declared types name classes that carry a `#private` brand are compared through this view. */
const prelude = `
type Members<T> = { [K in keyof T]: T[K] };
declare function same<C>(ours: C): void;
`;

/**
 * Declarations without the brands of classes with private fields: by these no class of ours could ever stand for one of
 * the contract, as an argument or in a result.
 */
function unbranded(declarations: string): string {
  return declarations.replaceAll(/^\s*#private;$/gm, "");
}

/** Copies the package's types, unbranded, beside the contract. */
function copyTypes(): void {
  const types = join(root, "dist", "types");
  for (const file of readdirSync(types, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".d.ts")) continue;
    const to = join(work, "types", file);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, unbranded(readFileSync(join(types, file), "utf8")));
  }
}

describe("the package's types satisfy the contract", () => {
  const source = readFileSync(join(__dirname, "heddle.d.ts"), "utf8");
  const modules = contractExports(source);

  before(copyTypes);

  for (const [module, names] of modules) {
    const short = module === "heddle" ? "index" : module.slice("heddle/".length);
    let entry: Record<string, unknown>;
    try {
      entry = require(join(root, "dist", "entry", `${short}.cjs`));
    } catch {
      continue;
    }
    it(module, function () {
      this.timeout(120_000);
      const lines = [
        prelude,
        `import * as C from "contract${module.slice("heddle".length)}";`,
        `import * as O from "${module}";`,
      ];
      let checked = 0;
      for (const [name, declared] of names) {
        if (!(name in entry)) continue;
        checked++;
        if (declared.kind === "class") {
          const anys = declared.generics > 0 ? `<${Array(declared.generics).fill("any").join(", ")}>` : "";
          lines.push(
            `declare const ${name}_ours: O.${name}${anys}; same<Members<C.${name}${anys}>>(${name}_ours); // ${name}: members`,
          );
        } else if (holdsClasses.has(name)) {
          const instances = (from: string) =>
            `{ [K in keyof typeof ${from}.${name}]: Members<InstanceType<(typeof ${from}.${name})[K]>> }`;
          lines.push(
            `declare const ${name}_ours: ${instances("O")}; same<${instances("C")}>(${name}_ours); // ${name}`,
          );
        } else if (declared.kind === "function" || declared.kind === "const") {
          lines.push(`same<typeof C.${name}>(O.${name}); // ${name}`);
        }
      }
      assert.ok(checked > 0, `nothing of ${module} is exported`);
      mkdirSync(work, { recursive: true });
      writeFileSync(
        join(work, "contract.d.ts"),
        unbranded(source.replaceAll(/(declare module|from|as \w+ from) "heddle/g, '$1 "contract')),
      );
      writeFileSync(join(work, `${short}.ts`), lines.join("\n"));
      writeFileSync(
        join(work, `${short}.json`),
        JSON.stringify({
          extends: "../../tsconfig.json",
          compilerOptions: {
            paths: {
              heddle: ["./types/runtime/index.d.ts"],
              "heddle/*": ["./types/runtime/*/index.d.ts"],
            },
          },
          include: [],
          exclude: [],
          files: [`${short}.ts`, "contract.d.ts"],
        }),
      );
      const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
      const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", join(work, `${short}.json`)], {
        encoding: "utf8",
      });
      const ours = stdout
        .split("\n")
        .filter((line) => line.includes(`${short}.ts`))
        .map((line) => {
          const number = Number(/\((\d+),/.exec(line)?.[1] ?? 0);
          return `${line}\n    ${lines.join("\n").split("\n")[number - 1] ?? ""}`;
        });
      assert.deepEqual(ours, [], `${ours.join("\n")}`);
      assert.ok(status === 0 || stdout.length > 0, "the compiler did not run");
    });
  }
});
