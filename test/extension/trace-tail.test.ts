import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { TraceTail } from "../../src/extension/trace-tail.js";

/** Collects what a tail hands on, and wakes whoever waits for a condition on it. */
class Collector {
  resets: boolean[] = [];
  pieces: Uint8Array[] = [];
  done = 0;
  #waiters: { holds: () => boolean; resolve: () => void }[] = [];

  reset(live: boolean): void {
    this.resets.push(live);
    this.pieces = [];
    this.#check();
  }
  bytes(bytes: Uint8Array, done: boolean): void {
    if (bytes.length > 0) this.pieces.push(bytes);
    if (done) this.done++;
    this.#check();
  }
  get all(): Buffer {
    return Buffer.concat(this.pieces);
  }
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ holds, resolve }));
  }
  #check(): void {
    const met = this.#waiters.filter(({ holds }) => holds());
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve();
  }
}

describe("TraceTail", () => {
  let folder: string;
  let path: string;
  let tail: TraceTail | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "heddle-tail-"));
    path = join(folder, "t.heddle");
  });
  afterEach(() => {
    tail?.dispose();
    rmSync(folder, { recursive: true });
  });

  it("hands on every byte once, in order, whatever the pieces", async () => {
    const piece = fc.uint8Array({ maxLength: 3000 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 6 }),
        fc.integer({ min: 1, max: 1000 }),
        async (writes, pieceBytes) => {
          rmSync(path, { force: true });
          const sink = new Collector();
          const own = new TraceTail(path, sink, true, { pieceBytes, pollMs: 2 });
          const followed = own.follow();
          writeFileSync(path, "");
          for (const bytes of writes) {
            appendFileSync(path, bytes);
            await new Promise(setImmediate);
          }
          own.finish();
          await sink.until(() => sink.done > 0);
          own.dispose();
          await followed;
          deepStrictEqual(sink.all, Buffer.concat(writes));
          deepStrictEqual(sink.resets, [true]);
          ok(sink.pieces.every((bytes) => bytes.length <= pieceBytes));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("waits for a file that a run is about to write, and stays live while it is quiet", async () => {
    const sink = new Collector();
    tail = new TraceTail(path, sink, true, { pollMs: 5, quietMs: 0 });
    void tail.follow();
    writeFileSync(path, "one");
    await sink.until(() => sink.all.toString() === "one");
    strictEqual(sink.done, 0);
    appendFileSync(path, "two");
    await sink.until(() => sink.all.toString() === "onetwo");
    strictEqual(sink.done, 0);
    tail.finish();
    await sink.until(() => sink.done === 1);
  });

  it("fails for a file that is not there and that nobody writes", async () => {
    tail = new TraceTail(path, new Collector(), false);
    await rejects(tail.follow(), { code: "ENOENT" });
  });

  it("fails when the run ends without having made the file", async () => {
    tail = new TraceTail(path, new Collector(), true, { pollMs: 5 });
    const followed = tail.follow();
    tail.finish();
    await rejects(followed, { code: "ENOENT" });
  });

  it("says of an old file at once that it is done, and starts over when it grows all the same", async () => {
    writeFileSync(path, "old");
    utimesSync(path, 1, 1);
    const sink = new Collector();
    tail = new TraceTail(path, sink, false, { pollMs: 5 });
    void tail.follow();
    await sink.until(() => sink.done === 1);
    deepStrictEqual(sink.resets, [false]);
    appendFileSync(path, "new");
    await sink.until(() => sink.all.toString() === "oldnew");
    deepStrictEqual(sink.resets, [false, true]);
  });

  it("starts over when another file takes its place", async () => {
    writeFileSync(path, "first");
    const sink = new Collector();
    tail = new TraceTail(path, sink, true, { pollMs: 5 });
    void tail.follow();
    await sink.until(() => sink.all.toString() === "first");
    writeFileSync(join(folder, "other"), "the second");
    renameSync(join(folder, "other"), path);
    await sink.until(() => sink.all.toString() === "the second");
  });

  it("does not read on before the last piece was taken", async () => {
    writeFileSync(path, "abcdef");
    let inFlight = 0;
    let most = 0;
    let seen = "";
    let finished = () => {};
    const all = new Promise<void>((resolve) => {
      finished = resolve;
    });
    const own = new TraceTail(
      path,
      {
        reset() {},
        async bytes(bytes) {
          most = Math.max(most, ++inFlight);
          await new Promise(setImmediate);
          inFlight--;
          seen += Buffer.from(bytes).toString();
          if (seen.length === 6) finished();
        },
      },
      true,
      { pieceBytes: 1, pollMs: 5 },
    );
    tail = own;
    void own.follow();
    await all;
    strictEqual(seen, "abcdef");
    strictEqual(most, 1);
  });
});
