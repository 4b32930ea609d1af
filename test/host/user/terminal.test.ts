import { match, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readSummary } from "../../../src/extension/trace-summary.js";
import { Workbench } from "./workbench.js";

const asks = `import { createInterface } from "node:readline/promises";
const lines = createInterface({ input: process.stdin, output: process.stdout });
const name = await lines.question("Who is there? ");
await lines.question(\`Good day, \${name.toUpperCase()}. Shall we end? \`);
lines.close();
process.exitCode = 3;
`;
const endless = `console.log("it runs");
setInterval(() => {}, 1000);
`;

describe("a traced script in the terminal", () => {
  let bench: Workbench;
  before(async function () {
    this.timeout(180_000);
    bench = await Workbench.start({ "asks.ts": asks, "endless.ts": endless });
  });
  after(() => bench?.stop());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await bench.picture(`failed-${this.currentTest.title.slice(0, 40)}`);
  });
  const traceOf = async (script: string) => {
    const folder = join(bench.workspace, ".heddle");
    const file = readdirSync(folder).find((name) => name.startsWith(`${script}-`));
    ok(file, `no trace of ${script}`);
    return await readSummary(join(folder, file));
  };

  it("reads what is typed, answers, and shows its exit code", async () => {
    await bench.open("asks.ts");
    await bench.command("Heddle: Run with Concurrency Trace");
    await bench.terminalShows("Who is there?");
    await bench.intoTerminal();
    await bench.page.keyboard.type("Ada");
    await bench.page.keyboard.press("Enter");
    await bench.terminalShows("Good day, ADA.");
    await bench.page.keyboard.press("Enter");
    await bench.running("asks.ts").waitFor({ state: "detached", timeout: 30_000 });
    await bench.picture("terminal");
    await bench.terminalShows(/exit code: 3/);
    const summary = await traceOf("asks");
    ok(summary.complete);
    match(String(summary.exitCode), /^3$/);
  });

  it("is ended by Ctrl+C, and its trace opens", async () => {
    await bench.open("endless.ts");
    await bench.command("Heddle: Run with Concurrency Trace");
    await bench.terminalShows("it runs");
    await bench.intoTerminal();
    await bench.page.keyboard.press("Control+c");
    await bench.running("endless.ts").waitFor({ state: "detached", timeout: 30_000 });
    const timeline = await bench.timeline();
    await timeline.locator(".badge:not(.live)", { hasText: "SIGINT" }).waitFor();
    await bench.picture("interrupted");
    const summary = await traceOf("endless");
    ok(summary.complete);
    match(String(summary.signal), /SIGINT/);
  });
});
