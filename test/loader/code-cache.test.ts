import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { dist, nodes, type Outcome, ScriptFolder } from "./loaded-script.js";

const url = (name: string): string => JSON.stringify(pathToFileURL(join(dist, "entry", name)).href);
const script = `import { isMain } from ${url("index.mjs")};
import { Thread } from ${url("threading.mjs")};
import { Process } from ${url("multiprocessing.mjs")};
export function work() { console.log("worked"); }
if (isMain) for (const each of [new Thread({ target: work }), new Process({ target: work })]) { each.start(); await each.join(); }
`;

for (const node of nodes.filter(({ name }) => !name.includes("without"))) {
  describe(`code that V8 has written down, ${node.name}`, function () {
    this.timeout(30_000);
    let folder: ScriptFolder;
    const entries = (): string[] => {
      const code = join(folder.cacheHome, "heddle", "code");
      if (!existsSync(code)) return [];
      return readdirSync(code, { recursive: true, withFileTypes: true } as never)
        .map((entry) => entry as unknown as { name: string; parentPath?: string; path: string; isFile(): boolean })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
    };
    const run = (env: NodeJS.ProcessEnv = {}): Outcome => folder.run({ ...node, args: [] }, "script.mjs", { env });
    const worked = { status: 0, stdout: "worked\nworked\n", stderr: "" };
    beforeEach(() => {
      folder = new ScriptFolder({ "script.mjs": script });
    });
    afterEach(() => folder.remove());

    it("is kept once for each file and used from then on", () => {
      assert.deepEqual(run(), worked);
      const written = entries();
      assert.deepEqual(
        written.map((file) => file.replace(/.*[/\\]/, "")).sort(),
        ["loader.cjs", "runtime.cjs"],
        "one set of files, without leftovers, for the program, its threads and its processes",
      );
      const long = new Date(2001, 1, 1);
      for (const file of written) utimesSync(file, long, long);
      assert.deepEqual(run(), worked);
      for (const file of written) assert.equal(statSync(file).mtimeMs, long.getTime(), "it was not written again");
    });

    it("is made anew where it is damaged, cut, empty or of another file", () => {
      run();
      const damages: ((whole: Buffer) => Buffer)[] = [
        () => Buffer.alloc(0),
        (whole) => whole.subarray(0, whole.length / 2),
        (whole) => Buffer.concat([whole.subarray(0, 32), Buffer.alloc(whole.length - 32)]),
        (whole) => Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(4096), whole.subarray(12_288)]),
        (whole) => Buffer.concat([whole.subarray(0, 16), Buffer.alloc(8), whole.subarray(24)]),
        () => Buffer.from("this is no code of V8's, but some text that is longer than the header"),
      ];
      for (const damage of damages) {
        for (const file of entries()) writeFileSync(file, damage(readFileSync(file)));
        assert.deepEqual(run(), worked);
        for (const file of entries()) assert.ok(readFileSync(file).length > 10_000, "it is whole again");
      }
    });

    it("is done without where it cannot be kept, or coverage is measured", () => {
      writeFileSync(join(folder.path, "no-folder"), "");
      assert.deepEqual(run({ XDG_CACHE_HOME: join(folder.path, "no-folder") }), worked);
      assert.deepEqual(run({ XDG_CACHE_HOME: "", HOME: "" }), worked);
      assert.deepEqual(run({ NODE_V8_COVERAGE: join(folder.path, "coverage") }), worked);
      assert.deepEqual(entries(), []);
      run();
      for (const file of entries()) chmodSync(file, 0);
      assert.deepEqual(run(), worked);
    });

    it("is not mixed up with that of other flags of V8", () => {
      run();
      const before = entries().length;
      const args = ["--no-lazy", "--stack-size=900"];
      for (let i = 0; i < 2; i++) assert.deepEqual(folder.run({ ...node, args }, "script.mjs"), worked);
      assert.equal(entries().length, 2 * before);
      // Flags that are set later: V8 refuses what was kept.
      folder.write("early.cjs", `require("node:v8").setFlagsFromString("--no-lazy-feedback-allocation")`);
      const later = { ...node, args: ["--require", join(folder.path, "early.cjs")] };
      for (let i = 0; i < 2; i++) assert.deepEqual(folder.run(later, "script.mjs"), worked);
    });

    it("gives one instance of the runtime to all who load it", () => {
      folder.write(
        "same.cjs",
        `const { Thread } = require(${JSON.stringify(join(dist, "entry", "threading.cjs"))});
         const { namespaces } = require(${JSON.stringify(join(dist, "runtime.cjs"))});
         import(${url("threading.mjs")}).then((es) => console.log(Thread === namespaces.threading.Thread, es.Thread === Thread));`,
      );
      for (let i = 0; i < 2; i++) assert.equal(folder.run({ ...node, args: [] }, "same.cjs").stdout, "true true\n");
    });
  });
}
