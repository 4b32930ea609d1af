import assert from "node:assert/strict";
import fc from "fast-check";
import { BestTree } from "../../webview/model/best-tree.js";
import { IntervalIndex } from "../../webview/model/interval-index.js";
import { PackedIntervals } from "../../webview/model/packed-intervals.js";
import { bandPixels, MIXED, STATES, StateShares } from "../../webview/model/state-shares.js";
import { StepCurve, stepPixels } from "../../webview/model/step-curve.js";

/** Intervals without overlap from pairs of gap and length; the last may be open. */
const intervals = fc.record({
  pairs: fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 400 })), {
    minLength: 1,
    maxLength: 400,
  }),
  open: fc.boolean(),
  states: fc.array(fc.integer({ min: 1, max: STATES }), { minLength: 400, maxLength: 400 }),
});

function columnsOf({ pairs, open, states }: { pairs: [number, number][]; open: boolean; states: number[] }) {
  const start = new Float64Array(pairs.length);
  const end = new Float64Array(pairs.length);
  let time = 0;
  pairs.forEach(([gap, length], i) => {
    start[i] = time + gap;
    end[i] = time + gap + length;
    time = end[i]!;
  });
  if (open) end[pairs.length - 1] = Number.NaN;
  const now = time + 100;
  return {
    columns: {
      count: pairs.length,
      start,
      end,
      state: Uint8Array.from(states.slice(0, pairs.length)),
      core: new Int16Array(pairs.length).fill(-1),
    },
    now,
    endOf: (i: number): number => (Number.isNaN(end[i]!) ? now : end[i]!),
  };
}

/** A view on a part of the time. */
const part = fc.tuple(
  fc.double({ min: 0, max: 0.9, noNaN: true }),
  fc.double({ min: 0.02, max: 1, noNaN: true }),
  fc.integer({ min: 1, max: 120 }),
);

describe("BestTree", () => {
  it("finds what a search of all finds, while it grows", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 500 }),
        fc.array(fc.tuple(fc.nat(500), fc.nat(500)), { minLength: 1, maxLength: 20 }),
        fc.nat(500),
        (scores, ranges, first) => {
          const tree = new BestTree((i) => scores[i]!);
          tree.grow(Math.min(first, scores.length));
          tree.grow(scores.length);
          for (const [a, b] of ranges) {
            const from = Math.min(a, b, scores.length);
            const to = Math.min(Math.max(a, b), scores.length);
            const slice = scores.slice(from, to);
            const expected = slice.length === 0 ? -1 : from + slice.indexOf(Math.max(...slice));
            assert.equal(tree.best(from, to), expected);
          }
        },
      ),
    );
  });
});

describe("IntervalIndex", () => {
  function indexOf(columns: { count: number; start: Float64Array; end: Float64Array }): IntervalIndex {
    const index = new IntervalIndex(columns);
    for (let row = 0; row < columns.count; row++) index.push(row);
    index.grow();
    return index;
  }

  it("stands for every visible interval once, and for the longest of each pixel by itself", () => {
    fc.assert(
      fc.property(intervals, part, (given, [from, length, pixels]) => {
        const { columns, now, endOf } = columnsOf(given);
        const range = { start: from * now, end: (from + length) * now, pixels, now };
        const scale = pixels / (range.end - range.start);
        const shown = new Set<number>();
        let stoodFor = 0;
        indexOf(columns).walk(range, (row, x0, x1, merged) => {
          shown.add(row);
          stoodFor += merged;
          assert.ok(x1 > x0);
        });
        const visible = [...columns.start.keys()].filter(
          (i) => endOf(i) > range.start && columns.start[i]! < range.end,
        );
        assert.equal(stoodFor, visible.length);
        // Whatever is at least a pixel wide is there by itself.
        for (const i of visible) if ((endOf(i) - columns.start[i]!) * scale >= 1) assert.ok(shown.has(i), `wide ${i}`);
        // Of the narrow ones that begin in a pixel, the longest is there.
        const longest = new Map<number, number>();
        for (const i of visible) {
          const width = endOf(i) - columns.start[i]!;
          if (width * scale >= 1) continue;
          const pixel = Math.floor((columns.start[i]! - range.start) * scale);
          longest.set(pixel, Math.max(longest.get(pixel) ?? -1, width));
        }
        for (const [pixel, width] of longest) {
          const there = [...shown].some(
            (i) =>
              Math.abs(Math.floor((columns.start[i]! - range.start) * scale) - pixel) <= 1 &&
              endOf(i) - columns.start[i]! >= width - 1e-9,
          );
          assert.ok(there, `pixel ${pixel} lost its longest`);
        }
      }),
      {
        // An open interval that is shorter than the one before it, in one pixel.
        examples: [
          [
            {
              pairs: [
                [0, 101],
                [0, 0],
              ],
              open: true,
              states: Array<number>(400).fill(1),
            },
            [0, 101.00000000000001 / 201, 1],
          ],
        ],
      },
    );
  });

  it("costs per pixel, not per interval", () => {
    const count = 200_000;
    const start = Float64Array.from({ length: count }, (_, i) => i * 10);
    const end = Float64Array.from(start, (time) => time + 8);
    let visits = 0;
    indexOf({ count, start, end }).walk({ start: 0, end: count * 10, pixels: 500, now: count * 10 }, () => visits++);
    assert.ok(visits <= 501, `${visits} visits`);
  });

  it("hits what is under the pointer", () => {
    fc.assert(
      fc.property(intervals, fc.double({ min: 0, max: 1, noNaN: true }), (given, where) => {
        const { columns, now, endOf } = columnsOf(given);
        const time = where * now;
        const row = indexOf(columns).hit(time, 0.001, now);
        const expected = [...columns.start.keys()].find(
          (i) => columns.start[i]! <= time - 0.001 && endOf(i) > time + 0.001,
        );
        if (expected !== undefined) assert.equal(row, expected);
        else if (row >= 0) assert.ok(columns.start[row]! <= time + 0.001 && endOf(row) >= time - 0.001);
      }),
    );
  });

  it("sees what ended since", () => {
    const columns = { count: 1, start: Float64Array.of(5), end: Float64Array.of(Number.NaN) };
    const index = indexOf(columns);
    assert.equal(index.hit(50, 1, 100), 0);
    columns.end[0] = 20;
    index.grow();
    assert.equal(index.hit(50, 1, 100), -1);
  });
});

describe("PackedIntervals", () => {
  it("never lays two over each other", () => {
    const columns = { count: 4, start: Float64Array.of(0, 5, 8, 12), end: Float64Array.of(10, 7, Number.NaN, 20) };
    const packed = new PackedIntervals(columns, 4);
    packed.grow();
    const rows = packed.levels.map((level) => Array.from({ length: level.count }, (_, i) => level.rowAt(i)));
    assert.deepEqual(rows, [
      [0, 3],
      [1, 2],
    ]);
  });
});

describe("StateShares", () => {
  it("gives every pixel the shares of its states", () => {
    fc.assert(
      fc.property(intervals, part, (given, [from, length, pixels]) => {
        const { columns, now, endOf } = columnsOf(given);
        const shares = new StateShares(columns);
        shares.grow();
        const range = { start: from * now, end: (from + length) * now, pixels, now };
        const perPixel = (range.end - range.start) / pixels;
        const out = bandPixels(pixels);
        shares.walk(range, out);
        for (let x = 0; x < pixels; x++) {
          const a = range.start + x * perPixel;
          const b = a + perPixel;
          const expected = new Float64Array(STATES);
          for (let i = 0; i < columns.count; i++) {
            const overlap = Math.min(endOf(i), b) - Math.max(columns.start[i]!, a);
            if (overlap > 0) expected[columns.state[i]! - 1]! += overlap / perPixel;
          }
          const sum = expected.reduce((total, share) => total + share, 0);
          const solid = out.solid[x]!;
          if (solid === 0) assert.ok(sum < 1e-6, `pixel ${x} lost ${sum}`);
          else if (solid === MIXED)
            for (let s = 0; s < STATES; s++) assert.ok(Math.abs(out.share[x * STATES + s]! - expected[s]!) < 1e-4);
          else assert.ok(expected[solid - 1]! > 1 - 1e-6, `pixel ${x} is not all ${solid}`);
        }
      }),
    );
  });

  it("adds up any span, block by block", () => {
    const count = 1000;
    const start = Float64Array.from({ length: count }, (_, i) => i * 3);
    const columns = {
      count,
      start,
      end: Float64Array.from(start, (time) => time + 3),
      state: Uint8Array.from({ length: count }, (_, i) => (i % STATES) + 1),
      core: new Int16Array(count),
    };
    const shares = new StateShares(columns);
    shares.grow();
    fc.assert(
      fc.property(fc.nat(3000), fc.nat(3000), (a, b) => {
        const into = new Float64Array(STATES);
        shares.times(Math.min(a, b), Math.max(a, b), 3000, into);
        assert.ok(Math.abs(into.reduce((sum, time) => sum + time, 0) - Math.abs(a - b)) < 1e-6);
      }),
    );
  });
});

describe("StepCurve", () => {
  it("gives the mean, the greatest and the least of every pixel", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: -9, max: 9 })), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 60 }), (given, pixels) => {
        let at = 0;
        const time = Float64Array.from(given, ([gap]) => (at += gap));
        const value = Float64Array.from(given, ([, v]) => v);
        const columns = { count: given.length, time, value };
        const curve = new StepCurve(columns);
        curve.grow();
        const end = at + 10;
        const out = stepPixels(pixels);
        // From the first step on, so that something is known everywhere.
        const range = { start: time[0]!, end, pixels, now: end };
        curve.walk(range, out);
        const perPixel = (end - range.start) / pixels;
        for (let x = 0; x < pixels; x++) {
          const a = range.start + x * perPixel;
          const b = a + perPixel;
          let sum = 0;
          let most = Number.NEGATIVE_INFINITY;
          let least = Number.POSITIVE_INFINITY;
          for (let i = 0; i < given.length; i++) {
            const until = i + 1 < given.length ? time[i + 1]! : end;
            const overlap = Math.min(until, b) - Math.max(time[i]!, a);
            if (overlap > 0) sum += overlap * value[i]!;
            if ((time[i]! > a + 1e-9 && time[i]! < b - 1e-9) || overlap > 1e-6) {
              most = Math.max(most, value[i]!);
              least = Math.min(least, value[i]!);
            }
          }
          assert.ok(Math.abs(out.mean[x]! - sum / perPixel) < 1e-6, `mean of ${x}`);
          assert.ok(out.high[x]! >= most, `${out.high[x]} below ${most} in ${x}`);
          if (curve.smallest < 0) assert.ok(out.low[x]! <= least, `${out.low[x]} above ${least} in ${x}`);
        }
      }),
    );
  });
});
