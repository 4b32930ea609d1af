/**
 * Writes the API reference, docs/api/*.md, from the docstrings of the declarations in dist/types
 * (`node scripts/build-types.mjs` makes them). With `--check` it writes nothing and fails if the pages are not what the
 * docstrings say.
 *
 * Each exported name is described on one page, its home: "heddle" for what it exports itself, else the first entry that
 * has it. Other pages link there. A class that extends an exported one lists only what it adds or changes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Node, Project } from "ts-morph";

const check = process.argv.includes("--check");
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const project = new Project({
  compilerOptions: { target: 99, module: 199, moduleResolution: 99, lib: ["lib.esnext.d.ts"], types: ["node"] },
});

/** What each entry is, for the head of its page. */
const INTRODUCTIONS = {
  ".": "What belongs to no single library, the errors, the types that the libraries share, and the libraries themselves as namespaces.",
  "./threading": "Python's `threading`: each thread is a worker with an event loop and a heap of its own.",
  "./queue": "Python's `queue`: queues between the threads of a process.",
  "./futures": "Python's `concurrent.futures`: tasks that run somewhere else, and their outcomes.",
  "./multiprocessing": "Python's `multiprocessing`: processes and pools.",
  "./subprocess": "Python's `subprocess`: programs that are not scripts, each a process of the trace.",
  "./trace": "Your own spans, marks and counters on the timeline.",
};

const CONVENTIONS = `What can wait has two forms: the plain name returns a promise, its twin with \`Sync\` blocks the thread until the same
value is there. Both wait in one line. Times are milliseconds. Functions cross to other threads and processes by
reference, so they must be declared at the top level of a module; values are copied, as by \`structuredClone\`; locks,
queues and other objects of Heddle stay the same object everywhere. A script that starts threads or processes is imported
by each of them again: what only the first may do stands under \`if (isMain)\`.

Every example on these pages is run by the tests; \`// prints\` says what comes out.`;

const pages = Object.entries(manifest.exports)
  .filter(([, target]) => target.types !== undefined && existsSync(target.types))
  .map(([entry, target]) => ({
    entry,
    title: entry === "." ? "heddle" : `heddle/${entry.slice(2)}`,
    file: `${entry === "." ? "heddle" : entry.slice(2).replaceAll("/", "-")}.md`,
    source: project.addSourceFileAtPath(target.types),
  }));

/** Declaration → where it is described. */
const homes = new Map();
for (const page of pages) {
  const all = [...page.source.getExportedDeclarations()];
  page.exported = ordered(all.filter(([, [first]]) => !Node.isSourceFile(first)));
  for (const [name, [first]] of page.exported) if (!homes.has(first)) homes.set(first, { page, name });
}

/** Classes after those they extend, else in the order of the exports. */
function ordered(exported) {
  const first = new Map();
  const add = ([name, declarations]) => {
    const base = Node.isClassDeclaration(declarations[0]) ? declarations[0].getBaseClass() : undefined;
    const above = exported.find((each) => each[1][0] === base);
    if (above !== undefined) add(above);
    first.set(name, declarations);
  };
  exported.forEach(add);
  return [...first];
}

const anchor = (name) => name.toLowerCase().replaceAll(/[^\w-]/g, "");
function link(declaration, from) {
  const home = homes.get(declaration);
  return `[\`${home.name}\`](${home.page === from ? "" : home.page.file}#${anchor(home.name)})`;
}

/** Links of docstrings as code; lines of a paragraph as one, those of fenced blocks and lists as they are. */
function plain(text) {
  return text
    .trim()
    .replace(/\{@link\s+([^}|\s]+)[^}]*\}/g, "`$1`")
    .split(/^(```[\s\S]*?^```)$/m)
    .map((part) => (part.startsWith("```") ? part : part.replace(/(?<!\n)\n(?![\n-])/g, " ")))
    .join("");
}

/** What the docstring of a declaration says. */
function documentation(node) {
  const holder = Node.isVariableDeclaration(node) ? node.getVariableStatement() : node;
  const doc = holder?.getJsDocs?.().at(-1);
  if (doc === undefined) return { text: "", examples: [] };
  const examples = doc.getTags().filter((tag) => tag.getTagName() === "example");
  return {
    text: plain(doc.getDescription()),
    examples: examples.map((tag) => (tag.getCommentText() ?? "").trim()).filter((text) => text !== ""),
  };
}

const shown = ({ examples }) => examples.flatMap((example) => [example, ""]);

/** Declared text without comments, modifiers that say nothing to a reader, or line breaks. */
function signature(node) {
  return node
    .getText()
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^(?:export |declare |abstract |function |static )+/, "")
    .replace(/\s+/g, " ")
    .replace(/ \| undefined(?=[;,)} ]|$)/g, "")
    .replace(/; \}/g, " }")
    .replace(/;$/, "")
    .trim();
}

const isOurs = (node) => node.getSourceFile().getFilePath().includes("/dist/types/");
const isHidden = (node) =>
  node.getModifiers?.().some((modifier) => ["private", "protected"].includes(modifier.getText())) ?? false;

/** What `using`, `for` and `for await` call, by the name that the compiler gives their symbols. */
const WELL_KNOWN = [
  ["dispose", "using"],
  ["asyncDispose", "await using"],
  ["iterator", "for … of"],
  ["asyncIterator", "for await … of"],
];

/** The members a reader sees, by name, in the order of declaration. */
function members(type) {
  const found = new Map();
  for (const symbol of type.getProperties()) {
    const known = WELL_KNOWN.find(([name]) => symbol.getName().startsWith(`__@${name}@`));
    const name = known === undefined ? symbol.getName() : `[${known[1]}]`;
    if (/^(?:__@|#|_)/.test(name)) continue;
    const nodes = symbol.getDeclarations().filter((node) => isOurs(node) && !isHidden(node));
    if (nodes.length > 0) found.set(name, nodes);
  }
  return found;
}

/** What is said of a member, if not here then where the class's interfaces or base classes declare it. */
function saidOf(name, nodes) {
  const own = nodes.map((node) => documentation(node).text).find((text) => text !== "");
  if (own !== undefined) return own;
  const parent = nodes[0].getParent();
  const above = Node.isClassDeclaration(parent)
    ? [...parent.getImplements(), ...(parent.getExtends() ? [parent.getExtends()] : [])]
    : [];
  for (const clause of above) {
    const declared = clause.getType().getProperty(name)?.getDeclarations().filter(isOurs) ?? [];
    const text = declared.map((node) => documentation(node).text).find((each) => each !== "");
    if (text !== undefined) return text;
  }
  return "";
}

/** A list of members; those for which `skip` holds stand elsewhere. */
function memberLines(all, skip = () => false) {
  const lines = [];
  for (const [name, nodes] of all) {
    if (skip(name, nodes) || (name.endsWith("Sync") && all.has(name.slice(0, -4)))) continue;
    const text = saidOf(name, nodes);
    if (name.startsWith("[")) {
      // Disposal and iteration are known by their keyword; a line is worth it only if something is said of them.
      if (text !== "") lines.push(`- \`${name.slice(1, -1)}\`: ${text}`);
      continue;
    }
    const twin = all.has(`${name}Sync`) ? ` Blocking: \`${name}Sync\`.` : "";
    const declared = nodes.filter(
      (node) => node.getParent() === nodes[0].getParent() && !Node.isSetAccessorDeclaration(node),
    );
    const settable = nodes.some(Node.isSetAccessorDeclaration);
    const signatures = declared.map((node) => {
      const getter = Node.isGetAccessorDeclaration(node);
      const written = signature(node).replace(/^get (\w+)\(\)/, "$1");
      return `\`${getter && !settable ? "readonly " : ""}${written}\``;
    });
    lines.push(`- ${signatures.join("<br>")}${text || twin ? `<br>${`${text}${twin}`.trim()}` : ""}`);
  }
  return lines;
}

/** The exported class or interfaces a declaration extends, with what is left to say of them. */
function bases(declaration) {
  if (Node.isClassDeclaration(declaration)) {
    const base = declaration.getBaseClass();
    return base !== undefined && homes.has(base) ? [base] : [];
  }
  return declaration.getBaseDeclarations().filter((base) => homes.has(base));
}

function membersOf(declaration, page) {
  const above = bases(declaration);
  const inherited = new Map(above.flatMap((base) => [...members(base.getType())]));
  const lines = memberLines(
    members(declaration.getType()),
    (name, nodes) => inherited.get(name)?.some((node) => nodes.includes(node)) ?? false,
  );
  for (const each of Node.isInterfaceDeclaration(declaration) ? declaration.getIndexSignatures() : []) {
    const { text } = documentation(each);
    lines.unshift(`- \`${signature(each)}\`${text && `<br>${text}`}`);
  }
  for (const base of above) lines.push(`- and all that ${link(base, page)} has`);
  return lines;
}

function classSection(page, name, declaration) {
  const said = documentation(declaration);
  const lines = [`## ${name}`, "", said.text, "", ...shown(said)];
  // What is exported as a type only is made by the library.
  const exported = page.source.getExportDeclarations().flatMap((each) =>
    each
      .getNamedExports()
      .filter((specifier) => (specifier.getAliasNode() ?? specifier.getNameNode()).getText() === name)
      .map((specifier) => each.isTypeOnly() || specifier.isTypeOnly()),
  );
  if (!exported.includes(true) && !declaration.isAbstract()) {
    for (const constructor of declaration.getConstructors().filter((each) => !isHidden(each))) {
      const { text } = documentation(constructor);
      lines.push(`- \`new ${name}${signature(constructor).replace(/^constructor/, "")}\`${text && `<br>${text}`}`);
    }
  }
  for (const member of declaration.getStaticMembers()) {
    if (isHidden(member)) continue;
    const { text } = documentation(member);
    lines.push(`- \`${name}.${signature(member)}\`${text && `<br>${text}`}`);
  }
  lines.push(...membersOf(declaration, page), "");
  return lines;
}

function errorSection(page, name, declaration) {
  const said = documentation(declaration);
  const home = homes.get(declaration.getBaseClass());
  // What stands between an exported class and the language's is nobody's business.
  const between = home === undefined ? declaration.getBaseClass()?.getExtends() : undefined;
  const base = (between ?? declaration.getExtends())?.getText() ?? "Error";
  const above = home === undefined ? `\`${base}\`` : link(declaration.getBaseClass(), page);
  const own = new Map(declaration.getInstanceProperties().map((property) => [property.getName(), [property]]));
  return [`### ${name}`, "", `${said.text} Extends ${above}.`, "", ...memberLines(own), "", ...shown(said)];
}

function typeSection(page, name, declaration) {
  const lines = [`### ${name}`, "", documentation(declaration).text, ""];
  if (Node.isInterfaceDeclaration(declaration)) return [...lines, ...membersOf(declaration, page), ""];
  lines.push(`\`${signature(declaration).replace(/^type /, "")}\``, "");
  const parts = Node.isIntersectionTypeNode(declaration.getTypeNode()) ? declaration.getTypeNode().getTypeNodes() : [];
  for (const part of parts.filter(Node.isTypeLiteral)) {
    lines.push(...memberLines(new Map(part.getProperties().map((each) => [each.getName(), [each]]))));
  }
  return [...lines, ""];
}

/** A constant that makes objects, with the interface of the same name that says what they have. */
function constructedSection(page, name, constant, shape) {
  const said = documentation(constant);
  const lines = [`## ${name}`, "", said.text, "", ...shown(said)];
  for (const each of constant.getTypeNode().getConstructSignatures()) {
    const { text } = documentation(each);
    lines.push(`- \`${signature(each).replace(/^new /, `new ${name}`)}\`${text && `<br>${text}`}`);
  }
  if (shape !== undefined) lines.push(...membersOf(shape, page));
  return [...lines, ""];
}

const isConstructed = (node) =>
  Node.isVariableDeclaration(node) &&
  Node.isTypeLiteral(node.getTypeNode()) &&
  node.getTypeNode().getConstructSignatures().length > 0;

function write(page) {
  const sections = { classes: [], functions: [], constants: [], errors: [], types: [] };
  const names = [];
  const elsewhere = [];
  for (const [name, declarations] of page.exported) {
    const [declaration] = declarations;
    const isError = Node.isClassDeclaration(declaration) && declaration.getType().getProperty("stack") !== undefined;
    if (homes.get(declaration).page !== page) {
      if (isError) elsewhere.push(`- ${link(declaration, page)}: ${documentation(declaration).text}`);
      continue;
    }
    if (isError) sections.errors.push(...errorSection(page, name, declaration));
    else if (Node.isClassDeclaration(declaration)) {
      names.push(declaration);
      sections.classes.push(...classSection(page, name, declaration));
    } else if (declarations.some(isConstructed)) {
      names.push(declaration);
      const shape = declarations.find(Node.isInterfaceDeclaration);
      sections.classes.push(...constructedSection(page, name, declarations.find(isConstructed), shape));
    } else if (Node.isFunctionDeclaration(declaration)) {
      names.push(declaration);
      const said = declarations.map(documentation).filter(({ text }) => text !== "");
      sections.functions.push(`### ${name}`, "");
      for (const each of declarations) {
        const { text } = documentation(each);
        sections.functions.push(`- \`${signature(each)}\`${text && `<br>${text}`}`);
      }
      sections.functions.push("", ...said.flatMap(shown));
    } else if (Node.isVariableDeclaration(declaration)) {
      names.push(declaration);
      const said = documentation(declaration);
      sections.constants.push(`### ${name}`, "", `\`${signature(declaration)}\``, "", said.text, "", ...shown(said));
    } else sections.types.push(...typeSection(page, name, declaration));
  }
  const lines = [
    `# ${page.title}`,
    "",
    "<!-- Written by scripts/build-api-docs.mjs from the docstrings: change those. -->",
    "",
  ];
  lines.push(INTRODUCTIONS[page.entry] ?? "", "");
  if (page.entry === ".") lines.push(...namespaces(), "");
  lines.push(names.map((declaration) => link(declaration, page)).join(" · "), "", ...sections.classes);
  for (const [title, section] of Object.entries(sections).slice(1)) {
    const all = title === "errors" ? [...section, ...elsewhere] : section;
    if (all.length > 0) lines.push(`## ${title[0].toUpperCase()}${title.slice(1)}`, "", ...all, "");
  }
  const text = lines.join("\n");
  const foreign = [...homes.entries()]
    .filter(([, home]) => home.page !== page && new RegExp(`\`[^\`\n]*\\b${home.name}\\b[^\`\n]*\``).test(text))
    .filter(([node]) => Node.isInterfaceDeclaration(node) || Node.isTypeAliasDeclaration(node))
    .map(([node]) => link(node, page));
  if (foreign.length > 0) lines.push("## Types of other pages", "", foreign.join(" · "));
  return tidy(lines);
}

function namespaces() {
  const others = pages.filter(({ entry }) => entry !== "." && !entry.slice(2).includes("/"));
  return [
    "```ts",
    'import { isMain, threading } from "heddle"; // or: import { Lock } from "heddle/threading"',
    "```",
    "",
    ...others.map((page) => `- [\`${page.entry.slice(2)}\`](${page.file}): ${INTRODUCTIONS[page.entry] ?? ""}`),
  ];
}

const tidy = (lines) =>
  `${lines
    .join("\n")
    .replaceAll(/ +$/gm, "")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim()}\n`;

const folder = join("docs", "api");
const index = ["# API reference", "", "Written from the docstrings of the sources by `npm run docs`.", ""];
index.push(...pages.map((page) => `- [${page.title}](${page.file}): ${INTRODUCTIONS[page.entry] ?? ""}`));
index.push("", "## To know beforehand", "", CONVENTIONS);
const written = new Map(pages.map((page) => [page.file, write(page)]));
written.set("README.md", tidy(index));

const present = existsSync(folder) ? readdirSync(folder) : [];
const stale = [...written]
  .filter(([file, text]) => !present.includes(file) || readFileSync(join(folder, file), "utf8") !== text)
  .map(([file]) => file);
const gone = present.filter((file) => !written.has(basename(file)));
if (check && stale.length + gone.length > 0) {
  console.error(`Not what the docstrings say: ${[...stale, ...gone].join(", ")} in docs/api. Run: npm run docs`);
  process.exitCode = 1;
} else if (!check) {
  mkdirSync(folder, { recursive: true });
  for (const file of stale) writeFileSync(join(folder, file), written.get(file));
  for (const file of gone) rmSync(join(folder, file));
}
