import { deepStrictEqual, ok } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Workbench } from "./workbench.js";

const runTitle = "Heddle: Run with Concurrency Trace";
/** Ends with the code if it runs in the folder that its workspace, or it itself, stands in. */
const script = (code: number) =>
  `import { dirname } from "node:path";\nprocess.exitCode = process.cwd() === dirname(process.argv[1]) ? ${code} : 1;\n`;
const tracesIn = (folder: string) => readdirSync(join(folder, ".heddle")).filter((name) => name.endsWith(".heddle"));

describe("places a script is run from", function () {
  this.timeout(180_000);
  let elsewhere: string;
  let bench: Workbench | undefined;
  before(() => {
    elsewhere = mkdtempSync(join(tmpdir(), "heddle-elsewhere-"));
    writeFileSync(join(elsewhere, "outside.ts"), script(6));
  });
  after(() => rmSync(elsewhere, { recursive: true, force: true }));
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await bench?.picture(`failed-${this.currentTest.title.slice(0, 40)}`);
    await bench?.stop();
    bench = undefined;
  });

  it("each folder of a workspace of several keeps its own traces, and a file beyond them is run where it lies", async () => {
    bench = await Workbench.start(
      {
        "one/first.ts": script(3),
        "zwei ü/second.ts": script(4),
        "both.code-workspace": JSON.stringify({ folders: [{ path: "one" }, { path: "zwei ü" }] }),
      },
      { open: "both.code-workspace" },
    );
    for (const [name, folder, code] of [
      ["first", "one", 3],
      ["second", "zwei ü", 4],
    ] as const) {
      await bench.open(`${name}.ts`);
      await bench.command(runTitle);
      await bench.sidebar();
      await bench.trace(new RegExp(`${name}.*exit code ${code}`)).waitFor({ timeout: 60_000 });
      const traces = tracesIn(join(bench.workspace, folder));
      ok(traces.length === 1 && traces[0]!.startsWith(`${name}-`), traces.join(" "));
    }
    await bench.openPath(join(elsewhere, "outside.ts"));
    await bench.command(runTitle);
    await bench.trace(/outside.*exit code 6/).waitFor({ timeout: 60_000 });
    await bench.picture("several folders");
    deepStrictEqual(readdirSync(elsewhere), ["outside.ts"]);
  });

  it("a window without a folder runs a file where it lies, and keeps the trace itself", async () => {
    bench = await Workbench.start({}, { open: null });
    await bench.openPath(join(elsewhere, "outside.ts"));
    await bench.command(runTitle);
    await bench.sidebar();
    await bench.trace(/outside.*exit code 6/).waitFor({ timeout: 60_000 });
    await (await bench.timeline()).locator(".badge:not(.live)", { hasText: "exit 6" }).waitFor();
    await bench.picture("no folder");
    deepStrictEqual(readdirSync(elsewhere), ["outside.ts"]);
  });
});
