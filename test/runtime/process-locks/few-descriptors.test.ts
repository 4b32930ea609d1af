import assert from "node:assert/strict";
import { expectScript } from "../../harness/run-script.js";

describe("a process that may have few open files", function () {
  this.timeout(120_000);

  it("gets an error that says so, whatever it makes, and goes on when some are closed", async () => {
    const { stdout } = await expectScript(
      `
      import assert from "node:assert/strict";
      import { readdirSync } from "node:fs";
      import { setTimeout as sleep } from "node:timers/promises";
      import { isMain } from "heddle";
      import { Lock, Pipe, Process, Queue, RawArray } from "heddle/multiprocessing";
      import { runSync } from "heddle/subprocess";
      function nothing() {}
      function use(lock: Lock) {
        lock.acquireSync();
        lock.release();
      }
      /** Makes some until no more can be made. */
      function fill<T>(make: () => T, message: RegExp): T[] {
        const made: T[] = [];
        assert.throws(() => { for (let i = 0; i < 200; i++) made.push(make()); }, message);
        console.log(made.length > 2 ? "some" : made.length);
        return made;
      }
      if (isMain && process.argv[2] === "limited") {
        // What it needs itself is opened while there is room.
        const lock = new Lock();
        use(lock);
        const first = new Process({ target: nothing });
        first.start();
        await first.join();
        const descriptors = readdirSync("/proc/self/fd").length + 3;
        const fewAgain = async () => { while (readdirSync("/proc/self/fd").length > descriptors) await sleep(10); };
        const tooMany = /^Error: EMFILE: too many open files.*ulimit -n/;
        for (const pipe of fill(() => Pipe(), tooMany)) for (const end of pipe) end.close();
        await fewAgain();
        const started = fill(() => { const p = new Process({ target: nothing }); p.start(); return p; }, /^Error: the process could not be started: .*EMFILE/);
        for (const one of started) await one.join();
        await fewAgain();
        const [a, b] = Pipe();
        a.sendSync("through");
        assert.equal(b.recvSync(), "through");
        a.close();
        b.close();
        const last = new Process({ target: use, args: [lock] });
        last.start();
        await last.join();
        assert.equal(last.exitCode, 0);
        // The memory of these ends with the objects, not at once; so they come last.
        fill(() => new RawArray("d", 100_000), tooMany);
        assert.throws(() => new Queue(), tooMany);
        use(lock);
        console.log("done");
      } else if (isMain) {
        const command = [process.execPath, ...process.execArgv, process.argv[1]!, "limited"].map((part) => "'" + part + "'").join(" ");
        const { returnCode, stdout, stderr } = runSync("ulimit -n 64 && exec " + command, { captureOutput: true, timeout: 60_000 });
        assert.equal(returnCode, 0, stderr!);
        process.stdout.write(stdout!);
      }
    `,
      { timeout: 90_000 },
    );
    assert.equal(stdout, "some\nsome\nsome\ndone\n");
  });
});
