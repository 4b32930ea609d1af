import { deepStrictEqual, match, notStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  deleteOldTraces,
  listTraces,
  newTracePath,
  prepareFolder,
  traceName,
  wantedFolder,
} from "../../src/extension/trace-folder.js";
import { traceNames } from "../../src/runner/trace-place.js";
import { ms, SyntheticTrace } from "../analysis/synthetic-trace.js";

describe("the trace folder", () => {
  let base: string;
  const fallback = () => join(base, "own");
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "heddle-folder-"));
  });
  afterEach(() => rmSync(base, { recursive: true }));

  it("is .heddle in the workspace folder unless set, and keeps itself out of commits", async () => {
    const { path, problem } = await prepareFolder("", base, fallback());
    strictEqual(path, join(base, ".heddle"));
    strictEqual(problem, "");
    strictEqual(readFileSync(join(path, ".gitignore"), "utf8"), "*\n");
    deepStrictEqual(readdirSync(path), [".gitignore"]);
    const set = await prepareFolder("traces/here", base, fallback());
    deepStrictEqual(readdirSync(set.path), []);
    strictEqual(set.path, join(base, "traces", "here"));
  });

  it("is the extension's own without a workspace, and where the wanted one cannot be written", async () => {
    deepStrictEqual(await prepareFolder("", undefined, fallback()), { path: fallback(), problem: "" });
    writeFileSync(join(base, "file"), "");
    const { path, problem } = await prepareFolder("file", base, fallback());
    strictEqual(path, fallback());
    match(problem, /file cannot be written \(E/);
    ok(existsSync(fallback()));
    await rejects(prepareFolder("file", base, join(base, "file", "too")));
  });

  it("takes an absolute setting as it is, without a workspace too", () => {
    const absolute = join(base, "x");
    strictEqual(wantedFolder(absolute, undefined), absolute);
    strictEqual(wantedFolder("x", undefined), undefined);
    strictEqual(wantedFolder("x", base), absolute);
  });

  it("gives each run a name of its own that tells the script and the time", async () => {
    const at = new Date(2026, 10, 21, 7, 5, 9);
    const first = await newTracePath(base, "/a/hash-files.ts", at);
    strictEqual(first, join(base, "hash-files-2026-11-21-07-05-09.heddle"));
    writeFileSync(first, "");
    const second = await newTracePath(base, "/a/hash-files.ts", at);
    notStrictEqual(second, first);
    strictEqual(traceName(first), "hash-files");
    strictEqual(traceName(second), "hash-files");
    strictEqual(traceName("/a/my best run.heddle"), "my best run");
    strictEqual(traceName("/a/hash-files-20261121-204527.heddle"), "hash-files");
    strictEqual(traceName("/a/hash-files-20261121-204527-2.heddle"), "hash-files");
  });

  it("clips a script's name that leaves no room for the rest, between letters", async () => {
    for (const letter of ["x", "ü", "線", "😀"]) {
      // As long as a file system takes it.
      const script = letter.repeat(Math.floor(250 / Buffer.byteLength(letter)));
      const path = await newTracePath(base, `/a/${script}.ts`);
      writeFileSync(path, "");
      ok(script.startsWith(traceName(path)) && traceName(path).length > 20, path);
      const inTerminal = traceNames(`/a/${script}.ts`, new Date()).next().value;
      writeFileSync(join(base, inTerminal), "");
      strictEqual(traceName(inTerminal), traceName(path));
    }
  });

  it("deletes only the oldest recorded traces", async () => {
    const names = ["1", "2", "3", "4"].map((n) => `a-2026-01-0${n}-00-00-00.heddle`);
    for (const [i, name] of names.entries()) {
      writeFileSync(join(base, name), "");
      utimesSync(join(base, name), i + 1, i + 1);
    }
    const others = ["renamed.heddle", "a-2026-01-01-00-00-00.html", "a-2026-01-01.heddle", "notes.txt"];
    for (const name of others) {
      writeFileSync(join(base, name), "");
      utimesSync(join(base, name), 0, 0);
    }
    deepStrictEqual(await deleteOldTraces(base, Number.POSITIVE_INFINITY, new Set()), []);
    const inUse = join(base, names[0]!);
    const deleted = await deleteOldTraces(base, 2, new Set([inUse]));
    deepStrictEqual(deleted, [join(base, names[1]!)]);
    deepStrictEqual(readdirSync(base).sort(), [names[0]!, names[2]!, names[3]!, ...others].sort());
    await deleteOldTraces(base, 0, new Set());
    deepStrictEqual(readdirSync(base).sort(), others.sort());
  });

  it("deletes no trace that something else writes now", async () => {
    const trace = new SyntheticTrace({ command: ["a.ts"] });
    trace.process(7, "a.ts").thread("main").end(ms(1));
    const [written, cut] = ["1", "2"].map((n) => join(base, `a-2026-01-0${n}-00-00-00.heddle`));
    for (const path of [written!, cut!]) writeFileSync(path, trace.bytes({ end: false }));
    // As one that is written just now, however slow this machine is.
    const soon = new Date(Date.now() + 2500);
    utimesSync(written!, soon, soon);
    utimesSync(cut!, 1, 1);
    deepStrictEqual(await deleteOldTraces(base, 0, new Set()), [cut]);
  });

  it("lists traces, and nothing where there is no folder", async () => {
    writeFileSync(join(base, "a.heddle"), "");
    writeFileSync(join(base, "a.txt"), "");
    deepStrictEqual(await listTraces(base), [join(base, "a.heddle")]);
    deepStrictEqual(await listTraces(join(base, "none")), []);
  });
});
