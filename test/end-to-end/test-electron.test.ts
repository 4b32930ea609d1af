import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "..", "..");

describe("npm run test:electron", () => {
  it("says plainly that nothing was tested where VS Code cannot be downloaded", function () {
    // One that was downloaded before is used without the network.
    if (existsSync(join(root, ".test-cache", "vscode"))) this.skip();
    const folder = mkdtempSync(join(tmpdir(), "heddle-offline-"));
    try {
      const offline = join(folder, "offline.cjs");
      const answer = '(name, options, done) => (done ?? options)(new Error("no such host " + name))';
      writeFileSync(offline, `require("node:dns").lookup = ${answer};\n`);
      const script = join(root, "scripts", "test-electron.mjs");
      const { status, stderr } = spawnSync(process.execPath, ["--require", offline, script], { encoding: "utf8" });
      assert.equal(status, 2, stderr);
      assert.match(stderr, /^The tests were not run: VS Code could not be downloaded \(.*no such host.*\)\.$/m);
      assert.match(stderr, /`npm test -- host` runs the same tests/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("would run the bundle of tests that runs in VS Code's server", () => {
    for (const script of ["test-electron.mjs", "test-host.mjs"])
      assert.match(readFileSync(join(root, "scripts", script), "utf8"), /await bundleInHostTests\(\)/);
  });
});
