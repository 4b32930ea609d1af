/** A program that ends while threads of it are blocked by programs: daemons, which nobody waits for. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseFile, jsonReport } from "../../../src/analysis/index.js";
import { runScript } from "../../harness/run-script.js";

/** Two threads are blocked for ten minutes when the main one does what `last` says. */
const script = (last: string) => `
  import { existsSync, mkdtempSync, rmSync } from "node:fs";
  import { tmpdir } from "node:os";
  import { join } from "node:path";
  import { isMain } from "heddle";
  import { runSync } from "heddle/subprocess";
  import { Thread } from "heddle/threading";

  /** Without our output, which its reader would wait for. */
  function block(started: string) {
    runSync(\`touch "\${started}"; exec sleep 600\`, { captureOutput: true });
  }
  if (isMain) {
    const folder = mkdtempSync(join(tmpdir(), "h"));
    process.on("exit", (code) => console.log("first listener", code));
    new Thread({ target: block, args: [join(folder, "a")], daemon: true }).start();
    new Thread({ target: block, args: [join(folder, "b")], daemon: true }).start();
    for (const name of ["a", "b"]) {
      while (!existsSync(join(folder, name))) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    rmSync(folder, { recursive: true });
    process.once("exit", (code) => console.log("last listener", code));
    ${last}
  }
`;

describe("A program whose daemons are blocked by programs", function () {
  this.timeout(60_000);

  for (const [how, last, code] of [
    ["by itself", "", 0],
    ["by process.exit", "process.exit(3);", 3],
    ["with its exit code", "process.exitCode = 4;", 4],
    ["by an error", 'throw new Error("the end");', 1],
  ] as const) {
    it(`ends without waiting for them, ${how}`, async function () {
      if (process.platform === "win32") this.skip();
      const result = await runScript(script(last), { timeout: 30_000 });
      assert.deepEqual(
        { code: result.code, timedOut: result.timedOut, stdout: result.stdout },
        { code, timedOut: false, stdout: `first listener ${code}\nlast listener ${code}\n` },
        result.stderr,
      );
      assert.equal(result.stderr.split("Error: the end").length - 1, Number(how === "by an error"), result.stderr);
    });
  }

  it("ends without waiting for them in a trace, which is whole", async function () {
    if (process.platform === "win32") this.skip();
    const out = join(tmpdir(), `heddle-daemons-${process.pid}.heddle`);
    try {
      const result = await runScript(script("process.exitCode = 5;"), {
        traced: true,
        runArgs: ["--out", out, "--report", "none"],
        timeout: 40_000,
      });
      assert.deepEqual([result.code, result.timedOut], [5, false], result.stderr);
      const report = jsonReport(analyseFile(readFileSync(out)).model);
      assert.equal(report.exitCode, 5);
      assert.equal(report.recorder.dropped, 0);
      assert.equal(report.threads.filter(({ name }) => /block/.test(name)).length, 2);
    } finally {
      rmSync(out, { force: true });
    }
  });
});
