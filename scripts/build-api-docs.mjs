/**
 * Writes the API reference, docs/api/*.md, from the docstrings of the declarations in dist/types (`npm run build` makes
 * them). With `--check` it writes nothing and fails if the pages are not what the docstrings say.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Node, Project } from "ts-morph";

const check = process.argv.includes("--check");
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const project = new Project({
  compilerOptions: { target: 99, module: 199, moduleResolution: 99, lib: ["lib.esnext.d.ts"], types: ["node"] },
});

/** What each entry is, for the head of its page. */
const INTRODUCTIONS = {
  ".": 'The namespaces of all libraries, what belongs to none of them, and the errors. `import { threading, isMain } from "heddle"`.',
  "./threading": "Python's `threading`: each thread is a worker with an event loop and a heap of its own.",
  "./queue": "Python's `queue`: queues between the threads of a process.",
  "./futures": "Python's `concurrent.futures`: tasks that run somewhere else, and their outcomes.",
  "./multiprocessing": "Python's `multiprocessing`: processes.",
  "./multiprocessing/dummy": "Python's `multiprocessing.dummy`: the face of multiprocessing on threads.",
  "./trace": "Your own spans, marks and counters on the timeline.",
};

/** A docstring as Markdown. */
function documentation(node) {
  const holder = Node.isVariableDeclaration(node) ? node.getVariableStatement() : node;
  const docs = holder?.getJsDocs?.() ?? [];
  const doc = docs.at(-1);
  if (doc === undefined) return { text: "", examples: [] };
  const examples = doc
    .getTags()
    .filter((tag) => tag.getTagName() === "example")
    .map((tag) => tag.getCommentText()?.trim() ?? "");
  return { text: plain(doc.getDescription()), examples };
}

/** Links of docstrings as code; lines of a paragraph as one, those of a fenced block as they are. */
function plain(text) {
  return text
    .trim()
    .replace(/\{@link\s+([^}|\s]+)[^}]*\}/g, "`$1`")
    .split(/^(```[\s\S]*?^```)$/m)
    .map((part) => (part.startsWith("```") ? part : part.replace(/(?<!\n)\n(?![\n-])/g, " ")))
    .join("");
}

/** Declared text without comments, modifiers that say nothing to a reader, or line breaks. */
function signature(node) {
  return node
    .getText()
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^(?:export |declare |abstract |readonly |static )+/g, (all) =>
      all.includes("readonly") ? "readonly " : "",
    )
    .replace(/\s+/g, " ")
    .replace(/ \| undefined(?=[;,)} ])/g, "")
    .replace(/;$/, "")
    .trim();
}

/** The members a reader sees, inherited ones too, in the order of declaration, by name. */
function members(declaration) {
  const found = new Map();
  for (const symbol of declaration.getType().getProperties()) {
    const name = symbol.getName();
    if (name.startsWith("__@") || name.startsWith("#") || name.startsWith("_")) continue;
    const nodes = symbol
      .getDeclarations()
      .filter((node) => !node.getSourceFile().getFilePath().includes("/node_modules/typescript/"));
    if (nodes.some((node) => node.getModifiers?.().some((modifier) => modifier.getText() === "private"))) continue;
    if (nodes.length > 0 && !nodes[0].getSourceFile().isFromExternalLibrary()) found.set(name, nodes);
  }
  return found;
}

function memberLines(declaration) {
  const lines = [];
  const all = members(declaration);
  for (const [name, nodes] of all) {
    if (name.endsWith("Sync") && all.has(name.slice(0, -4))) continue;
    const node = nodes.find((each) => documentation(each).text !== "") ?? nodes[0];
    const { text } = documentation(node);
    const twin = all.has(`${name}Sync`) ? ` Blocking form: \`${name}Sync\`.` : "";
    for (const each of nodes.filter((n) => n.getParent() === nodes[0].getParent())) {
      if (Node.isSetAccessorDeclaration(each)) continue;
      lines.push(`- \`${signature(each).replace(/^get (\w+)\(\)/, "$1")}\``);
    }
    if (text !== "" || twin !== "") lines.push(`  ${text}${twin}`.trimEnd());
  }
  return lines;
}

function classSection(name, declaration) {
  const { text, examples } = documentation(declaration);
  const base = Node.isClassDeclaration(declaration) ? declaration.getBaseClass()?.getName() : undefined;
  const lines = [`## ${name}`, ""];
  if (text !== "") lines.push(text, "");
  if (base !== undefined && !base.endsWith("Base")) lines.push(`Extends \`${base}\`.`, "");
  for (const example of examples) lines.push(example, "");
  if (Node.isClassDeclaration(declaration)) {
    for (const constructor of declaration.getConstructors()) {
      lines.push(`- \`new ${name}${signature(constructor).replace(/^constructor/, "")}\``);
      const { text: said } = documentation(constructor);
      if (said !== "") lines.push(`  ${said}`);
    }
  }
  lines.push(...memberLines(declaration), "");
  return lines;
}

function page(entry, target) {
  const source = project.addSourceFileAtPath(target.types);
  const title = entry === "." ? "heddle" : `heddle/${entry.slice(2)}`;
  const lines = [
    `# ${title}`,
    "",
    "<!-- Written by scripts/build-api-docs.mjs from the docstrings: change those. -->",
    "",
    INTRODUCTIONS[entry] ?? "",
    "",
  ];
  const classes = [];
  const errors = [];
  const functions = [];
  const constants = [];
  const types = [];
  for (const [name, declarations] of source.getExportedDeclarations()) {
    const [declaration] = declarations;
    if (Node.isSourceFile(declaration)) continue;
    if (Node.isClassDeclaration(declaration)) {
      const isError = declaration.getType().getProperty("stack") !== undefined;
      if (isError) errors.push(`- \`${name}\`: ${documentation(declaration).text}`);
      else classes.push(...classSection(name, declaration));
    } else if (Node.isFunctionDeclaration(declaration)) {
      const { text, examples } = documentation(declarations.find((each) => documentation(each).text) ?? declaration);
      functions.push(`### ${name}`, "", ...declarations.map((each) => `- \`${signature(each)}\``), "", text, "");
      functions.push(...examples.flatMap((example) => [example, ""]));
    } else if (Node.isVariableDeclaration(declaration)) {
      const { text, examples } = documentation(declaration);
      const type = declaration.getTypeNode();
      if (Node.isTypeLiteral(type) && type.getConstructSignatures().length > 0) {
        classes.push(`## ${name}`, "", text, "", ...examples.flatMap((example) => [example, ""]));
        for (const each of type.getConstructSignatures()) {
          classes.push(`- \`${signature(each).replace(/^new /, `new ${name}`)}\`  ${documentation(each).text}`);
        }
        classes.push("");
      } else constants.push(`- \`${signature(declaration)}\`: ${text}`);
    } else if (Node.isInterfaceDeclaration(declaration)) {
      types.push(`### ${name}`, "", documentation(declaration).text, "", ...memberLines(declaration), "");
    } else if (Node.isTypeAliasDeclaration(declaration)) {
      types.push(`### ${name}`, "", documentation(declaration).text, "", `\`${signature(declaration)}\``, "");
    }
  }
  lines.push(...classes);
  if (functions.length > 0) lines.push("## Functions", "", ...functions);
  if (constants.length > 0) lines.push("## Constants", "", ...constants, "");
  if (errors.length > 0) lines.push("## Errors", "", ...errors, "");
  if (types.length > 0) lines.push("## Types", "", ...types);
  return `${lines
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}

const folder = join("docs", "api");
if (!check) mkdirSync(folder, { recursive: true });
const stale = [];
const index = ["# API reference", "", "Written from the docstrings of the sources.", ""];
for (const [entry, target] of Object.entries(manifest.exports)) {
  if (target.types === undefined || !existsSync(target.types)) continue;
  const file = join(folder, `${entry === "." ? "heddle" : entry.slice(2).replaceAll("/", "-")}.md`);
  write(file, page(entry, target));
  index.push(`- [heddle${entry.slice(1)}](${basename(file)}): ${INTRODUCTIONS[entry] ?? ""}`);
}
write(join(folder, "README.md"), `${index.join("\n")}\n`);

function write(file, text) {
  if (check) {
    if (!existsSync(file) || readFileSync(file, "utf8") !== text) stale.push(file);
  } else writeFileSync(file, text);
}

if (stale.length > 0) {
  console.error(`Not what the docstrings say: ${stale.join(", ")}. Run: npm run docs`);
  process.exitCode = 1;
}
