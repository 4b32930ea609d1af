/** Addresses that no socket can have, what is left of sockets, and messages that hold no value. */
import { expectScript } from "../../harness/run-script.js";

const head = `
  import assert from "node:assert/strict";
  import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
  import { tmpdir } from "node:os";
  import { join } from "node:path";
  import { isMain } from "heddle";
  import { Client, ClientSync, Listener, Pipe, SyncManager } from "heddle/multiprocessing";
`;

describe("A connection that is misused", function () {
  this.timeout(60_000);

  it("is refused at an address too long for a socket, instead of taking another that begins like it", async () => {
    if (process.platform === "win32") return;
    await expectScript(`${head}
      if (isMain) {
        const folder = mkdtempSync(join(tmpdir(), "h"));
        const long = join(folder, "x".repeat(120));
        const tooLong = { code: "ENAMETOOLONG", message: /at most \\d+ bytes, not \\d+/ };
        assert.throws(() => new Listener(long), tooLong);
        // The name's beginning is that of a socket.
        using listener = new Listener(long.slice(0, 100));
        await assert.rejects(Client(long), tooLong);
        assert.throws(() => ClientSync(long), tooLong);
        await assert.rejects(new SyncManager({ address: long }).start(), tooLong);
        assert.throws(() => new Listener(join(folder, "a\\0b")), RangeError);
        assert.equal(readdirSync(folder).length, 1);
        listener.close();
        // A free address is short enough, however long the name of the folder for temporary files is.
        process.env.TMPDIR = join(folder, "y".repeat(100));
        mkdirSync(process.env.TMPDIR);
        using free = new Listener(null, { family: "AF_UNIX" });
        assert.ok(existsSync(free.address as string));
        const client = await Client(free.address);
        client.close();
        free.close();
        rmSync(folder, { recursive: true });
        console.log("done");
      }
    `);
  });

  it("leaves no socket, also at the end of a child that has mapped memory, and what the killed left is removed", async () => {
    if (process.platform === "win32") return;
    await expectScript(`${head}
      import { Lock, Process } from "heddle/multiprocessing";
      function listen(lock: Lock, path: string, death: string | null) {
        using held = lock.holdSync();
        for (const address of [null, path]) new Listener(address, { family: "AF_UNIX" });
        if (death !== null) process.kill(process.pid, death);
      }
      if (isMain) {
        const folder = process.env.TMPDIR = mkdtempSync(join(tmpdir(), "h"));
        const lock = new Lock();
        const left = async (death: string | null) => {
          const child = new Process({ target: listen, args: [lock, join(folder, "own" + death), death] });
          child.start();
          await child.join();
          return [child.exitCode, readdirSync(folder).map((name) => name.replace(/\\d.*/, "")).sort()];
        };
        assert.deepEqual(await left(null), [0, []]);
        assert.deepEqual(await left("SIGKILL"), [-9, ["heddle-listener-", "ownSIGKILL"]]);
        // The next one looks after it, and leaves alone who listens, and what it does not know.
        using first = new Listener(null, { family: "AF_UNIX" });
        using second = new Listener(null, { family: "AF_UNIX" });
        assert.deepEqual(
          readdirSync(folder).sort(),
          [first.address, second.address, join(folder, "ownSIGKILL")].map((path) => (path as string).slice(folder.length + 1)).sort(),
        );
        first.close();
        second.close();
        rmSync(folder, { recursive: true });
        console.log("done");
      }
    `);
  });

  it("says so if it is to receive a value and gets bytes, and goes on with the next message", async () => {
    await expectScript(`${head}
      if (isMain) {
        const [a, b] = Pipe<any>();
        const noValue = (error: any) => {
          assert.ok(error instanceof RangeError);
          assert.match(error.message, /bytes holds no value.* recvBytes\\(\\)/);
          assert.ok(error.cause instanceof Error);
          return true;
        };
        // Some would be a value with something behind it, or the beginning of one.
        for (const bytes of [[], [0, 0], [1, 2, 3], [2, 9], [4], [4, 5, 6], [10, 3], [35, 67, 72], [128, 4, 75, 1, 46], [255, 255]]) {
          a.sendBytesSync(new Uint8Array(bytes));
          assert.throws(() => b.recvSync(), noValue, bytes.join());
          await a.sendBytes(new Uint8Array(bytes));
          await assert.rejects(b.recv(), noValue, bytes.join());
        }
        for (const value of [undefined, null, "", 0, -1, 1.5, 10n ** 30n, [], {}, new Map(), new Uint8Array(3), new Date(0), /a/, new Error("e")]) {
          await a.send(value);
          assert.deepEqual(await b.recv(), value);
        }
        console.log("done");
      }
    `);
  });
});
