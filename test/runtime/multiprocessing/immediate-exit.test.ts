/** The end of a child by `process.exit()`, which is not Node's own once it has mapped shared memory. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectScript } from "../../harness/run-script.js";

const common = `
  import assert from "node:assert/strict";
  import { isMain } from "heddle";
  import { Lock, Process } from "heddle/multiprocessing";
`;

describe("the end of a child that has mapped shared memory", function () {
  this.timeout(90_000);

  it("runs its listeners, keeps its code, and writes all it has written", async () => {
    const { stdout } = await expectScript(
      `${common}
      function speaks(lock: Lock, code: number | undefined, text: string) {
        { using held = lock.holdSync(); }
        process.on("exit", (code) => console.log("exit", code, process.exitCode));
        for (let i = 0; i < 200; i++) console.log(text + i);
        if (code !== undefined) process.exit(code);
        process.exitCode = 9;
      }
      if (isMain) {
        const lock = new Lock();
        for (const [code, expected] of [[undefined, 9], [0, 0], [7, 7], [255, 255]] as const) {
          const child = new Process({ target: speaks, args: [lock, code, "x".repeat(500)] });
          child.start();
          await child.join();
          assert.equal(child.exitCode, expected);
        }
        console.log("done");
      }
    `,
      { timeout: 60_000 },
    );
    const lines = stdout.split("\n");
    assert.equal(lines.filter((line) => /^x{500}\d+$/.test(line)).length, 800);
    assert.deepEqual(
      lines.filter((line) => line.startsWith("exit")),
      ["exit 9 9", "exit 0 0", "exit 7 7", "exit 255 255"],
    );
  });

  it("leaves to Node what Node has to write then: coverage", async () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-at-the-end-"));
    try {
      const source = `${common}
        function work(lock: Lock) { using held = lock.holdSync(); }
        if (isMain) {
          const child = new Process({ target: work, args: [new Lock()] });
          child.start();
          await child.join();
          assert.equal(child.exitCode, 0);
          console.log("done");
        }
      `;
      const covered = join(folder, "coverage");
      await expectScript(source, { timeout: 60_000, env: { NODE_V8_COVERAGE: covered } });
      const pids = new Set(readdirSync(covered).map((name) => name.split("-")[1]));
      assert.ok(pids.size >= 2, `coverage of main and child: ${[...pids]}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
