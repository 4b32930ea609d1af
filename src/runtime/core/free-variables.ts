// biome-ignore-all lint/complexity/noBannedTypes: Function is any function or class
/**
 * Which names a function takes from outside of itself. Decides whether a function can cross as source text, and tells
 * the user which local variables hold it back.
 */
import { createRequire } from "node:module";

interface Node {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

interface Scope {
  readonly names: Set<string>;
  readonly parent: Scope | null;
  /** `var` and function declarations belong here. */
  readonly isFunction: boolean;
  /** A method that is looked at without its object, so that its `this` comes from outside. */
  readonly method?: Node | undefined;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string";

function children(node: Node): Node[] {
  const out: Node[] = [];
  for (const value of Object.values(node)) {
    if (isNode(value)) out.push(value);
    else if (Array.isArray(value)) for (const item of value) if (isNode(item)) out.push(item);
  }
  return out;
}

/** The names a pattern binds; its defaults and computed keys are expressions and are walked by the caller. */
function bind(pattern: Node | null | undefined, into: Set<string>): void {
  if (!isNode(pattern)) return;
  switch (pattern.type) {
    case "Identifier":
      into.add(pattern.name as string);
      return;
    case "ObjectPattern":
      for (const property of pattern.properties as Node[]) {
        bind((property.type === "RestElement" ? property.argument : property.value) as Node, into);
      }
      return;
    case "ArrayPattern":
      for (const element of pattern.elements as (Node | null)[]) bind(element, into);
      return;
    case "AssignmentPattern":
      bind(pattern.left as Node, into);
      return;
    case "RestElement":
      bind(pattern.argument as Node, into);
  }
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
const CLASSES = new Set(["ClassDeclaration", "ClassExpression"]);

const isPrivate = (value: unknown): boolean => isNode(value) && value.type === "PrivateIdentifier";
const privateName = (node: unknown): string => `#${(node as Node).name as string}`;

/** Declares what a block's own statements declare; `var`s of nested blocks go to the function's scope. */
function hoist(node: Node, scope: Scope, top: boolean): void {
  if (node.type === "VariableDeclaration") {
    let target: Scope = scope;
    if (node.kind === "var") while (!target.isFunction && target.parent !== null) target = target.parent;
    if (top || node.kind === "var") for (const d of node.declarations as Node[]) bind(d.id as Node, target.names);
    return;
  }
  if (node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") {
    if (top) bind(node.id as Node, scope.names);
    return;
  }
  if (FUNCTIONS.has(node.type) || CLASSES.has(node.type)) return;
  for (const child of children(node)) hoist(child, scope, false);
}

function walk(node: Node, scope: Scope, free: Set<string>): void {
  const use = (name: string) => {
    for (let s: Scope | null = scope; s !== null; s = s.parent) if (s.names.has(name)) return;
    free.add(name);
  };
  const inside = (isFunction: boolean): Scope => ({ names: new Set(), parent: scope, isFunction });
  const all = (nodes: readonly unknown[], into: Scope) => {
    for (const child of nodes) if (isNode(child)) walk(child, into, free);
  };
  const type = node.type;
  if (type === "Identifier") {
    use(node.name as string);
  } else if (FUNCTIONS.has(type)) {
    const inner = inside(true);
    if (type === "FunctionExpression") bind(node.id as Node | null, inner.names);
    if (type !== "ArrowFunctionExpression") {
      inner.names.add("arguments");
      if (node !== scope.method) inner.names.add("this").add("super");
    }
    const raw = node.params as Node[] | { items: Node[]; rest: Node | null };
    const params = Array.isArray(raw) ? raw : [...raw.items, ...(raw.rest ? [raw.rest] : [])];
    for (const p of params) bind(p, inner.names);
    const body = node.body as Node;
    if (body.type === "BlockStatement" || body.type === "FunctionBody") {
      for (const s of (body.body ?? body.statements) as Node[]) hoist(s, inner, true);
      all(params, inner);
      all((body.body ?? body.statements) as Node[], inner);
    } else {
      all([...params, body], inner);
    }
  } else if (CLASSES.has(type)) {
    const inner = inside(false);
    bind(node.id as Node | null, inner.names);
    all([node.superClass], inner);
    const members = (node.body as Node).body as Node[];
    inner.names.add("this").add("super");
    for (const { key } of members) if (isPrivate(key)) inner.names.add(privateName(key));
    all(members, inner);
    all((node.decorators as Node[] | undefined) ?? [], scope);
  } else if (type === "StaticBlock" || type === "BlockStatement") {
    const inner = inside(type === "StaticBlock");
    for (const s of node.body as Node[]) hoist(s, inner, true);
    all(node.body as Node[], inner);
  } else if (type === "ForStatement" || type === "ForInStatement" || type === "ForOfStatement") {
    const inner = inside(false);
    const head = (node.init ?? node.left) as Node | null;
    if (isNode(head)) hoist(head, inner, true);
    all([head, node.test, node.update, node.right, node.body], inner);
  } else if (type === "SwitchStatement") {
    walk(node.discriminant as Node, scope, free);
    const inner = inside(false);
    for (const c of node.cases as Node[]) for (const s of c.consequent as Node[]) hoist(s, inner, true);
    all(node.cases as Node[], inner);
  } else if (type === "CatchClause") {
    const inner = inside(false);
    bind(node.param as Node | null, inner.names);
    all([node.param, node.body], inner);
  } else if (type === "MemberExpression") {
    walk(node.object as Node, scope, free);
    if (node.computed || isPrivate(node.property)) walk(node.property as Node, scope, free);
  } else if (type === "ThisExpression") {
    use("this");
  } else if (isPrivate(node)) {
    use(privateName(node));
  } else if (type === "Property" || type === "MethodDefinition" || type === "PropertyDefinition") {
    if (node.computed) walk(node.key as Node, scope, free);
    all([node.value], scope);
    all((node.decorators as Node[] | undefined) ?? [], scope);
  } else if (type === "LabeledStatement") {
    walk(node.body as Node, scope, free);
  } else if (type === "BreakStatement" || type === "ContinueStatement" || type === "MetaProperty") {
    if (type === "MetaProperty" && (node.meta as Node).name === "import") free.add("import.meta");
  } else if (type === "Super") {
    use("super");
  } else if (type === "ImportExpression") {
    // Text belongs to no module, relative to which it could import.
    free.add("import()");
    all(children(node), scope);
  } else {
    all(children(node), scope);
  }
}

interface Parser {
  parseSync(file: string, source: string): { program: Node; errors: unknown[] };
}
let parser: Parser | null = null;

function parse(source: string): Node | null {
  // Loaded on demand: most scripts never send a function as text.
  parser ??= createRequire(__filename)("oxc-parser") as Parser;
  const { program, errors } = parser.parseSync("function.js", source);
  return errors.length > 0 ? null : program;
}

/** A function's source as an expression, with the names it takes from outside. */
export interface FunctionSource {
  /** Evaluates to the function. */
  readonly expression: string;
  /** Names that are neither its own nor globals; `this`, `super` and `#names` where it needs an object around it. */
  readonly free: readonly string[];
  /** Names that it takes from outside and that globals have; something around it may have them, too. */
  readonly globals: readonly string[];
}

/** Analyses a function's or class's source. Null if it has none (native, bound). */
export function analyseFunction(fn: Function): FunctionSource | null {
  const source = Function.prototype.toString.call(fn);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) return null;
  for (const expression of [`(${source})`, `({ ${source} })[${JSON.stringify(fn.name)}]`]) {
    const program = parse(expression);
    if (program === null) continue;
    const free = new Set<string>();
    const statements = program.body as Node[];
    const method = expression.startsWith("({") ? methodOf(statements[0]) : undefined;
    const root: Scope = { names: new Set(), parent: null, isFunction: true, method };
    for (const statement of method === undefined ? statements : [method]) walk(statement, root, free);
    const names = [...free];
    return {
      expression,
      free: names.filter((name) => !(name in globalThis)),
      globals: names.filter((name) => name in globalThis),
    };
  }
  return null;
}

/** The function of the method in `({ method() {} })["method"]`. */
function methodOf(statement: Node | undefined): Node | undefined {
  let node = statement?.expression as Node | undefined;
  while (node !== undefined && node.type !== "ObjectExpression") {
    node = (node.type === "MemberExpression" ? node.object : node.expression) as Node | undefined;
  }
  const [property] = (node?.properties ?? []) as Node[];
  return isNode(property?.value) ? property.value : undefined;
}

/** Adds what the function or block `node` declares, nested functions left out. */
function declared(node: Node, into: Set<string>): void {
  const scope: Scope = { names: into, parent: null, isFunction: true };
  const raw = node.params as Node[] | { items: Node[]; rest: Node | null } | undefined;
  if (raw !== undefined)
    for (const p of Array.isArray(raw) ? raw : [...raw.items, ...(raw.rest ? [raw.rest] : [])]) bind(p, into);
  if (node.type === "CatchClause") bind(node.param as Node | null, into);
  const body = (node.body ?? null) as Node | Node[] | null;
  const statements = Array.isArray(body) ? body : isNode(body) && Array.isArray(body.body) ? (body.body as Node[]) : [];
  for (const s of statements) hoist(s, scope, true);
  for (const head of [node.init, node.left]) if (isNode(head)) hoist(head, scope, true);
}

/**
 * What stands at a position of a module's source: the top-level name of the function there (null if it has none), and
 * the names declared in functions and blocks around it. Null if no function was found there.
 */
export function topLevelNameAt(
  source: string,
  line: number,
  column: number,
): { name: string | null; locals: string[] } | null {
  const program = parse(source);
  if (program === null) return null;
  let offset = 0;
  for (let i = 0; i < line; i++) offset = source.indexOf("\n", offset) + 1;
  offset += column;
  // V8 points at the parameter list or the start, depending on the kind: the innermost function that holds it is meant.
  const chain: Node[] = [];
  let at: Node | undefined = program;
  while (at !== undefined) {
    chain.push(at);
    at = children(at).find((child) => child.start <= offset && offset < child.end);
  }
  let index = chain.length - 1;
  while (index > 0 && !FUNCTIONS.has((chain[index] as Node).type) && !CLASSES.has((chain[index] as Node).type)) index--;
  const fn = chain[index] as Node;
  if (index === 0) return null;
  const locals = new Set<string>();
  for (const around of chain.slice(1, index)) declared(around, locals);
  let name: string | null = null;
  const parents = chain.slice(1, index).filter((n) => !n.type.startsWith("Export"));
  if (parents.length === 0 && isNode(fn.id)) name = fn.id.name as string;
  else if (parents.length === 2 && parents[0]?.type === "VariableDeclaration") {
    const id = parents[1]?.id;
    if (isNode(id) && id.type === "Identifier") name = id.name as string;
  }
  return { name, locals: [...locals] };
}
