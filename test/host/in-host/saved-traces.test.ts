import { match, ok, strictEqual } from "node:assert/strict";
import { appendFileSync, rmSync, utimesSync } from "node:fs";
import * as vscode from "vscode";
import type { HeddleApi } from "../../../src/extension/extension.js";
import { ms, SyntheticTrace } from "../../analysis/synthetic-trace.js";
import { closeAll, heddle, until, workspace, write } from "./support.js";

const second = 1000 * ms(1);

/** A second and a half of one thread that takes a lock; ends with exit code 3. */
function trace(): SyntheticTrace {
  const trace = new SyntheticTrace({ command: ["demo <b>.ts", "x"], cwd: workspace, drainNs: ms(100) });
  const process = trace.process(10, "demo");
  const main = process.thread("main");
  const lock = main.lock(0, "bank");
  for (let t = 0; t < 1.4 * second; t += ms(10)) main.acquire(t + ms(1), lock).release(t + ms(5), lock);
  main.end(1.5 * second);
  process.exit(1.5 * second, 3);
  return trace;
}
const whole = () => trace().bytes({ exitCode: 3 });
const unfinished = () => trace().bytes({ end: false });

describe("saved traces", () => {
  let api: HeddleApi;
  before(async () => {
    api = await heddle();
  });
  afterEach(closeAll);

  it("are listed with duration and exit code, broken ones as such", async () => {
    const good = write(".heddle/listed.heddle", whole());
    const cut = write(".heddle/cut.heddle", unfinished());
    utimesSync(cut, 1, 1);
    const written = write(".heddle/written.heddle", unfinished());
    // As one that is written just now, however slow this machine is.
    const soon = new Date(Date.now() + 2500);
    utimesSync(written, soon, soon);
    const bad = write(".heddle/bad.heddle", "no trace at all, but some text that is long enough");
    const empty = write(".heddle/empty.heddle", "");
    const nodes = await api.tree.list();
    const description = async (path: string) => {
      const node = nodes.find((one) => one.path === path);
      ok(node, `${path} is not listed`);
      return String((await api.tree.getTreeItem(node)).description);
    };
    match(await description(written), /^recording since /);
    match(await description(good), /1\.50 s · exit code 3$/);
    match(await description(cut), /cut off$/);
    strictEqual(await description(bad), "cannot be shown");
    strictEqual(await description(empty), "cannot be shown");
  });

  it("open in the custom editor by themselves", async () => {
    const path = write("saved.heddle", whole());
    await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(path));
    const view = await until("the editor opens", () => api.views().find((one) => one.source?.path === path));
    await until("it has loaded", () => view.state?.complete, [view.onDidChangeState]);
    strictEqual(vscode.window.tabGroups.activeTabGroup.activeTab?.label, "saved.heddle");
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    ok(input instanceof vscode.TabInputCustom && input.viewType === "heddle.trace");
  });

  it("grow in the custom editor while something writes them", async () => {
    const bytes = whole();
    const path = write("growing.heddle", bytes.subarray(0, bytes.length >> 1));
    await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(path));
    const view = await until("the editor opens", () => api.views().find((one) => one.source?.path === path));
    const half = await until("it shows the beginning", () => view.headline?.durationNs || undefined);
    strictEqual(view.state?.complete ?? false, false);
    appendFileSync(path, bytes.subarray(bytes.length >> 1));
    await until("it shows the end", () => view.state?.complete, [view.onDidChangeState]);
    await until("it has the whole length", () => (view.headline?.durationNs ?? 0) >= 1.4 * second);
    ok(half < second);
  });

  it("open from where there is no disk: a virtual workspace, or an older version that source control shows", async () => {
    const bytes = whole();
    const provider = vscode.workspace.registerFileSystemProvider("heddle-memory", new OneFile(bytes), {
      isReadonly: true,
    });
    try {
      const uri = vscode.Uri.parse("heddle-memory:/repo/kept.heddle");
      await vscode.commands.executeCommand("vscode.openWith", uri, "heddle.trace");
      const view = await until("the editor opens", () => api.views().find((one) => one.source?.name === "kept"));
      await until("it has loaded", () => view.state?.complete, [view.onDidChangeState]);
      ok((view.headline?.durationNs ?? 0) >= 1.4 * second);
    } finally {
      provider.dispose();
    }
  });

  it("stay on the screen when their file is deleted", async () => {
    const path = write("deleted.heddle", whole());
    await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(path));
    const view = await until("the editor opens", () => api.views().find((one) => one.source?.path === path));
    await until("it has loaded", () => view.state?.complete, [view.onDidChangeState]);
    const events = view.state?.events;
    rmSync(path);
    await vscode.commands.executeCommand("heddle.refreshTraces");
    strictEqual(view.state?.events, events);
    ok((view.headline?.durationNs ?? 0) >= 1.4 * second);
  });
});

/** A file system of one file. */
class OneFile implements vscode.FileSystemProvider {
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }
  stat(): vscode.FileStat {
    return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: this.#bytes.length };
  }
  readFile(): Uint8Array {
    return this.#bytes;
  }
  readDirectory(): [string, vscode.FileType][] {
    return [];
  }
  createDirectory(): void {
    throw vscode.FileSystemError.NoPermissions();
  }
  writeFile(): void {
    throw vscode.FileSystemError.NoPermissions();
  }
  delete(): void {
    throw vscode.FileSystemError.NoPermissions();
  }
  rename(): void {
    throw vscode.FileSystemError.NoPermissions();
  }
}
