/**
 * Writes the runtime's declarations to dist/types/: what an editor reads for `heddle/*`.
 *
 * The entries say which libraries they need (`using`, async iterators), so that a script without a tsconfig.json of
 * its own has them. Errors elsewhere in the sources do not keep the declarations from being written.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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
// The public face of a class: without the members by which our own files talk to each other, and branded only where
// the contract says so. Elsewhere an object of the same shape must be accepted.
const internal =
  /^ *(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n *)?(?:\[(?:toHandle|recordOf|submitChunk|inspect\.custom)\]\(.*\): .*|toString\(\): string);\n/gm;
const brand = /^ *#private;\n/gm;
const faces = {
  "futures/future": true,
  "futures/process-pool-executor": true,
  "futures/map-results": true,
  "threading/thread": true,
  "multiprocessing/process": true,
  "threading/timer": true,
  "threading/lock": false,
  "threading/event": false,
  "threading/barrier": false,
  "threading/condition": false,
  "queue/queue": false,
};
for (const [name, unbranded] of Object.entries(faces)) {
  const file = join("dist", "types", "runtime", `${name}.d.ts`);
  const text = readFileSync(file, "utf8").replace(internal, "");
  writeFileSync(file, unbranded ? text.replace(brand, "") : text);
}
const missing = entries.filter((entry) => !existsSync(entry));
if (done.status !== 0) console.error(done.stdout.trim());
if (missing.length > 0) console.error(`not written: ${missing.join(", ")}`);
process.exitCode = missing.length > 0 ? 1 : 0;
