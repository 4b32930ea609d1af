import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runFile } from "../../harness/run-script.js";

const script = `import { isMain } from "heddle";
import { ThreadPoolExecutor } from "heddle/futures";
import { run } from "heddle/subprocess";
import { Lock, Thread } from "heddle/threading";

export function fail() {
  throw new Error("in a task");
}
const nested: unknown[] = [[[[[[[[[[setInterval]]]]]]]]]];
const framesOf = (error: unknown) => String((error as Error).stack).split("\\n").filter((line) => /^ +at /.test(line));

if (isMain) {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const lock = new Lock();
  const places: Record<string, unknown> = { lock: lock.name };
  const attempts = {
    clone: () => new Thread({ target: fail as () => void, args: [nested] as never }).start(),
    release: () => lock.release(),
    program: () => run([process.execPath, "--eval", "process.exit(5)"], { check: true }),
    late: () => run([process.execPath, "--eval", "setInterval(String, 1000)"], { timeout: 50 }),
    task: () => pool.submit(fail),
  };
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
    } catch (error) {
      places[name] = framesOf(error).map((frame) => /([ \\w]+\\.ts:\\d+)/.exec(frame)?.[1] ?? frame);
    }
  }
  console.log(JSON.stringify(places));
}
`;

describe("the places errors tell", () => {
  // The library's own sources have such a folder, too.
  const folder = mkdtempSync(join(tmpdir(), "heddle-places-"));
  const file = join(folder, "src", "runtime", "all jobs.ts");
  before(() => {
    mkdirSync(join(folder, "src", "runtime"), { recursive: true });
    writeFileSync(file, script);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("are the user's lines and no others, in whatever folder they stand", async () => {
    const { code, stdout, stderr } = await runFile(file);
    assert.equal(code, 0, stderr);
    const line = (text: string) => `all jobs.ts:${script.split("\n").findIndex((part) => part.includes(text)) + 1}`;
    const attempt = line("await attempt()");
    assert.deepEqual(JSON.parse(stdout), {
      lock: `Lock ${line("new Lock()")}`,
      clone: [line("clone: "), attempt],
      release: [line("release: "), attempt],
      program: [line("program: "), attempt],
      late: [line("late: "), attempt],
      task: [line('throw new Error("in a task")')],
    });
  });
});
