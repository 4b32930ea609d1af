import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseFile, jsonReport } from "../../../src/analysis/index.js";
import { expectScript, runScript } from "../../harness/run-script.js";

const head = `
  import assert from "node:assert/strict";
  import { run, runSync, CalledProcessError, TimeoutExpired } from "heddle/subprocess";
  import { isMain, TimeoutError } from "heddle";
  import { Thread } from "heddle/threading";
  import { ThreadPoolExecutor } from "heddle/futures";
  const node = process.execPath;
  /** Both forms of one call, which must give or throw the same. */
  async function both(check: (call: (...args: any[]) => any) => unknown) {
    await check(async (...args: [any, any?]) => run(...args));
    await check(async (...args: [any, any?]) => runSync(...args));
  }
`;

describe("subprocess.run", function () {
  this.timeout(60_000);

  it("gives code and output, in both forms", async () => {
    await expectScript(`${head}
      await both(async (run) => {
        assert.deepEqual(await run([node, "-e", "console.log('out'); console.error('err'); process.exit(3)"], { captureOutput: true }), {
          args: [node, "-e", "console.log('out'); console.error('err'); process.exit(3)"],
          returnCode: 3, stdout: "out\\n", stderr: "err\\n",
        });
        const quiet = await run([node, "-e", ""]);
        assert.deepEqual([quiet.returnCode, quiet.stdout, quiet.stderr], [0, null, null]);
        assert.equal((await run("echo $((1 + 2)) | cat", { captureOutput: true })).stdout, "3\\n");
        assert.equal((await run(["echo", "$HOME"], { captureOutput: true })).stdout, "$HOME\\n");
        assert.equal((await run(["echo", "$((2*3))"], { captureOutput: true, shell: true })).stdout, "6\\n");
        assert.equal((await run(["cat"], { captureOutput: true, input: "grüße" })).stdout, "grüße");
        assert.equal((await run(["cat"], { captureOutput: true, input: new Uint8Array([104, 105]) })).stdout, "hi");
        assert.equal((await run(["cat"], { captureOutput: true })).stdout, "", "nothing on stdin");
        assert.equal((await run(["cat"], { captureOutput: true, input: "/w==", encoding: "base64" })).stdout, "/w==");
        assert.equal((await run("printf %s $A$B", { captureOutput: true, env: { A: "1", B: "2", PATH: process.env.PATH } })).stdout, "12");
        assert.equal((await run(["pwd"], { captureOutput: true, cwd: "/" })).stdout, "/\\n");
        assert.equal((await run(["pwd"], { captureOutput: true, cwd: new URL("file:///") })).stdout, "/\\n");
        assert.equal((await run("kill -9 $$")).returnCode, -9);
        const much = await run([node, "-e", "process.stdout.write('x'.repeat(5e6))"], { captureOutput: true });
        assert.equal(much.stdout.length, 5e6);
        // Nobody reads the input.
        assert.equal((await run(["true"], { input: "y".repeat(1e6) })).returnCode, 0);
      });
      console.log("done");
    `);
  });

  it("passes output on, unless it is captured", async () => {
    const { stdout, stderr } = await expectScript(`${head}
      await run(["echo", "from the async one"]);
      runSync("echo from the blocking one; echo and its errors >&2");
      console.log("done");
    `);
    assert.equal(stdout, "from the async one\nfrom the blocking one\ndone\n");
    assert.match(stderr, /and its errors/);
  });

  it("throws CalledProcessError when it is to check, and TimeoutExpired when time is over", async () => {
    await expectScript(`${head}
      await both(async (run) => {
        await assert.rejects(run("echo gone; echo why >&2; exit 4", { check: true, captureOutput: true }), (error: any) => {
          assert.ok(error instanceof CalledProcessError);
          assert.deepEqual([error.cmd, error.returnCode, error.stdout, error.stderr, error.name],
            ["echo gone; echo why >&2; exit 4", 4, "gone\\n", "why\\n", "CalledProcessError"]);
          assert.match(error.message, /echo gone.*exit code 4/);
          return true;
        });
        await assert.rejects(run("kill -15 $$", { check: true }), /died of SIGTERM/);
        await assert.rejects(run([node, "-e", "console.log('so far'); setInterval(() => {}, 1000)"], { timeout: 500, captureOutput: true }), (error: any) => {
          assert.ok(error instanceof TimeoutExpired);
          assert.ok(error instanceof TimeoutError);
          assert.deepEqual([error.timeout, error.stderr], [500, ""]);
          return true;
        });
        await assert.rejects(run(["sleep", "5"], { timeout: 0 }), TimeoutExpired);
        // Its own child holds the output; Python would wait for that one.
        await assert.rejects(run("sleep 60 & echo $!; sleep 60", { timeout: 300, captureOutput: true }), (error: any) => {
          process.kill(Number(error.stdout));
          return error instanceof TimeoutExpired;
        });
      });
      console.log("done");
    `);
  });

  it("is given up through a signal, with the program", async () => {
    await expectScript(`${head}
      const controller = new AbortController();
      const running = run("echo $$; exec sleep 60", { signal: controller.signal, captureOutput: true });
      setTimeout(() => controller.abort(new Error("enough")), 100);
      await assert.rejects(running, /enough/);
      await assert.rejects(run(["true"], { signal: AbortSignal.abort(new Error("before")) }), /before/);
      // One that comes too late changes nothing.
      const late = new AbortController();
      const done = await run(["true"], { signal: late.signal });
      late.abort();
      assert.equal(done.returnCode, 0);
      console.log("done");
    `);
  });

  it("says what is wrong with a command, a folder or an option", async () => {
    await expectScript(`${head}
      await both(async (run) => {
        for (const empty of ["", "  ", [], [""]]) await assert.rejects(run(empty), RangeError);
        await assert.rejects(run(5), /command is a string, or an array/);
        await assert.rejects(run(["echo", 5]), /command\\[1\\] must be a string, not number/);
        await assert.rejects(run(["no-such-program-here"]), { code: "ENOENT" });
        await assert.rejects(run(["true"], { cwd: "/no/such/folder" }), { code: "ENOENT", message: /cwd is no folder/ });
        await assert.rejects(run(["true"], { input: 5 }), /input must be/);
        await assert.rejects(run(["true"], { encoding: "utf-7" }), /encoding/);
        await assert.rejects(run(["true"], { timeout: NaN }), RangeError);
        await assert.rejects(run(["true"], { timeout: "5" }), TypeError);
        await assert.rejects(run(["true"], { shell: "bash" }), /shell must be true or false, not "bash"/);
        for (const env of [5, null]) await assert.rejects(run(["true"], { env }), /env must be an object such as/);
        await assert.rejects(run(["true"], { name: 5 }), /name must be a string, not 5/);
        assert.equal((await run("no-such-program-here 2>/dev/null")).returnCode, 127);
      });
      console.log("done");
    `);
  });

  it("runs many commands over an executor, also while the main thread blocks; errors cross whole", async () => {
    await expectScript(`${head}
      const square = (n: number) => runSync("echo $((" + n + " * " + n + "))", { captureOutput: true }).stdout!.trim();
      const fail = () => runSync("echo oh; exit 9", { check: true, captureOutput: true });
      if (isMain) {
        const executor = new ThreadPoolExecutor({ maxWorkers: 3 });
        assert.deepEqual(executor.mapSync(square, [1, 2, 3, 4, 5, 6]), ["1", "4", "9", "16", "25", "36"]);
        await assert.rejects(executor.submit(fail).result(), (error: any) => {
          assert.ok(error instanceof CalledProcessError);
          assert.deepEqual([error.returnCode, error.stdout, error.cmd], [9, "oh\\n", "echo oh; exit 9"]);
          return true;
        });
        await executor.shutdown();
        console.log("done");
      }
    `);
  });

  it("shows each program as a process of the trace, by its name, with its end", async () => {
    const file = join(tmpdir(), `heddle-subprocess-${process.pid}.heddle`);
    const { stderr } = await runScript(
      `${head}
      await run("sleep 0.3; exit 5", { name: "nap" });
      runSync(["sleep", "0.2"], { name: "rest" });
    `,
      { traced: true, runArgs: ["--out", file, "--report", "none"] },
    );
    const report = jsonReport(analyseFile(readFileSync(file)).model);
    rmSync(file);
    const nap = report.processes.find((each) => each.name === "nap");
    const rest = report.processes.find((each) => each.name === "rest");
    assert.ok(nap && rest, `${JSON.stringify(report.processes)} ${stderr}`);
    assert.equal(nap.exitCode, 5);
    assert.equal(rest.exitCode, 0);
    const lasted = ({ startNs, endNs }: { startNs: number; endNs: number }) => (endNs - startNs) / 1e6;
    assert.ok(lasted(nap) >= 250 && lasted(nap) < 3000, `${lasted(nap)} ms`);
    assert.ok(lasted(rest) >= 150 && lasted(rest) < 3000, `${lasted(rest)} ms`);
  });
});
