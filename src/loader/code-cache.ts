/**
 * Loads the large files of dist/ with the code that V8 made of them an earlier time: `dist/code-cache.cjs`.
 *
 * Every thread compiles what it loads anew, and to compile the runtime takes longer than to run it. V8 can write down
 * what it compiled and read that again in a tenth of the time. Newer versions of Node do so for all modules of a process
 * when asked (`module.enableCompileCache`); this does it for files of ours only, on all versions.
 *
 * What is kept is one file for each of ours, per installation, V8 and flags, beside the loader's cache of compiled
 * modules. It is used only for the very file it was made from, by size and time. V8 checks its version, its flags and
 * the length of the source, and says so when it does not want it; the sums here find what a disk lost. The first thread
 * that finds none writes it when it exits, when all that a start needs has been compiled. Whatever goes wrong is silent:
 * the file is loaded as any other.
 */
import { mkdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { cacheHome } from "./cache-home.js";
import { provideImport } from "./import-url.js";
import { shortHash } from "./short-hash.js";

type Wrapper = (exports: unknown, require: unknown, module: unknown, filename: string, folder: string) => void;

/** 32-bit words in front of the code: MAGIC, its length, its sum; then size and time of the source, 64 bits each. */
const HEADER_BYTES = 32;
const MAGIC = 0x6865_6431;
/** Every so many words are looked at: what is lost is lost in blocks. */
const STRIDE = 8;

/** Arguments of Node that are none of V8's. */
const NOT_OF_V8 =
  /^--(require|import|expose[-_]internals|inspect|title|no-warnings|enable-source-maps|env-file|loader)/;

let place: string | undefined;

provideImport();

/** Loads a file of this folder, as `require` does. */
export function load(name: string): unknown {
  const filename = join(__dirname, name);
  const known = require.cache[filename];
  if (known !== undefined) return known.exports;
  const prepared = prepare(filename, name);
  if (prepared === undefined) return require(filename);
  const { script, path, identity } = prepared;
  const module = new Module(filename, require.main ?? undefined);
  module.filename = filename;
  module.paths = [];
  require.cache[filename] = module;
  try {
    const run = script.runInThisContext() as Wrapper;
    run.call(module.exports, module.exports, createRequire(filename), module, filename, __dirname);
  } catch (error) {
    delete require.cache[filename];
    throw error;
  }
  module.loaded = true;
  if (script.cachedDataRejected !== false) process.once("exit", () => write(script, path, identity));
  return module.exports;
}

interface Identity {
  readonly size: number;
  readonly time: number;
}

function prepare(filename: string, name: string): { script: Script; path: string; identity: Identity } | undefined {
  // Who measures the coverage of code wants all of it.
  if (cacheHome() === "" || process.env.NODE_V8_COVERAGE) return undefined;
  try {
    const path = join(folder(), name);
    const { size, mtimeMs: time } = statSync(filename);
    const identity = { size, time };
    // No line more than the file has, so that stacks tell its lines.
    const source = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(filename, "utf8")}\n})`;
    const cachedData = read(path, identity);
    const script = new Script(source, {
      filename,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    return { script, path, identity };
  } catch {
    return undefined;
  }
}

function folder(): string {
  if (place === undefined) {
    const options = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? "").split(/\s+/)];
    const flags = options.filter((arg) => arg.startsWith("--") && !NOT_OF_V8.test(arg));
    const key = shortHash(JSON.stringify([__dirname, process.version, process.versions.v8, process.arch, flags]));
    place = join(cacheHome(), "code", key);
  }
  return place;
}

/** The code that was kept of exactly that file, or undefined. */
function read(path: string, { size, time }: Identity): Buffer | undefined {
  try {
    const whole = readFileSync(path);
    if (whole.length < HEADER_BYTES || (whole.byteOffset & 7) !== 0) return undefined;
    const words = new Uint32Array(whole.buffer, whole.byteOffset, 3);
    const [ofSize, ofTime] = new Float64Array(whole.buffer, whole.byteOffset + 16, 2);
    const code = whole.subarray(HEADER_BYTES);
    const isWhole = words[0] === MAGIC && words[1] === code.length && words[2] === sumOf(code);
    return isWhole && ofSize === size && ofTime === time ? code : undefined;
  } catch {
    return undefined;
  }
}

function sumOf(code: Buffer): number {
  const words = new Int32Array(code.buffer, code.byteOffset, code.length >> 2);
  let sum = code.length;
  for (let i = 0; i < words.length; i += STRIDE) sum = (Math.imul(sum, 31) + words[i]!) | 0;
  return sum >>> 0;
}

function write(script: Script, path: string, identity: Identity): void {
  const beside = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    // Another thread was first.
    if (read(path, identity) !== undefined && script.cachedDataRejected === undefined) return;
    const code = script.createCachedData();
    const whole = Buffer.alloc(HEADER_BYTES + code.length);
    code.copy(whole, HEADER_BYTES);
    const aligned = Buffer.from(whole.buffer, whole.byteOffset + HEADER_BYTES, code.length);
    new Uint32Array(whole.buffer, whole.byteOffset, 3).set([MAGIC, code.length, sumOf(aligned)]);
    new Float64Array(whole.buffer, whole.byteOffset + 16, 2).set([identity.size, identity.time]);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(beside, whole, { mode: 0o600 });
    renameSync(beside, path);
  } catch {
    try {
      unlinkSync(beside);
    } catch {}
  }
}
