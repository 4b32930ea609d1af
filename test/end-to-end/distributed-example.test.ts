/** The programs of examples/distributed, started by hand: several workers, one of them killed, and nothing is lost. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { dist, testNode } from "../harness/run-script.js";

const folder = join(__dirname, "..", "..", "examples", "distributed");
const TASKS = 8;

/** A program, and what it prints. */
class Program {
  readonly child: ChildProcess;
  output = "";
  readonly ended: Promise<number | null>;
  readonly #listeners = new Set<() => void>();

  constructor(script: string, ...args: string[]) {
    this.child = spawn(testNode, ["--require", join(dist, "preload.cjs"), join(folder, script), ...args]);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream!.on("data", (part: Buffer) => {
        this.output += part;
        for (const listener of this.#listeners) listener();
      });
    }
    this.ended = new Promise((resolve) => this.child.on("close", (code) => resolve(code)));
    void this.ended.then(() => {
      for (const listener of this.#listeners) listener();
    });
  }

  /** Resolves when it has printed something. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.output);
      if (found !== null) return found;
      assert.equal(this.child.exitCode, null, `it ended without ${pattern}:\n${this.output}`);
      await new Promise<void>((resolve) => {
        const listener = () => {
          this.#listeners.delete(listener);
          resolve();
        };
        this.#listeners.add(listener);
      });
    }
  }
}

describe("the distributed task queue", function () {
  this.timeout(120_000);
  const programs: Program[] = [];
  const start = (script: string, ...args: string[]) => {
    const program = new Program(script, ...args);
    programs.push(program);
    return program;
  };
  after(() => {
    for (const { child } of programs) child.kill("SIGKILL");
  });

  it("loses no task when workers are killed and started again", async () => {
    const key = "the secret of this test";
    const server = start("server.ts", "0", key);
    const port = (await server.prints(/serving at port (\d+)/))[1] as string;

    const stranger = start("worker.ts", port, "some other secret");
    assert.equal(await stranger.ended, 1);
    assert.match(stranger.output, /AuthenticationError/);

    const client = start("client.ts", port, key, String(TASKS));
    const workers = [start("worker.ts", port, key), start("worker.ts", port, key)];
    // Its first task is one of the two largest, which takes a second or more: this is in the middle of it.
    await workers[0]!.prints(/has task \d+/);
    workers[0]!.child.kill("SIGKILL");
    await workers[0]!.ended;
    const third = start("worker.ts", port, key);

    assert.equal(await client.ended, 0, client.output);
    const limits = [...client.output.matchAll(/(\d+) primes below (\d+)/g)].map(([, , limit]) => Number(limit));
    assert.deepEqual(
      limits.sort((a, b) => a - b),
      Array.from({ length: TASKS }, (_, i) => (i + 1) * 250_000),
    );
    // Known from elsewhere.
    assert.match(client.output, /^22044 primes below 250000,/m);
    assert.match(client.output, /^148933 primes below 2000000,/m);
    assert.match(client.output, new RegExp(`all ${TASKS} results are there; [1-9]\\d* tasks were handed out again`));
    for (const worker of [workers[1]!, third]) {
      assert.equal(await worker.ended, 0, worker.output);
      assert.match(worker.output, /nothing left to do/);
    }
    server.child.kill("SIGTERM");
    assert.equal(await server.ended, 0, server.output);
    assert.match(server.output, /stopped/);
  });
});
