/**
 * Compiled modules on disk, so that a script that did not change is started without loading a compiler.
 *
 * One file per entry, named after everything its content follows from (path, source, options, version of Heddle and of
 * Node). Entries are written beside their place and renamed into it, so that readers and other writers see a whole
 * entry or none; a checksum in the first line finds what was damaged on the disk. Whatever goes wrong here is silent:
 * the cache only saves time.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheHome } from "./cache-home.js";
import type { CompiledModule } from "./compiled-module.js";
import { shortHash } from "./short-hash.js";

/** Entries that were written so long ago are removed, milliseconds. */
const KEPT_FOR = 30 * 24 * 3_600_000;

/** The folder of the cache; "" when there is no home to put it in. */
export function cacheFolder(): string {
  return cacheHome() === "" ? "" : join(cacheHome(), "modules");
}

/** The entry of that key, or undefined. */
export function readCompiled(key: string): CompiledModule | undefined {
  if (cacheFolder() === "") return undefined;
  try {
    const text = readFileSync(join(cacheFolder(), key), "utf8");
    const end = text.indexOf("\n");
    const code = text.slice(end + 1);
    const head = JSON.parse(text.slice(0, end)) as { check: string; format: "module" | "commonjs"; urlAt: number };
    if (head.check !== shortHash(code)) return undefined;
    return { format: head.format, urlAt: head.urlAt, code };
  } catch {
    return undefined;
  }
}

/** Writes an entry. */
export function writeCompiled(key: string, { format, urlAt, code }: CompiledModule): void {
  if (cacheFolder() === "") return;
  const place = join(cacheFolder(), key);
  const beside = `${place}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    mkdirSync(cacheFolder(), { recursive: true, mode: 0o700 });
    writeFileSync(beside, `${JSON.stringify({ check: shortHash(code), format, urlAt })}\n${code}`, { mode: 0o600 });
    renameSync(beside, place);
    if (Math.random() < 0.01) removeOld();
  } catch {
    try {
      unlinkSync(beside);
    } catch {}
  }
}

function removeOld(): void {
  const before = Date.now() - KEPT_FOR;
  for (const name of readdirSync(cacheFolder())) {
    const file = join(cacheFolder(), name);
    if (statSync(file).mtimeMs < before) unlinkSync(file);
  }
}
