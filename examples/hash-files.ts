// Hashes every file of a folder with a pool of threads: node_modules if no folder is given.
//
// Look for: the pool's lane. While "queued" is above zero there is work for everybody; the yellow parts of the workers'
// bands are threads that are ready and have no core. More workers than cores do not help here.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isMain } from "heddle";
import { asCompleted, ThreadPoolExecutor } from "heddle/futures";
import { span } from "heddle/trace";

/** All files below a folder. */
function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** Runs in a worker: one call for many files, since a file takes less time than the way to the worker. */
function hashFiles(paths: string[]): { bytes: number; digests: [path: string, sha256: string][] } {
  let bytes = 0;
  const digests: [string, string][] = [];
  for (const path of paths) {
    const content = readFileSync(path);
    bytes += content.length;
    digests.push([path, createHash("sha256").update(content).digest("hex")]);
  }
  return { bytes, digests };
}

async function main() {
  const folder = process.argv[2] ?? ["node_modules", "."].find((name) => existsSync(name))!;
  const paths = span("list files", () => [...filesBelow(folder)]);
  const chunks: string[][] = [];
  for (let i = 0; i < paths.length; i += 50) chunks.push(paths.slice(i, i + 50));

  await using pool = new ThreadPoolExecutor({ maxWorkers: 4, threadNamePrefix: "hasher" });
  const futures = chunks.map((chunk) => pool.submit(hashFiles, chunk));
  const seen = new Map<string, string>();
  let bytes = 0;
  let duplicates = 0;
  for await (const done of asCompleted(futures)) {
    const result = done.result();
    bytes += result.bytes;
    for (const [path, digest] of result.digests) {
      if (seen.has(digest)) duplicates++;
      else seen.set(digest, path);
    }
  }
  console.log(`${paths.length} files, ${(bytes / 1e6).toFixed(1)} MB, ${duplicates} of them duplicates of others`);
}

if (isMain) await main();
