/**
 * Writes the runtime's declarations to dist/types/: what an editor reads for `heddle/*`.
 *
 * The entries say which libraries they need (`using`, async iterators), so that a script without a tsconfig.json of
 * its own has them. Errors elsewhere in the sources do not keep the declarations from being written.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Node, Project, SyntaxKind } from "ts-morph";

const done = spawnSync(
  process.execPath,
  [join("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.types.json"],
  {
    encoding: "utf8",
  },
);
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const entries = Object.values(manifest.exports).flatMap((target) => target.types ?? []);
const libraries = ["es2022", "esnext.disposable"].map((name) => `/// <reference lib="${name}" />\n`).join("");
for (const entry of entries) {
  if (!existsSync(entry)) continue;
  const text = readFileSync(entry, "utf8");
  if (!text.startsWith("/// <reference lib")) writeFileSync(entry, libraries + text);
}

/** Classes whose objects stand for something shared: nothing that only looks like one can take its place. */
const BRANDED = new Set([
  ...["Lock", "RLock", "Semaphore", "Condition", "Event", "Barrier", "Queue", "SimpleQueue"],
  ...["Connection", "Listener", "SharedMemory", "Pool", "ThreadPool"],
]);
keepPublicFaces(entries.filter((entry) => existsSync(entry)));
const missing = entries.filter((entry) => !existsSync(entry));
if (done.status !== 0) console.error(done.stdout.trim());
if (missing.length > 0) console.error(`not written: ${missing.join(", ")}`);
process.exitCode = missing.length > 0 ? 1 : 0;

/**
 * Leaves of each class that an entry exports, and of the classes it extends, what a script may use: not the members by
 * which our own files talk to each other, nor the parameters that only they give.
 */
function keepPublicFaces(entries) {
  const project = new Project({ compilerOptions: { target: 99, module: 199, moduleResolution: 99, noLib: true } });
  const exported = entries.flatMap((entry) => [
    ...project.addSourceFileAtPath(entry).getExportedDeclarations().entries(),
  ]);
  const names = new Set(exported.map(([name]) => name));
  const classes = new Set();
  for (const [, declarations] of exported) {
    for (let each = declarations.find(Node.isClassDeclaration); each !== undefined; each = each.getBaseClass()) {
      classes.add(each);
    }
  }
  const cuts = new Map();
  const cut = (node, from, to, put = "") => {
    const file = node.getSourceFile().getFilePath();
    cuts.set(file, [...(cuts.get(file) ?? []), { from, to, put }]);
  };
  for (const declaration of classes) {
    for (const member of declaration.getMembers()) {
      if (!Node.isConstructorDeclaration(member)) {
        if (isInternal(member)) cut(member, member.getFullStart(), member.getEnd());
        continue;
      }
      const parameters = member.getParameters();
      let kept = parameters.length;
      while (kept > 0 && parameters[kept - 1].isOptional() && namesOther(parameters[kept - 1], names)) kept--;
      if (kept === parameters.length) continue;
      const from = kept > 0 ? parameters[kept - 1].getEnd() : parameters[0].getPos();
      cut(member, from, parameters.at(-1).getEnd());
    }
    if (!BRANDED.has(declaration.getName())) continue;
    const begin = declaration.getFirstChildByKindOrThrow(SyntaxKind.OpenBraceToken).getEnd();
    cut(declaration, begin, begin, "\n    #private;");
  }
  for (const [file, all] of cuts) {
    let text = readFileSync(file, "utf8");
    for (const { from, to, put } of all.sort((a, b) => b.from - a.from || b.to - a.to)) {
      text = text.slice(0, from) + put + text.slice(to);
    }
    writeFileSync(file, text);
  }
}

/** Members named by symbols of ours, private ones, brands (`#private`), and how an object prints itself. */
function isInternal(member) {
  if (member.getModifiers?.().some((modifier) => modifier.getText() === "private")) return true;
  const name = member.getName();
  return name.startsWith("#") || name === "toString" || (name.startsWith("[") && !name.startsWith("[Symbol."));
}

/** Whether a parameter's type speaks of something declared here that no entry exports. */
function namesOther(parameter, names) {
  return parameter.getDescendants().some((node) => {
    if (!Node.isTypeReference(node)) return false;
    const name = node.getTypeName().getText();
    const declarations = node.getTypeName().getSymbol()?.getAliasedSymbol()?.getDeclarations() ?? [];
    const ours = declarations.some((each) => each.getSourceFile().getFilePath().includes("/dist/types/"));
    const here = node.getSourceFile().getInterface(name) ?? node.getSourceFile().getTypeAlias(name);
    return (ours || here !== undefined) && !names.has(name);
  });
}
