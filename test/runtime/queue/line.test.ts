/** The lines of those who wait for a queue, in one thread and in shared memory: one wake for one place, none lost. */
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { allocate, words } from "../../../src/runtime/core/heap.js";
import { HeapLock } from "../../../src/runtime/core/heap-lock.js";
import { threadHeap } from "../../../src/runtime/core/thread-heap.js";
import { LocalLine } from "../../../src/runtime/queue/local-line.js";
import type { Place } from "../../../src/runtime/queue/place.js";
import { SharedLine } from "../../../src/runtime/queue/shared-line.js";

const { view } = words;
const LONG = 60_000;

interface Line {
  readonly occupied: boolean;
  enter(): Place;
  wakeOne(): unknown;
  wakeAll(): void;
}

function sharedLine(): SharedLine {
  const at = allocate(4);
  const line: SharedLine = new SharedLine(threadHeap, new HeapLock(words, at, () => line.repair()), at + 2);
  return line;
}

/** Lets all that has been woken run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

for (const [name, make] of [
  ["in one thread", () => new LocalLine()],
  ["in shared memory", sharedLine],
] as [string, () => Line][]) {
  describe(`the line of those who wait ${name}`, () => {
    /** Waiters that note when they are woken. */
    function waiters(line: Line, count: number, log: number[], signal?: AbortSignal): Place[] {
      return Array.from({ length: count }, (_, i) => {
        const place = line.enter();
        void place.wait(LONG, signal).then(
          () => log.push(i),
          () => log.push(-i),
        );
        return place;
      });
    }

    it("wakes one at a time, who came first", async () => {
      const line = make();
      const log: number[] = [];
      const places = waiters(line, 4, log);
      assert.equal(line.occupied, true);
      for (let i = 0; i < 4; i++) {
        line.wakeOne();
        await settle();
        assert.equal(log.length, i + 1);
      }
      assert.deepEqual(log, [0, 1, 2, 3]);
      assert.equal(line.occupied, false);
      for (const place of places) place.leave(true);
    });

    it("wakes as many as there are wakes, if these come at once", async () => {
      const line = make();
      const log: number[] = [];
      const places = waiters(line, 4, log);
      for (let i = 0; i < 3; i++) line.wakeOne();
      await settle();
      assert.deepEqual(log, [0, 1, 2]);
      line.wakeAll();
      await settle();
      assert.deepEqual(log, [0, 1, 2, 3]);
      for (const place of places) place.leave(false);
      assert.equal(line.occupied, false);
    });

    it("forgets who leaves, anywhere in it", async () => {
      const line = make();
      const log: number[] = [];
      const places = [0, 1, 2, 3, 4].map(() => line.enter());
      for (const i of [4, 0, 2]) places[i]!.leave(true);
      for (const i of [1, 3]) void places[i]!.wait(LONG, undefined).then(() => log.push(i));
      line.wakeOne();
      await settle();
      assert.deepEqual(log, [1]);
      line.wakeOne();
      await settle();
      assert.deepEqual(log, [1, 3]);
      for (const i of [1, 3]) places[i]!.leave(false);
      assert.equal(line.occupied, false);
      line.wakeOne();
    });

    it("passes the wake of one who gives up to the next, and only if there is something to be had", async () => {
      for (const available of [true, false]) {
        const line = make();
        const log: string[] = [];
        const abort = new AbortController();
        const first = line.enter();
        const waiting = first.wait(LONG, abort.signal).catch(() => log.push("gave up"));
        const second = line.enter();
        void second.wait(LONG, undefined).then(() => log.push("second"));
        // Aborted first, woken before its owner has run: the wake was meant for it.
        abort.abort();
        line.wakeOne();
        await waiting;
        first.leave(available);
        await settle();
        assert.deepEqual(log, available ? ["gave up", "second"] : ["gave up"]);
        line.wakeAll();
        await settle();
        second.leave(false);
      }
    });

    it("keeps the turn of one who was woken in vain", async () => {
      const line = make();
      const log: number[] = [];
      const first = line.enter();
      const waiting = first.wait(LONG, undefined);
      const [second] = waiters(line, 1, log) as [Place];
      line.wakeOne();
      await waiting;
      // Somebody was faster. In shared memory it has to look once more after it is back in the line.
      let again = first.wait(LONG, undefined);
      if (first.shared) {
        await again;
        again = first.wait(LONG, undefined);
      }
      line.wakeOne();
      await again;
      assert.deepEqual(log, []);
      first.leave(false);
      line.wakeOne();
      await settle();
      assert.deepEqual(log, [0]);
      second.leave(false);
    });

    it("keeps the place of one whose time is over until it leaves", async () => {
      const line = make();
      const first = line.enter();
      await first.wait(5, undefined);
      assert.equal(line.occupied, true);
      first.waitSync(5);
      const again = first.wait(LONG, undefined);
      line.wakeOne();
      await again;
      first.leave(false);
      assert.equal(line.occupied, false);
    });
  });
}

describe("the line of those who wait in shared memory", () => {
  it("passes over those whose threads are dead", async function () {
    if (process.platform !== "linux") this.skip(); // asks the system which threads live
    const line = sharedLine();
    const dead = [line.enter(), line.enter()];
    // The third word after `next` of a place is its thread, as shared-line.ts says.
    for (const place of dead) view[(place as unknown as { at: number }).at + 3] = 0x3ffff0;
    const living = line.enter();
    const waiting = living.wait(LONG, undefined);
    assert.equal(line.wakeOne(), true);
    await waiting;
    living.leave(false);
    assert.equal(line.occupied, false);
  });

  it("is whole again after the death of a thread that was changing it", async () => {
    const line = sharedLine();
    const places = [line.enter(), line.enter(), line.enter()];
    const at = places.map((place) => (place as unknown as { at: number }).at);
    // What a thread leaves that dies right after a single store: the tail and the ways back are behind.
    view[at[1]! + 1] = 12345;
    view[at[2]! + 1] = 0;
    line.repair();
    places[1]!.leave(false);
    const order: number[] = [];
    for (const i of [0, 2]) void places[i]!.wait(LONG, undefined).then(() => order.push(i));
    line.wakeOne();
    await settle();
    line.wakeOne();
    await settle();
    assert.deepEqual(order, [0, 2]);
    for (const i of [0, 2]) places[i]!.leave(false);
    assert.equal(line.occupied, false);
  });
});
