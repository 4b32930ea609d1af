import { match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { exists, processStart } from "../../src/extension/process-identity.js";

describe("the identity of a process", () => {
  it("stays the same while it lives, differs from that of others, and is none after its end", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
    const pid = child.pid!;
    const start = await processStart(pid);
    match(start ?? "", /\S/);
    strictEqual(await processStart(pid), start);
    ok(await exists(pid));
    notStrictEqual(await processStart(process.pid), start);
    child.stdin.end();
    await once(child, "exit");
    strictEqual(await processStart(pid), undefined);
    strictEqual(await exists(pid), false);
  });

  it("is none for what is no number of a process", async () => {
    for (const pid of [0, -1, Number.NaN, 1.5, 2 ** 40]) strictEqual(await processStart(pid), undefined, String(pid));
  });
});
