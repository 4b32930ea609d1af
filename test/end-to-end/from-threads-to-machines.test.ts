/** The programs of docs/from-threads-to-machines.md, as they stand there. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dist, runFile, testNode } from "../harness/run-script.js";

const page = readFileSync(join(__dirname, "..", "..", "docs", "from-threads-to-machines.md"), "utf8");
const programs = new Map([...page.matchAll(/```ts (\S+)\n([\s\S]*?)```/g)].map(([, name, text]) => [name!, text!]));

describe("docs/from-threads-to-machines.md", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-words-"));
  const children: ChildProcess[] = [];

  before(() => {
    for (const [name, text] of programs) writeFileSync(join(folder, name), text);
  });
  after(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  for (const name of ["threads.ts", "processes.ts", "manager.ts"]) {
    it(`runs ${name}`, async () => {
      const { code, stdout, stderr } = await runFile(join(folder, name), { timeout: 60_000 });
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "13 words\n");
    });
  }

  it("runs server.ts, worker.ts and client.ts", async () => {
    const key = "the words' secret";
    const server = spawn(testNode, ["--require", join(dist, "preload.cjs"), join(folder, "server.ts"), "0", key]);
    children.push(server);
    server.stderr.pipe(process.stderr);
    const port = await new Promise<string>((resolve, reject) => {
      let said = "";
      server.stdout.on("data", (part: Buffer) => {
        said += part;
        const found = /^port (\d+)$/m.exec(said);
        if (found !== null) resolve(found[1] as string);
      });
      server.on("close", () => reject(new Error(`the server ended: ${said}`)));
    });
    const run = (name: string, ...args: string[]) =>
      runFile(join(folder, name), { args: [port, key, ...args], timeout: 60_000 });
    const [client, ...workers] = await Promise.all([run("client.ts", "2"), run("worker.ts"), run("worker.ts")]);
    assert.deepEqual([client.code, client.stdout], [0, "13 words\n"], client.stderr);
    for (const worker of workers) assert.equal(worker.code, 0, worker.stderr);
  });

  it("shows a worker that is the same everywhere", () => {
    const workers = ["threads.ts", "processes.ts", "manager.ts", "worker.ts"].map(
      (name) => /async function countWords[\s\S]*?\n}\n/.exec(programs.get(name)!)![0],
    );
    assert.equal(new Set(workers).size, 1);
  });
});
