import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";

const script = (bundle: string) => `
  const { loadEsbuild } = require(${JSON.stringify(bundle)});
  const { code } = loadEsbuild().transformSync("enum E { A }", { loader: "ts" });
  if (!code.includes("var E")) throw new Error(code);
  if (process.env.ESBUILD_BINARY_PATH !== undefined) throw new Error("the variable stays");
  const fs = require("node:fs");
  const children = fs.readdirSync("/proc/self/task")
    .flatMap((tid) => fs.readFileSync("/proc/self/task/" + tid + "/children", "utf8").split(" ").filter(Boolean));
  console.log(children.map((pid) => fs.readFileSync("/proc/" + pid + "/comm", "utf8").trim()).join());
  process.exit();
`;

describe("the loader's esbuild", function () {
  this.timeout(20_000);

  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "heddle-esbuild-"));
    symlinkSync(resolve(__dirname, "../../node_modules"), join(folder, "node_modules"));
    buildSync({
      entryPoints: [resolve(__dirname, "../../src/loader/load-esbuild.ts")],
      outfile: join(folder, "load-esbuild.cjs"),
      bundle: true,
      platform: "node",
      external: ["esbuild"],
    });
  });
  after(() => rmSync(folder, { recursive: true }));

  function childrenOf(cache: string): string {
    const env = { ...process.env, XDG_CACHE_HOME: cache };
    const text = script(join(folder, "load-esbuild.cjs"));
    return execFileSync(process.execPath, ["-e", text], { env, encoding: "utf8", timeout: 15_000 }).trim();
  }

  it("runs under a name of its own, so that a trace can tell it from a user's", function () {
    if (process.platform !== "linux") this.skip();
    const cache = join(folder, "cache");
    assert.ok(childrenOf(cache).split(",").includes("heddle-esbuild"));
    assert.match(readlinkSync(join(cache, "heddle/heddle-esbuild")), /esbuild$/);
  });

  it("runs also where the name cannot be had: a file is in the way of the cache", function () {
    if (process.platform !== "linux") this.skip();
    assert.doesNotMatch(childrenOf(join(folder, "load-esbuild.cjs")), /heddle-esbuild/);
  });
});
