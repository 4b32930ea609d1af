import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findNode, NodeError } from "../../src/extension/node-finder.js";

describe("finding Node", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "heddle-nöde "));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function script(name: string, text: string): string {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  it("takes the setting: a path, a relative path, or a name in PATH", async () => {
    symlinkSync(process.execPath, join(folder, "my-node"));
    const own = process.versions.node;
    for (const setting of [join(folder, "my-node"), "./my-node", "my-node"]) {
      const found = await findNode(setting, folder, { PATH: folder });
      strictEqual(realpathSync(found.path), realpathSync(process.execPath));
      strictEqual(found.version, own);
    }
  });

  it("says of a setting that it was not found, is too old, or is no Node", async () => {
    const says = async (setting: string, expected: RegExp) =>
      rejects(findNode(setting, folder, { PATH: "" }), (error: Error) => {
        ok(error instanceof NodeError);
        match(error.message, expected);
        return true;
      });
    await says("/none/node", /“\/none\/node” of the setting heddle\.nodePath was not found/);
    await says("no-such-node", /“no-such-node” of the setting heddle\.nodePath was not found in PATH/);
    await says(folder, /is a folder: set the path of the executable in it/);
    writeFileSync(join(folder, "notes.txt"), "", { mode: 0o644 });
    await says(join(folder, "notes.txt"), /cannot be executed/);
    await says(script("old", "echo 20.18.9"), /is Node 20\.18\.9\. Heddle needs Node 20\.19\.0 or newer/);
    await says(script("chatty", "echo hello"), /could not be run as Node: it answered “hello”/);
    await says(script("broken", "exit 3"), /could not be run as Node/);
  });

  it("asks the login shell when PATH has none, or one that is too old", async function () {
    if (process.platform === "win32") this.skip();
    symlinkSync(process.execPath, join(folder, "newer"));
    // A shell whose start-up files talk, as people's do.
    const shell = script("shell", `echo "Welcome!"; echo "heddle-node:${join(folder, "newer")}"; echo bye`);
    const found = await findNode("", folder, { PATH: "", SHELL: shell });
    strictEqual(found.path, join(folder, "newer"));
    script("bin/node", "echo 12.0.0");
    strictEqual((await findNode("", folder, { PATH: join(folder, "bin"), SHELL: shell })).path, join(folder, "newer"));
  });

  it("says what it found in PATH when the shell knows no better, and that there is none when there is none", async () => {
    script("bin/node", "echo 12.0.0");
    await rejects(findNode("", folder, { PATH: join(folder, "bin") }), /found in PATH, is Node 12\.0\.0/);
    const shell = script("shell", "exit 1");
    await rejects(
      findNode("", folder, { PATH: "", SHELL: shell }),
      /not found, neither in PATH nor by your login shell/,
    );
  });
});
