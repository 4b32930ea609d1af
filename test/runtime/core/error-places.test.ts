import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runFile } from "../../harness/run-script.js";

const script = `import { isMain } from "heddle";
import { ThreadPoolExecutor } from "heddle/futures";
import { Queue, SimpleQueue } from "heddle/queue";
import { run } from "heddle/subprocess";
import { Lock, Thread } from "heddle/threading";

export function fail() {
  throw new Error("in a task");
}
export function share(_queue: unknown) {}
const nested: unknown[] = [[[[[[[[[[setInterval]]]]]]]]]];
const framesOf = (error: unknown) => String((error as Error).stack).split("\\n").filter((line) => /^ +at /.test(line));

if (isMain) {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
  const lock = new Lock();
  const [queue, shared, full, ended] = [1, 1, 1, 1].map((maxSize) => new Queue<unknown>({ maxSize }));
  const simple = new SimpleQueue<number>();
  full!.putSync(1);
  ended!.shutdown();
  new Queue<unknown>().putSync(shared);
  await pool.submit(share, shared);
  const places: Record<string, unknown> = { lock: lock.name };
  const attempts = {
    clone: () => new Thread({ target: fail as () => void, args: [nested] as never }).start(),
    release: () => lock.release(),
    program: () => run([process.execPath, "--eval", "process.exit(5)"], { check: true }),
    late: () => run([process.execPath, "--eval", "setInterval(String, 1000)"], { timeout: 50 }),
    task: () => pool.submit(fail),
    hold: () => (lock.acquireSync(), lock.hold({ timeout: 5 })),
    emptyNow: () => queue!.getNowait(),
    emptySync: () => queue!.getSync({ timeout: 5 }),
    emptyLater: () => queue!.get({ timeout: 5 }),
    emptyShared: () => shared!.get({ timeout: 5 }),
    emptySharedSync: () => shared!.getSync({ timeout: 5 }),
    emptySimple: () => simple.get({ timeout: 5 }),
    fullNow: () => full!.putNowait(2),
    fullSync: () => full!.putSync(2, { timeout: 5 }),
    fullLater: () => full!.put(2, { timeout: 5 }),
    notDone: () => full!.join({ timeout: 5 }),
    notDoneSync: () => full!.joinSync({ timeout: 5 }),
    shut: () => ended!.get(),
  };
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      places[name] = "nothing was thrown";
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
      hold: [attempt],
      ...Object.fromEntries(
        ["emptyNow", "emptySync", "emptySharedSync", "fullNow", "fullSync", "notDoneSync", "shut"].map((name) => [
          name,
          [line(`${name}: `), attempt],
        ]),
      ),
      // Nothing but what awaits is left on the stack when the time is over.
      ...Object.fromEntries(
        ["emptyLater", "emptyShared", "emptySimple", "fullLater", "notDone"].map((name) => [name, [attempt]]),
      ),
    });
  });
});
