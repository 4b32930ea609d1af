import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

const head = `import assert from "node:assert/strict"; import { isMain } from "heddle"; import { ThreadPoolExecutor } from "heddle/futures";`;

describe("why a pool of threads is broken", function () {
  this.timeout(40_000);

  for (const [how, wait] of [
    ["awaited", "await pool.submit(square, 2);"],
    ["blocked for", "pool.submit(square, 2).resultSync();"],
    ["mapped", "for await (const each of pool.map(square, [1, 2, 3, 4])) console.log(each);"],
  ] as const) {
    it(`is told once, as the cause, where the test of isMain is missing: ${how}`, async () => {
      const { code, stderr, stdout } = await runScript(
        `import { ThreadPoolExecutor } from "heddle/futures";
         function square(x: number) { return x * x; }
         const pool = new ThreadPoolExecutor({ maxWorkers: 3 });
         const more = [3, 4, 5].map((x) => pool.submit(square, x));
         for (const each of more) void each.exception();
         ${wait}`,
      );
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.equal(stderr.match(/Put what is to happen once behind a test of isMain/g)?.length, 1, stderr);
      assert.match(stderr, /BrokenThreadPool: .* before it could take a task: RuntimeError: An attempt has been made/);
      assert.match(stderr, /\[cause\]: RuntimeError: An attempt has been made/);
      assert.match(stderr, /script\.ts:[45]:/, "it tells the line that started the thread");
      assert.doesNotMatch(stderr, /runtime\.cjs/);
    });
  }

  it("is the error that ended a thread within a task: thrown by a timer, or by nobody awaited", async () => {
    await expectScript(`${head}
      class Odd extends Error { constructor(message: string, readonly code: number) { super(message); } }
      export function later() { setTimeout(() => { throw new Odd("late\\nand more", 7); }, 5); return new Promise(() => {}); }
      export function rejected() { void Promise.reject(new TypeError("nobody awaits it")); return new Promise(() => {}); }
      if (isMain) {
        for (const [work, name, text] of [[later, "Error", "Error: late"], [rejected, "TypeError", "TypeError: nobody awaits it"]] as const) {
          const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
          const error = await pool.submit(work).exception() as Error;
          assert.equal(error.constructor.name, "BrokenThreadPool");
          assert.ok(error.message.endsWith("while it ran a task: " + text), error.message);
          assert.equal((error.cause as Error).name, name);
          if (work === later) assert.equal((error.cause as Odd).code, 7);
          assert.throws(() => pool.submit(work), (again: Error) => again.cause === error.cause);
        }
        console.log("done");
      }`);
  });

  it("goes to the hook for errors where no task is left that could tell", async () => {
    await expectScript(`${head} import { setExcepthook } from "heddle/threading";
      export function afterwards() { setTimeout(() => { throw new RangeError("between"); }, 5); }
      if (isMain) {
        const told = new Promise<string>((resolve) => {
          setExcepthook(({ thread, excValue }) => resolve(thread!.name + " " + (excValue as Error).message));
        });
        const pool = new ThreadPoolExecutor({ maxWorkers: 1, threadNamePrefix: "pool" });
        await pool.submit(afterwards);
        const alive = setInterval(() => {}, 1000); // an idle pool does not keep a program alive
        assert.equal(await told, "pool_0 between");
        clearInterval(alive);
        assert.throws(() => pool.submit(afterwards), /between tasks: RangeError: between/);
        console.log("done");
      }`);
  });

  it("is out of memory, where a thread is", async () => {
    await expectScript(
      `${head}
      export function greedy() { const all: unknown[] = []; for (;;) all.push(new Array(1e5).fill(all.length)); }
      if (isMain) {
        const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        const error = await pool.submit(greedy).exception() as Error;
        assert.equal(error.constructor.name, "BrokenThreadPool");
        assert.match(error.message, /memory limit/);
        assert.equal((error.cause as { code?: string }).code, "ERR_WORKER_OUT_OF_MEMORY");
        console.log("done");
      }`,
      { env: { NODE_OPTIONS: "--max-old-space-size=64" } },
    );
  });
});
