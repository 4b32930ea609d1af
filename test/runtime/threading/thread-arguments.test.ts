import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { dist, testNode } from "../../harness/run-script.js";

const source = `import { isMain } from ${JSON.stringify(pathToFileURL(join(dist, "entry", "index.mjs")).href)};
import { Thread } from ${JSON.stringify(pathToFileURL(join(dist, "entry", "threading.mjs")).href)};
import { Process } from ${JSON.stringify(pathToFileURL(join(dist, "entry", "multiprocessing.mjs")).href)};
export function show() { console.log(JSON.stringify([process.execArgv, typeof globalThis.gc, process.argv.slice(2)])); }
export async function nested() { show(); const inner = new Thread({ target: show }); inner.start(); await inner.join(); }
if (isMain) {
  show();
  for (const each of [new Thread({ target: nested }), new Process({ target: show })]) { each.start(); await each.join(); }
}`;

describe("arguments of Node in threads and processes", function () {
  this.timeout(30_000);
  for (const args of [
    [],
    ["--no-warnings"],
    ["--expose-gc", "--max-old-space-size=300", "--stack-size=900"],
    ["--title=heddle test", "--no-deprecation"],
    ["--require", join(dist, "preload.cjs")],
  ]) {
    it(`are the program's own: ${args.join(" ").replace(dist, "dist") || "none"}`, () => {
      const folder = mkdtempSync(join(tmpdir(), "heddle-test-"));
      try {
        const script = join(folder, "script.mjs");
        writeFileSync(script, source);
        const { stdout, stderr } = spawnSync(testNode, [...args, script, "a", "b"], {
          encoding: "utf8",
          timeout: 25_000,
          env: { ...process.env, NODE_OPTIONS: "" },
        });
        assert.equal(stderr, "");
        const expected = JSON.stringify([args, args.includes("--expose-gc") ? "function" : "undefined", ["a", "b"]]);
        assert.deepEqual(stdout.trimEnd().split("\n"), Array(4).fill(expected));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
