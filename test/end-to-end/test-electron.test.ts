import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

  describe("where there is a VS Code", () => {
    let folder: string;
    /** What it was started with, once as the command line and once as itself. */
    let calls: { as: string; args: string[]; node: string; isThere: boolean }[];
    let status: number | null;

    before(function () {
      if (process.platform === "win32") this.skip();
      this.timeout(120_000);
      folder = mkdtempSync(join(tmpdir(), "heddle-vscode-"));
      // As VS Code's own: a program that refuses root as its command line does, and fails as a test run would.
      const fake = `#!${process.execPath}
const { appendFileSync, existsSync } = require("node:fs");
const as = __filename.endsWith("bin/code") ? "cli" : "app";
const args = process.argv.slice(2);
if (as === "cli" && !args.some((arg) => arg.startsWith("--user-data-dir"))) process.exit(1);
const isThere = existsSync(as === "cli" ? args[args.indexOf("--install-extension") + 1] : args[0]);
const call = { as, args, node: process.env.HEDDLE_TEST_NODE ?? "", isThere };
appendFileSync(${JSON.stringify(join(folder, "calls"))}, JSON.stringify(call) + "\\n");
process.exit(as === "cli" ? 0 : 3);
`;
      mkdirSync(join(folder, "bin"));
      for (const path of ["code", "bin/code"]) writeFileSync(join(folder, path), fake, { mode: 0o755 });
      writeFileSync(join(folder, "a.vsix"), "");
      ({ status } = spawnSync(process.execPath, [join(root, "scripts", "test-electron.mjs")], {
        encoding: "utf8",
        env: {
          ...process.env,
          DISPLAY: ":0",
          HEDDLE_TEST_VSCODE: join(folder, "code"),
          HEDDLE_TEST_VSIX: join(folder, "a.vsix"),
        },
      }));
      const lines = readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
      calls = lines.map((line) => JSON.parse(line));
    });
    after(() => {
      if (folder) rmSync(folder, { recursive: true, force: true });
    });
    const valueAfter = (args: string[], name: string) => args[args.indexOf(name) + 1];

    it("installs the package into folders of its own", () => {
      assert.equal(calls.length, 2);
      const [{ as, args, isThere }] = calls as [(typeof calls)[0]];
      assert.equal(as, "cli");
      assert.equal(valueAfter(args, "--install-extension"), join(folder, "a.vsix"));
      assert.ok(isThere);
      for (const name of ["--extensions-dir", "--user-data-dir"])
        assert.match(valueAfter(args, name) ?? "", /heddle-electron-/);
    });

    it("runs the bundle of tests in a window with that extension, also as root and in a container", () => {
      const [install, run] = calls as [(typeof calls)[0], (typeof calls)[0]];
      assert.equal(run.as, "app");
      assert.match(run.args[0]!, /a workspace – ünïcode$/);
      assert.ok(run.isThere, "the workspace is not there");
      for (const name of ["--extensions-dir", "--user-data-dir"]) {
        assert.equal(valueAfter(run.args, name), valueAfter(install.args, name));
        assert.equal(run.args.filter((arg) => arg.startsWith(name)).length, 1, run.args.join(" "));
      }
      for (const flag of ["--no-sandbox", "--disable-workspace-trust"]) assert.ok(run.args.includes(flag), flag);
      const value = (name: string) => run.args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
      assert.ok(existsSync(value("--extensionTestsPath")));
      assert.ok(existsSync(join(value("--extensionDevelopmentPath"), "package.json")));
      assert.equal(run.node, process.execPath);
    });

    it("fails when the tests fail, and leaves nothing behind", () => {
      assert.equal(status, 1);
      assert.equal(existsSync(valueAfter(calls[0]!.args, "--user-data-dir")!), false);
      assert.equal(existsSync(calls[1]!.args[0]!), false);
    });
  });
});
