/** Promises that wait for words of processes where there is no worker to wait in the kernel for them: they look again. */
import assert from "node:assert/strict";
import { waitForWord } from "../../../src/runtime/platform/word-waits.js";

/** Words as a heap has them; nothing here is built, so the worker's program is not there. */
class Words {
  readonly values = new Int32Array(8);
  notified = 0;
  load(index: number): number {
    return this.values[index] as number;
  }
  notify(): number {
    this.notified++;
    return 0;
  }
  addressOf(index: number): number {
    return 4096 + index * 4;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("promises that wait for a word without a worker", () => {
  it("see that it changes, also long after a worker could not be started", async () => {
    const words = new Words();
    assert.equal(await waitForWord(words, 0, 5, {}), "not-equal");
    for (const ms of [2, 30, 300]) {
      const before = words.load(0);
      const all = [1, 2, 3].map(() => waitForWord(words, 0, before, {}));
      const other = waitForWord(words, 1, words.load(1), { timeout: ms / 2 });
      setTimeout(() => words.values[0]!++, ms);
      assert.deepEqual(await Promise.all(all), ["ok", "ok", "ok"]);
      assert.equal(await other, "timed-out");
    }
  });

  it("end by a timeout or a signal, one without the others", async () => {
    const words = new Words();
    assert.equal(await waitForWord(words, 2, 0, { timeout: 0 }), "timed-out");
    const controller = new AbortController();
    const given = waitForWord(words, 2, 0, { signal: controller.signal });
    const short = waitForWord(words, 2, 0, { timeout: 5 });
    const kept = waitForWord(words, 2, 0, { timeout: 20_000 });
    setTimeout(() => controller.abort("enough"), 20);
    assert.equal(await short, "timed-out");
    await assert.rejects(given, (reason) => reason === "enough");
    await pause(5);
    words.values[2] = 1;
    assert.equal(await kept, "ok");
    await assert.rejects(waitForWord(words, 2, 1, { signal: AbortSignal.abort("no") }), (reason) => reason === "no");
  });
});
