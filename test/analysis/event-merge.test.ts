import assert from "node:assert/strict";
import fc from "fast-check";
import { runMerged, type Source } from "../../src/analysis/event-merge.js";

/** A source of times, that notes what was handled. */
function sourceOf(times: readonly number[], rank: number, handled: [time: number, rank: number][]): Source {
  let next = 0;
  const key = () => times[next] ?? Number.POSITIVE_INFINITY;
  return {
    key: key(),
    latest: 0,
    rank,
    run(limit) {
      do {
        handled.push([times[next++]!, rank]);
        this.key = key();
      } while (this.key <= limit && this.key !== Number.POSITIVE_INFINITY);
    },
  };
}

describe("merging sources", () => {
  it("handles everything up to the watermark, each once, in order of time, and the rest later", () => {
    const sorted = fc.array(fc.nat(50), { maxLength: 12 }).map((times) => times.sort((x, y) => x - y));
    fc.assert(
      fc.property(fc.array(sorted, { maxLength: 20 }), fc.nat(60), (all, watermark) => {
        const handled: [number, number][] = [];
        const sources = all.map((times, rank) => sourceOf(times, rank, handled));
        const upTo = (limit: number) =>
          all.flatMap((times) => times.filter((time) => time <= limit)).sort((x, y) => x - y);
        for (const limit of [watermark, Number.MAX_VALUE]) {
          runMerged(sources, limit);
          assert.deepEqual(
            handled.map(([time]) => time),
            upTo(limit),
          );
        }
        for (const [rank, times] of all.entries()) {
          assert.deepEqual(
            handled.filter(([, of]) => of === rank).map(([time]) => time),
            times,
          );
        }
      }),
    );
  });

  it("begins with the lower rank where times are equal", () => {
    const handled: [number, number][] = [];
    runMerged(
      [3, 1, 2].map((rank) => sourceOf([5], rank, handled)),
      9,
    );
    assert.deepEqual(handled, [
      [5, 1],
      [5, 2],
      [5, 3],
    ]);
  });
});
