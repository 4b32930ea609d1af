/** A gigabyte that several processes read is there once. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { runScript } from "../../harness/run-script.js";

const GIB = 2 ** 30;

/** Bytes the system could give to programs now. */
function availableMemory(): number {
  try {
    return Number(/MemAvailable:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return totalmem() / 2;
  }
}

describe("an array of a gigabyte", () => {
  it("is not copied for its readers", async function () {
    if (process.platform !== "linux" || availableMemory() < 3 * GIB) {
      console.log("      too little memory here");
      this.skip();
    }
    const { stdout, stderr, code } = await runScript(
      `
import { readFileSync, writeSync } from "node:fs";
import { isMain } from "heddle";
import { Process, RawArray, SharedArray } from "heddle/multiprocessing";
const LENGTH = ${GIB / 8};
/** Proportional and resident size of the mapping of the array alone, in KiB. */
function sizes(): { pss: number; rss: number } {
  const blocks = readFileSync("/proc/self/smaps", "utf8").split(/\\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  const sum = (key: string) => blocks.filter((block) => block.includes("/memfd:heddle"))
    .reduce((total, block) => total + Number(new RegExp("^" + key + ":\\\\s+(\\\\d+)", "m").exec(block)![1]), 0);
  return { pss: sum("Pss"), rss: sum("Rss") };
}
function read(array: SharedArray<"d">, turn: RawArray<"i">) {
  const { view } = array;
  if (array[1] !== 0.5 || array.at(-1) !== 0.5) throw new Error("wrong elements");
  let sum = 0;
  for (let i = 0; i < LENGTH; i += 512) sum += view[i]!; // one element a page
  Atomics.add(turn.view, 0, 1);
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  while (Atomics.load(turn.view, 0) < 3) Atomics.wait(sleep, 0, 0, 10);
  writeSync(1, JSON.stringify({ sum, ...sizes() }) + "\\n");
  Atomics.add(turn.view, 1, 1);
  while (Atomics.load(turn.view, 1) < 3) Atomics.wait(sleep, 0, 0, 10);
}
if (isMain) {
  const array = new SharedArray("d", LENGTH), turn = new RawArray("i", 2);
  array.view.fill(0.5);
  const readers = [1, 2, 3].map(() => new Process({ target: read, args: [array, turn] }));
  for (const reader of readers) reader.start();
  for (const reader of readers) await reader.join();
}
`,
      { timeout: 55_000 },
    );
    assert.equal(code, 0, stderr);
    const readers = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { sum: number; pss: number; rss: number });
    assert.equal(readers.length, 3);
    for (const { sum, pss, rss } of readers) {
      assert.equal(sum, GIB / 8 / 512 / 2);
      assert.ok(rss * 1024 >= GIB, `each has all of it: ${rss} KiB`);
      // Four have it mapped, so each is charged a quarter.
      assert.ok(pss * 1024 < GIB * 0.3, `and pays for its part only: ${pss} KiB`);
    }
  });
});
