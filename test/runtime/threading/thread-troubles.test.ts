import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

const head = `import assert from "node:assert/strict"; import { isMain } from "heddle"; import { setExcepthook, Thread } from "heddle/threading"; import { ThreadPoolExecutor } from "heddle/futures";`;

/** Each function is a thread's target; the thread must end, and its starter's hook be told. */
const ends: Record<string, { body: string; tells: string; files?: Record<string, string> }> = {
  "throws in a timer": {
    body: `setTimeout(() => { throw new Error("in a timer"); }, 5); return new Promise(() => {});`,
    tells: "in a timer",
  },
  "lets a promise reject that nobody awaits": {
    body: `void Promise.reject(new Error("nobody's")); return new Promise((resolve) => setTimeout(resolve, 60_000));`,
    tells: "nobody's",
  },
  "imports what does not compile": {
    body: `return import("./bad.ts");`,
    tells: "bad.ts:1:17: Unexpected token",
    files: { "bad.ts": "export const x: = 1;" },
  },
  "overflows the stack": {
    body: `const deeper = (): number => deeper() + 1; deeper();`,
    tells: "Maximum call stack size exceeded",
  },
  "throws an error that is its own cause": {
    body: `const error = new Error("round"); error.cause = new Error("and round", { cause: error }); throw error;`,
    tells: "round",
  },
  "throws an error with a chain of fifty thousand causes": {
    body: `let error = new Error("0"); for (let i = 1; i < 50_000; i++) error = new Error(String(i), { cause: error }); throw error;`,
    tells: "49999",
  },
  "throws an error that holds fifty megabytes": {
    body: `throw Object.assign(new Error("large"), { text: "x".repeat(5e7) });`,
    tells: "large",
  },
  "throws an error that cannot be looked at": {
    body: `throw new Proxy(new Error("hidden"), { get() { throw new Error("a trap"); } });`,
    tells: "",
  },
  "throws what is no error": { body: `throw { get message() { throw new Error("no"); } };`, tells: "Uncaught" },
  "awaits what nobody brings": {
    body: `return new Promise(() => {});`,
    tells: "its run() returned a promise that nothing is left to settle",
  },
};

describe("a thread in trouble", function () {
  this.timeout(60_000);

  for (const [what, { body, tells, files = {} }] of Object.entries(ends)) {
    it(`ends and is told of when it ${what}`, () =>
      expectScript(
        `${head}
        export function work(): unknown { ${body} }
        if (isMain) {
          const told: unknown[] = [];
          setExcepthook(({ excValue }) => told.push(excValue));
          const thread = new Thread({ target: work });
          thread.start();
          await thread.join();
          assert.equal(told.length, 1);
          const [error] = told as [Error];
          assert.ok(error instanceof Error);
          assert.ok(error.message.includes(${JSON.stringify(tells)}), error.message.slice(0, 1000));
          // The same as a task: its future has it, or the error of a pool that broke by it.
          const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
          assert.notEqual(await (pool.submit(work) as any).exception({ timeout: ${/awaits what/.test(what) ? 1 : 30_000} }).catch((e: unknown) => e), null);
          console.log("done");
          process.exit();
        }`,
        { files, timeout: 40_000 },
      ));
  }

  it("says that a script's top level waits for ever where a thread imports it", async () => {
    const { stderr } = await expectScript(
      `${head} import "./forever.ts";
      export function work() {}
      if (isMain) {
        const thread = new Thread({ target: work });
        thread.start();
        await thread.join();
        const error = (await new ThreadPoolExecutor({ maxWorkers: 1 }).submit(work).exception()) as Error;
        assert.match(error.message, /before it could take a task: RuntimeError: the script, which every thread imports, awaits/);
        console.log("done");
      }`,
      {
        files: {
          "forever.ts": `import { isMainThread } from "node:worker_threads"; if (!isMainThread) await new Promise(() => {});`,
        },
      },
    );
    assert.match(
      stderr,
      /^Exception in thread Thread-1 \(work\):\nRuntimeError: the script, which every thread imports, awaits at its top level/,
    );
  });

  it("shows what does not compile with its lines, and nothing of the library", async () => {
    const { stderr } = await expectScript(
      `${head} export function work() { return import("./bad.ts"); }
      if (isMain) { const thread = new Thread({ target: work, name: "importer" }); thread.start(); await thread.join(); console.log("done"); }`,
      { files: { "bad.ts": "export const x: = 1;" } },
    );
    assert.match(
      stderr,
      /^Exception in thread importer:\nSyntaxError: .*bad\.ts:1:17: Unexpected token\n\n> 1 \| export const x: = 1;/,
    );
    assert.doesNotMatch(stderr, /loader\.cjs|preload\.cjs/);
  });

  it("is out of memory: the program goes on", async () => {
    const { stderr } = await expectScript(
      `${head}
      export function greedy() { const all: unknown[] = []; for (;;) all.push(new Array(1e5).fill(all.length)); }
      if (isMain) {
        const thread = new Thread({ target: greedy });
        thread.start();
        await thread.join();
        assert.equal(thread.isAlive(), false);
        console.log("done");
      }`,
      { env: { NODE_OPTIONS: "--max-old-space-size=64" } },
    );
    assert.match(stderr, /^Exception in thread Thread-1 \(greedy\):\nError: .*memory/);
  });

  it("keeps what a flood of output says, whole and in order", async () => {
    const { stdout } = await runScript(
      `${head}
      export function flood(who: string) { for (let i = 0; i < 30_000; i++) console.log(who, i, "x".repeat(50)); }
      if (isMain) {
        const threads = ["a", "b"].map((who) => new Thread({ target: flood, args: [who] }));
        for (const thread of threads) thread.start();
        for (const thread of threads) await thread.join();
        console.log("end");
      }`,
      { timeout: 50_000 },
    );
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines.pop(), "end");
    const next = { a: 0, b: 0 };
    for (const line of lines) {
      const [who, number, rest] = line.split(" ") as ["a" | "b", string, string];
      assert.equal(Number(number), next[who]++);
      assert.equal(rest, "x".repeat(50));
    }
    assert.deepEqual(next, { a: 30_000, b: 30_000 });
  });

  it("fails a task whose result is nested too deeply, or too large for the memory, with what is wrong", () =>
    expectScript(`${head}
      export function deep() { let value: object = {}; for (let i = 0; i < 300_000; i++) value = { value }; return value; }
      export function vast() { return new Uint8Array(6e8); }
      export function fine() { return "x".repeat(5e7).length; }
      if (isMain) {
        const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        const error = (await pool.submit(deep).exception()) as Error;
        assert.equal(error.constructor.name, "DataCloneError");
        assert.match(error.message, /^result: it is nested too deeply to cross; pass it as/);
        assert.match(((await pool.submit(vast).exception()) as Error).message, /shared memory is full: no room for/);
        assert.equal(await pool.submit(fine), 5e7, "the pool goes on");
        await pool.shutdown();
        console.log("done");
      }`));

  it("may be terminated with many others at any moment of its start, and leaves no memory behind", () =>
    expectScript(
      `${head} import { ThreadPool } from "heddle/multiprocessing";
      export function spin() { for (;;); }
      if (isMain) {
        let after = 0;
        for (let round = 0; round < 40; round++) {
          const pool = new ThreadPool({ processes: 3 });
          void pool.applyAsync(spin);
          if (round % 3 > 0) await new Promise((resolve) => setTimeout(resolve, round % 7));
          pool.terminate();
          await pool.join();
          if (round === 9) after = process.memoryUsage().rss;
        }
        const grown = process.memoryUsage().rss - after;
        assert.ok(grown < 60e6, grown + " bytes more after 90 threads");
        console.log("done");
      }`,
      { timeout: 50_000 },
    ));
});
