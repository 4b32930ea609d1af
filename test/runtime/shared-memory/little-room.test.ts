import { spawnSync } from "node:child_process";
import { expectScript } from "../../harness/run-script.js";

/** A folder for shared memory that has a megabyte, where this user may make one. */
const withLittleRoom = (command: string) =>
  ["unshare", ["--mount", "sh", "-c", `mount -t tmpfs -o size=1m tmpfs /dev/shm && ${command}`]] as const;

describe("shared memory where there is little room", function () {
  this.timeout(90_000);

  before(function () {
    const [program, args] = withLittleRoom("true");
    if (process.platform !== "linux" || spawnSync(program, args).status !== 0) this.skip();
  });

  it("is refused when there is no more, and what was given can be written", async () => {
    const [program, args] = withLittleRoom('exec "$@"');
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { spawnSync } from "node:child_process";
      import { isMain } from "heddle";
      import { Lock, RawArray, SharedMemory } from "heddle/multiprocessing";
      const noRoom = (error: any) => error.code === "ENOSPC" && /bytes of shared memory, \\/dev\\/shm has \\d+ left$/.test(error.message);
      if (isMain && process.argv[2] === "inside") {
        assert.throws(() => new SharedMemory({ create: true, size: 2 ** 21 }), noRoom);
        const blocks: SharedMemory[] = [];
        assert.throws(() => { for (let i = 0; i < 100; i++) blocks.push(new SharedMemory({ create: true, size: 2 ** 16 })); }, noRoom);
        assert.ok(blocks.length >= 12 && blocks.length <= 16, String(blocks.length));
        // Without pages for it, a write would be the end of the process.
        for (const { buf } of blocks) buf.fill(7);
        // Memory without a name is elsewhere.
        new Lock().acquireSync();
        new RawArray("d", 1e6).view.fill(1);
        for (const block of blocks) {
          block.close();
          block.unlink();
        }
        const again = new SharedMemory({ create: true, size: 2 ** 19 });
        again.buf.fill(7);
        again.close();
        again.unlink();
        console.log("done");
      } else if (isMain) {
        const inside = [process.execPath, ...process.execArgv, process.argv[1]!, "inside"];
        const { status, signal, stderr } = spawnSync(${JSON.stringify(program)}, [...${JSON.stringify(args)}, "sh", ...inside], { stdio: ["ignore", "inherit", "pipe"], encoding: "utf8" });
        assert.deepEqual([status, signal], [0, null], stderr);
      }
    `,
      { timeout: 60_000 },
    );
  });
});
