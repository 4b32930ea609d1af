import assert from "node:assert/strict";
import { decodeList, encodeList } from "../../../src/runtime/multiprocessing/chunk-codec.js";

const around = (list: readonly unknown[]) => {
  const bytes = encodeList(list, { path: "args" });
  // As it may lie in what was read: not at its own beginning, and not aligned.
  const read = Buffer.alloc(bytes.length + 13).subarray(13);
  read.set(bytes);
  return { bytes, results: [decodeList(bytes, "there"), decodeList(read, "there")] };
};

/** Random numbers that are the same in each run. */
function sequence(seed: number) {
  let state = seed;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}

describe("lists of chunks", () => {
  it("pack integers, numbers and strings, and keep what each is", () => {
    for (const [list, most] of [
      [[1, 2, 3, 4], 24],
      [[1, 2, 3, 4.5], 40],
      [["ab", "c", "", "d"], 28],
      [["ab", "c", "", "\u4e2d"], 32],
    ] as const) {
      const { bytes, results } = around(list);
      assert.ok(bytes.length <= most, `${bytes.length} bytes`);
      for (const result of results) assert.deepEqual(result, list);
    }
  });

  it("give back every list of everything, whatever it begins with", () => {
    const random = sequence(5);
    const values = [
      () => Math.floor(random() * 300) - 100,
      () => Math.floor((random() - 0.5) * 2 ** 33),
      () => random() * 100,
      () => -0,
      () => Number.NaN,
      () => "x".repeat(Math.floor(random() * 30)),
      () => "\u00e9\u4e2d\ud83d\ude00".repeat(Math.floor(random() * 5)),
      () => "\ud800",
      () => "long".repeat(400),
      () => null,
      () => undefined,
      () => true,
      () => BigInt(7),
      () => ({ a: [1, "b"] }),
      () => new Date(3),
    ];
    for (let round = 0; round < 3000; round++) {
      // Mostly of one kind, now and then with one that is not.
      const main = values[Math.floor(random() * values.length)]!;
      const length = Math.floor(random() * 12);
      const list = Array.from({ length }, () =>
        random() < 0.1 ? values[Math.floor(random() * values.length)]!() : main(),
      );
      for (const result of around(list).results) {
        assert.deepEqual(result, list);
        assert.ok(result.every((value, i) => typeof value === "object" || Object.is(value, list[i])));
      }
    }
  });

  it("name what cannot cross by its place", () => {
    assert.throws(() => encodeList([1, 2, () => 3, 4], { path: "args" }), { name: "DataCloneError", path: "args[2]" });
    assert.throws(() => encodeList([1, Symbol("s"), 2, 3], { path: "args" }), { path: "args[1]" });
  });
});
