import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

describe("why a call of a pool of processes failed", function () {
  this.timeout(60_000);

  const executor = `const pool = new ProcessPoolExecutor({ maxWorkers: 2 }); await pool.submit(square, 2);`;
  for (const [how, body] of [
    ["an executor's result is awaited", executor],
    ["an executor's result is blocked for", executor.replace("await ", "").replace("2);", "2).resultSync();")],
    ["an executor is used in a function that nobody awaits", `async function main() { ${executor} }\nvoid main();`],
    [
      "a pool is used in a function that nobody awaits",
      "async function main() { using pool = new Pool({ processes: 2 }); await pool.map(square, [1, 2]); }\nvoid main();",
    ],
  ] as const) {
    it(`is told once where the test of isMain is missing: ${how}`, async () => {
      const { code, stdout, stderr } = await runScript(
        `import { ProcessPoolExecutor } from "heddle/futures";
import { Pool } from "heddle/multiprocessing";
function square(x: number) { return x * x; }
${body}`,
      );
      assert.equal(code, 1, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, /BrokenProcessPool: A worker process could not import the script: RuntimeError: An attempt/);
      assert.match(stderr, /\[cause\]: RuntimeError: An attempt has been made to start a new process/);
      assert.equal(stderr.match(/Put what is to happen once behind a test of isMain/g)?.length, 1, stderr);
      assert.match(stderr, /script\.ts:[45]:/, "it tells the line that started the process");
      assert.doesNotMatch(stderr, /runtime\.cjs/);
    });
  }

  it("is the error that ended the process: thrown by a timer, or by nobody awaited", async () => {
    const { stderr } = await expectScript(`
      import assert from "node:assert/strict";
      import { isMain, ProcessError } from "heddle";
      import { BrokenProcessPool, ProcessPoolExecutor } from "heddle/futures";
      import { Pool } from "heddle/multiprocessing";
      class Odd extends Error { constructor(message: string, readonly code: number) { super(message); } }
      function later() { setTimeout(() => { throw new Odd("late\\nand more", 7); }, 5); return new Promise<void>(() => {}); }
      function rejected() { void Promise.reject(new TypeError("nobody awaits it")); return new Promise<void>(() => {}); }
      function exits() { process.exit(3); }
      const add = (a: number, b: number) => a + b;
      if (isMain) {
        const pool = new Pool({ processes: 1 });
        for (const [work, text] of [[later, "Error: late"], [rejected, "TypeError: nobody awaits it"], [exits, ""]] as const) {
          const executor = new ProcessPoolExecutor({ maxWorkers: 1 });
          const broken = await executor.submit(work).exception() as Error;
          assert.ok(broken instanceof BrokenProcessPool);
          const lost = await pool.apply(work).catch((error) => error) as Error;
          assert.ok(lost instanceof ProcessError);
          for (const { message, cause } of [broken, lost]) {
            if (text === "") assert.equal(cause, undefined);
            else {
              assert.ok(message.endsWith(": " + text), message);
              if (work === later) assert.ok(cause instanceof Odd && cause.code === 7);
              else assert.ok(cause instanceof TypeError);
            }
          }
          assert.throws(() => executor.submit(work), (again: Error) => again.cause === broken.cause);
        }
        assert.equal(pool.applySync(add, [1, 2]), 3);
        pool.close();
        pool.joinSync();
        console.log("done");
      }`);
    // As of any process that an error ends.
    assert.equal(stderr.match(/^Process (Pool-1|ProcessPoolExecutor-\d)_\d:$/gm)?.length, 4, stderr);
  });
});
