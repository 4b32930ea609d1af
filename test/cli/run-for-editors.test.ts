import { match, strictEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const cli = join(__dirname, "../../dist/cli.cjs");

describe("heddle run, as editors call it", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "heddle-once-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("with --once runs a script the first time, and never again while its trace is there", () => {
    writeFileSync(join(folder, "adds.mjs"), 'import { appendFileSync } from "node:fs";\nappendFileSync("ran", "x");\n');
    const run = () =>
      spawnSync(process.execPath, [cli, "run", "--once", "--out", "a.heddle", "adds.mjs"], {
        cwd: folder,
        encoding: "utf8",
      });
    strictEqual(run().status, 0);
    strictEqual(readFileSync(join(folder, "ran"), "utf8"), "x");
    const trace = readFileSync(join(folder, "a.heddle"));
    const again = run();
    strictEqual(again.status, 0);
    match(again.stderr, /adds\.mjs ran already and is not run again; its trace is a\.heddle/);
    strictEqual(readFileSync(join(folder, "ran"), "utf8"), "x");
    strictEqual(Buffer.compare(readFileSync(join(folder, "a.heddle")), trace), 0);
    rmSync(join(folder, "a.heddle"));
    run();
    strictEqual(readFileSync(join(folder, "ran"), "utf8"), "xx");
    strictEqual(existsSync(join(folder, "a.heddle")), true);
  });

  it("with --cwd runs it in another folder, to which all paths are relative", () => {
    const there = join(folder, "a folder");
    mkdirSync(there);
    writeFileSync(join(there, "where.mjs"), "console.log(process.cwd());\n");
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [cli, "run", "--cwd", there, "--out", "b.heddle", "where.mjs"],
      { cwd: folder, encoding: "utf8" },
    );
    strictEqual(status, 0, stderr);
    strictEqual(stdout, `${realpathSync(there)}\n`);
    strictEqual(existsSync(join(there, "b.heddle")), true);
  });

  it("does not make a trace anew, without its beginning, that is deleted while it is written", () => {
    writeFileSync(
      join(folder, "deletes.mjs"),
      `import { rmSync } from "node:fs";
import { Thread } from "heddle/threading";
rmSync(process.argv[2]);
const thread = new Thread({ target: () => {} });
thread.start();
await thread.join();
process.exitCode = 5;
`,
    );
    const { status, stderr } = spawnSync(
      process.execPath,
      [cli, "run", "--out", "c.heddle", "deletes.mjs", "c.heddle"],
      {
        cwd: folder,
        encoding: "utf8",
      },
    );
    strictEqual(status, 5, stderr);
    match(stderr, /c\.heddle does not exist/);
    strictEqual(existsSync(join(folder, "c.heddle")), false);
  });
});
