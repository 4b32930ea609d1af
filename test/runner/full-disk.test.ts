import { match, ok, strictEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const cli = join(__dirname, "../../dist/cli.cjs");
const MOST = 256 * 1024;

/** More events than the disk has room for; says what it was to do, and ends with a code of its own. */
const script = `import { mark } from "heddle/trace";
for (let i = 0; i < 20_000; i++) mark("a name that was not there before, number " + i);
console.log("all done");
process.exitCode = 4;
`;

describe("a disk that is full", () => {
  let folder: string;
  let disk: string;
  let isMounted = false;
  before(function () {
    folder = mkdtempSync(join(tmpdir(), "heddle-full-"));
    disk = join(folder, "disk");
    mkdirSync(disk);
    // A small disk is root's to make, and of Linux.
    isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${MOST}`, "tmpfs", disk]).status === 0;
    if (!isMounted) this.skip();
  });
  after(() => {
    if (isMounted) spawnSync("umount", [disk]);
    rmSync(folder, { recursive: true, force: true });
  });

  it("costs the rest of the trace, and nothing of the script: its output, its exit code, and a report up to there", () => {
    writeFileSync(join(folder, "busy.ts"), script);
    const trace = join(disk, "busy.heddle");
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "run", "--out", trace, "busy.ts"], {
      cwd: folder,
      encoding: "utf8",
    });
    strictEqual(status, 4, stderr);
    strictEqual(stdout, "all done\n");
    match(stderr, /busy\.heddle cannot be written any more \(ENOSPC: .*\); the trace is not whole/);
    match(stderr, /exit code 4/);
    match(stderr, /The recording was cut off/);
    ok(statSync(trace).size > MOST / 2);
  });
});
