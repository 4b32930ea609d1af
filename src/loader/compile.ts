/**
 * Turns a user's source into what Node can run, without the cache: TypeScript to JavaScript, and the registration in
 * front of it.
 *
 * oxc does the transformation; esbuild is asked where oxc would import helper functions (which a user's folder does not
 * have) or leaves syntax that Node cannot run, and where ES modules have to become CommonJS. Plain JavaScript keeps its
 * text: the registration goes in where it moves no line and, wherever possible, no column, so that it needs no map.
 *
 * Both compilers and the parser are loaded only when this runs: a script that did not change comes from the cache.
 */
import type { Program } from "oxc-parser";
import type { JsxOptions, TransformOptions } from "oxc-transform";
import { CompileError } from "./compile-error.js";
import type { CompiledModule } from "./compiled-module.js";
import { loadEsbuild } from "./load-esbuild.js";
import { identityMappings, inlineMap, splitMappings } from "./source-map.js";
import { importedNames, topLevelNames } from "./top-level-names.js";
import type { CompileOptions } from "./tsconfig.js";
import type { Language, PackageType } from "./user-file.js";

/** What a compilation needs to know besides the source. */
export interface CompileInput {
  readonly path: string;
  readonly source: string;
  readonly language: Language;
  readonly type: PackageType;
  readonly options: CompileOptions;
  /** Node's major version. */
  readonly node: number;
}

interface JavaScript {
  readonly code: string;
  /** undefined: nothing moved. */
  readonly mappings: string | undefined;
}

interface Parsed {
  readonly program: Program;
  readonly hasModuleSyntax: boolean;
}

/** Compiles a module. Throws {@link CompileError}. JavaScript that does not parse is left to Node to complain about. */
export function compile(input: CompileInput): CompiledModule {
  if (input.language === "js" && !looksExtended(input)) {
    const parsed = parse(input.path, input.source, "js", input.type === "commonjs" ? "commonjs" : "module");
    const plain = parsed && moduleType(input, parsed) === "commonjs" ? parseCommonjs(input, parsed) : parsed;
    if (plain !== undefined && !hasDecorators(input.source, plain)) {
      return register(input, { code: input.source, mappings: undefined }, plain, moduleType(input, plain));
    }
    if (plain === undefined) {
      const written = /^\s*(import|export)\b/m.test(input.source) && input.type !== "commonjs";
      const format = input.type === "module" || written ? "module" : "commonjs";
      return { format, urlAt: -1, code: input.source };
    }
  }
  const js = transform(input);
  const parsed = parse(input.path, js.code, "js", "module") ?? parse(input.path, js.code, "js", "commonjs");
  if (parsed === undefined) throw failure(input);
  if (hasDecorators(js.code, parsed)) return finish(input, withEsbuild(input, undefined));
  return finish(input, js, parsed);
}

/** JavaScript with syntax that this Node does not have. */
function looksExtended({ source, node, path }: CompileInput): boolean {
  if (node < 24 && /\busing\s+[\w$]+\s*=/.test(source)) return true;
  // JSX in a .js file, as bundlers take it.
  return /<\/|\/>/.test(source) && parse(path, source, "js", "module") === undefined;
}

function parse(
  path: string,
  source: string,
  lang: "js" | "jsx",
  sourceType: "module" | "commonjs",
): Parsed | undefined {
  const { parseSync } = require("oxc-parser") as typeof import("oxc-parser");
  const result = parseSync(path, source, { lang, sourceType });
  if (result.errors.length > 0) {
    // Sloppy code may be fine as CommonJS only.
    return lang === "js" && sourceType === "module" ? parse(path, source, lang, "commonjs") : undefined;
  }
  return { program: result.program, hasModuleSyntax: result.module.hasModuleSyntax };
}

function parseCommonjs({ path, source }: CompileInput, otherwise: Parsed): Parsed {
  return parse(path, source, "js", "commonjs") ?? otherwise;
}

function hasDecorators(code: string, { program }: Parsed): boolean {
  return code.includes("@") && contains(program.body, "Decorator");
}

function contains(node: unknown, type: string): boolean {
  if (node === null || typeof node !== "object") return false;
  if ((node as { type?: unknown }).type === type) return true;
  return Object.values(node).some((part) => contains(part, type));
}

/** What an undeclared file is: as Node, its syntax tells. */
function moduleType({ type, path, source }: CompileInput, parsed: Parsed): "module" | "commonjs" {
  if (type === "module") return "module";
  const typescript = /\.[cm]?tsx?$/.test(path);
  if (type === "commonjs" && !typescript) return "commonjs";
  if (parsed.hasModuleSyntax) return "module";
  // Awaiting at the top level makes a module as well; as CommonJS it does not parse.
  if (!/\bawait\b/.test(source)) return "commonjs";
  return hasTopLevelAwait(parsed.program) ? "module" : "commonjs";
}

function hasTopLevelAwait(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(hasTopLevelAwait);
  if (node === null || typeof node !== "object") return false;
  const { type } = node as { type?: string };
  if (type === "AwaitExpression" || (type === "ForOfStatement" && (node as { await?: boolean }).await)) return true;
  if (type === "VariableDeclaration" && (node as { kind?: string }).kind === "await using") return true;
  if (type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ArrowFunctionExpression")
    return false;
  return Object.values(node).some(hasTopLevelAwait);
}

function finish(input: CompileInput, js: JavaScript, known?: Parsed): CompiledModule {
  let parsed = known ?? parse(input.path, js.code, "js", "module");
  if (parsed === undefined) throw failure(input);
  const { source } = input;
  let format = moduleType(input, parsed);
  const assignsExports = /^\s*export\s*=/m.test(source);
  if (format === "module" && parsed.hasModuleSyntax && input.type !== "module") {
    if (isEmptyModule(parsed.program) && (assignsExports || usesCommonjs(source))) {
      // Only its types were imported: what is left is CommonJS.
      const code = js.code.replace(/^export \{\};?$/m, "");
      parsed = parse(input.path, code, "js", "commonjs") ?? parsed;
      return register(input, { ...js, code }, parsed, "commonjs");
    }
    if (input.path.endsWith(".cts") || assignsExports) {
      const converted = withEsbuild(input, "cjs");
      const tree = parse(input.path, converted.code, "js", "commonjs");
      if (tree === undefined) throw failure(input);
      return register(input, converted, tree, "commonjs");
    }
  }
  if (format === "commonjs" && parsed.hasModuleSyntax) format = "module";
  return register(input, js, parsed, format);
}

function usesCommonjs(source: string): boolean {
  return /\b(module\.exports|exports\.|require\s*\(|__dirname|__filename)/.test(source);
}

function isEmptyModule(program: Program): boolean {
  return program.body.every(
    (statement) =>
      statement.type !== "ImportDeclaration" &&
      statement.type !== "ExportAllDeclaration" &&
      statement.type !== "ExportDefaultDeclaration" &&
      !(statement.type === "ExportNamedDeclaration" && (statement.declaration || statement.specifiers.length > 0)),
  );
}

// Transformation

function transform(input: CompileInput): JavaScript {
  const { transformSync } = require("oxc-transform") as typeof import("oxc-transform");
  const { options, source, node } = input;
  const settings: TransformOptions = {
    lang: input.language === "js" ? "jsx" : input.language,
    target: `node${node}`,
    sourcemap: true,
    jsx: jsxOptions(options, source),
    typescript: { onlyRemoveTypeImports: options.verbatimModuleSyntax === true },
  };
  if (options.experimentalDecorators) {
    settings.decorator = { legacy: true, emitDecoratorMetadata: options.emitDecoratorMetadata === true };
  }
  if (options.useDefineForClassFields === false) {
    settings.assumptions = { setPublicClassFields: true };
    settings.typescript = { ...settings.typescript, removeClassFieldsWithoutInitializer: true };
  }
  let result = transformSync(input.path, source, { ...settings, sourceType: "module" });
  if (result.errors.some(isError)) {
    const again = transformSync(input.path, source, { ...settings, sourceType: "commonjs" });
    if (again.errors.some(isError)) throw failure(input);
    result = again;
  }
  if (Object.keys(result.helpersUsed).length > 0) return withEsbuild(input, undefined);
  return { code: result.code, mappings: result.map?.mappings ?? "" };
}

function isError({ severity }: { severity: string }): boolean {
  return severity === "Error";
}

function jsxOptions(options: CompileOptions, source: string): JsxOptions {
  const { jsx, jsxFactory, jsxFragmentFactory, jsxImportSource } = options;
  const automatic =
    jsx === "react-jsx" ||
    jsx === "react-jsxdev" ||
    // Nothing said: React.createElement is only right where there is a React.
    (jsx !== "react" && jsxFactory === undefined && !/\bReact\b|@jsx\s/.test(source));
  if (!automatic) {
    return {
      runtime: "classic",
      ...(jsxFactory && { pragma: jsxFactory }),
      ...(jsxFragmentFactory && { pragmaFrag: jsxFragmentFactory }),
    };
  }
  return {
    runtime: "automatic",
    development: jsx === "react-jsxdev",
    ...(jsxImportSource && { importSource: jsxImportSource }),
  };
}

function withEsbuild(input: CompileInput, format: "cjs" | undefined): JavaScript {
  const { transformSync } = loadEsbuild();
  const { options, source, language } = input;
  const { emitDecoratorMetadata: _, ...compilerOptions } = options;
  const jsx = jsxOptions(options, source);
  try {
    const result = transformSync(source, {
      loader: language === "js" ? "jsx" : language,
      target: `node${input.node}`,
      sourcemap: "external",
      sourcesContent: false,
      sourcefile: input.path,
      logLevel: "silent",
      keepNames: false,
      ...(format && { format, platform: "node" as const }),
      tsconfigRaw: {
        compilerOptions: { ...compilerOptions, jsx: jsx.runtime === "classic" ? "react" : "react-jsx" },
      },
    });
    const { mappings } = JSON.parse(result.map) as { mappings: string };
    return { code: result.code, mappings };
  } catch (error) {
    const [first] = (error as { errors?: import("esbuild").Message[] }).errors ?? [];
    if (first?.location == null) throw error;
    const { line, column } = first.location;
    const lines = source.split("\n");
    const bytes = Buffer.from(lines[line - 1] ?? "").subarray(0, column);
    const offset = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + bytes.toString().length;
    throw new CompileError(input.path, source, offset, first.text, null);
  }
}

/** The error of a source that oxc refuses. */
function failure(input: CompileInput): Error {
  const { parseSync } = require("oxc-parser") as typeof import("oxc-parser");
  const { path, source, language } = input;
  const lang = language === "js" ? "jsx" : language;
  const { errors } = parseSync(path, source, { lang, sourceType: "module", showSemanticErrors: true });
  const worst = errors.find(isError) ?? errors[0];
  if (worst === undefined) return new CompileError(path, source, 0, "does not compile", null);
  return new CompileError(path, source, worst.labels[0]?.start ?? 0, worst.message, worst.helpMessage);
}

// Registration

/**
 * Puts the registration in front of the module's own code: behind its hashbang and directives, and behind the imports it
 * opens with, which run before it anyhow.
 */
function register(
  input: CompileInput,
  { code, mappings }: JavaScript,
  { program }: Parsed,
  format: "module" | "commonjs",
): CompiledModule {
  // What a compiler added is nobody's target.
  const names = topLevelNames(program).filter((name) => input.source.includes(name));
  const bound = new Set([...names, ...importedNames(program)]);
  const additions = format === "module" && input.type !== "module" ? commonjsNames(input, bound) : "";
  const registration = registrationOf(names, bound) + additions;
  if (registration === "") return { format, urlAt: -1, code: withMap(code, mappings, input) };

  const hashbang = program.hashbang ? code.indexOf("\n", program.hashbang.end) + 1 : 0;
  let at = hashbang;
  let next = 0;
  for (; next < program.body.length; next++) {
    const statement = program.body[next]!;
    const isDirective = statement.type === "ExpressionStatement" && "directive" in statement && statement.directive;
    if (!isDirective && statement.type !== "ImportDeclaration") break;
    at = statement.end;
  }
  const following = program.body[next];
  const text = `${at > hashbang ? ";" : ""}${registration}`;
  const lineMoves = following !== undefined && !code.slice(at, following.start).includes("\n");
  const urlAt = at + text.indexOf(URL_PLACE);
  const before = code.slice(0, at) + text.replace(URL_PLACE, "");
  const hasUrl = text.includes(URL_PLACE);
  const done = { format, urlAt: hasUrl ? urlAt : -1 };
  if (!lineMoves) return { ...done, code: withMap(before + code.slice(at), mappings, input) };

  // What follows stands on the same line: it gets a line of its own, and the map says where it came from.
  const split = splitMappings(mappings ?? identityMappings(code), code, at);
  return { ...done, code: withMap(`${before}\n${code.slice(at)}`, split, input) };
}

const URL_PLACE = "\u0000";

/** The registration as one statement; {@link URL_PLACE} stands where the URL belongs. "" if nothing is to be registered. */
function registrationOf(names: readonly string[], bound: ReadonlySet<string>): string {
  if (names.length === 0) return "";
  const thunks = names.map((name) => `${name === "__proto__" ? '["__proto__"]' : name}:()=>${name}`).join(",");
  // A module may have a Symbol of its own.
  const shadowed = bound.has("globalThis") || bound.has("Symbol");
  const expression = 'globalThis[Symbol.for("heddle.modules")]';
  const registry = shadowed ? `(()=>{}).constructor('return ${expression}')()` : expression;
  return `${registry}?.set(${URL_PLACE},{${thunks}});`;
}

/**
 * TypeScript that is written as an ES module but compiled to CommonJS by most set-ups may use CommonJS's names. It runs
 * as a module here, and gets those it uses.
 */
function commonjsNames({ source, language }: CompileInput, bound: ReadonlySet<string>): string {
  if (language === "js") return "";
  const values = {
    require: 'process.getBuiltinModule("module").createRequire(import.meta.url)',
    __filename: "import.meta.filename",
    __dirname: "import.meta.dirname",
  };
  const used = Object.entries(values).filter(
    ([name]) => !bound.has(name) && new RegExp(`(?<![\\w$.])${name}(?![\\w$])`).test(source),
  );
  return used.map(([name, value]) => `const ${name}=${value};`).join("");
}

function withMap(code: string, mappings: string | undefined, { path, source }: CompileInput): string {
  if (mappings === undefined || source === "") return code;
  return code + inlineMap(mappings, fileUrl(path));
}

function fileUrl(path: string): string {
  const { pathToFileURL } = require("node:url") as typeof import("node:url");
  return pathToFileURL(path).href;
}
