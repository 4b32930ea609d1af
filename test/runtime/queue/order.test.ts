/** The orders of queues against models: in one thread, in shared memory, and the keys that shared memory orders by. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeFrom, encode } from "../../../src/runtime/core/structured-clone.js";
import { threadHeap } from "../../../src/runtime/core/thread-heap.js";
import { Chain } from "../../../src/runtime/queue/chain.js";
import { LocalHeap } from "../../../src/runtime/queue/local-heap.js";
import { LocalItems } from "../../../src/runtime/queue/local-items.js";
import { LocalStack } from "../../../src/runtime/queue/local-stack.js";
import type { LocalStore } from "../../../src/runtime/queue/local-store.js";
import { compareNaturally } from "../../../src/runtime/queue/natural-order.js";
import { compareKeys, INCOMPARABLE, key } from "../../../src/runtime/queue/order-key.js";
import { Segments } from "../../../src/runtime/queue/segments.js";
import { FULL, NOTHING, type SharedQueue, taken } from "../../../src/runtime/queue/shared-queue.js";
import { SkipList } from "../../../src/runtime/queue/skip-list.js";

function keyOf(value: unknown): Int32Array {
  key.write(value);
  return key.words.slice(0, key.length);
}

/** Sign of the natural order by values, or "none". */
function byValue(a: unknown, b: unknown): number | "none" {
  try {
    return Math.sign(compareNaturally(a, b));
  } catch (error) {
    assert.ok(error instanceof TypeError);
    return "none";
  }
}

function byKey(a: unknown, b: unknown): number | "none" {
  const order = compareKeys(keyOf(a), 0, keyOf(b), 0);
  return order === INCOMPARABLE ? "none" : order;
}

const anyNumber = fc.oneof(
  fc.double(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, 0, Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE, Infinity, -Infinity, NaN, 2 ** 53),
);
const anyString = fc.oneof(
  fc
    .array(fc.constantFrom("a", "b", "\0", "\ud800", "\udfff", "\uffff", "é", "😀"), { maxLength: 5 })
    .map((s) => s.join("")),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const bigint = fc.oneof(
  fc.bigInt({ min: -3n, max: 3n }),
  fc.bigInt(),
  fc.constantFrom(2n ** 53n + 1n, 2n ** 53n, 10n ** 400n, -(10n ** 400n)),
);
const date = fc.oneof(
  fc.integer({ min: -5, max: 5 }).map((t) => new Date(t)),
  fc.constant(new Date(Number.NaN)),
);
const leaf = fc.oneof(
  anyNumber,
  anyString,
  bigint,
  date,
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.constant({}),
);
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: "small" }, leaf, fc.array(tie("value"), { maxLength: 3 })),
})).value;

describe("the natural order", () => {
  it("of numbers is JavaScript's, with 0 equal to -0 and NaN last", () => {
    fc.assert(
      fc.property(anyNumber, anyNumber, (a, b) => {
        const expected = Number.isNaN(a)
          ? Number.isNaN(b)
            ? 0
            : 1
          : Number.isNaN(b)
            ? -1
            : Number(a > b) - Number(a < b);
        assert.equal(byValue(a, b), expected);
        assert.equal(byKey(a, b), expected);
      }),
      { numRuns: 2000 },
    );
  });

  it("of strings is that of `<`, by UTF-16 code units", () => {
    fc.assert(
      fc.property(anyString, anyString, (a, b) => {
        const expected = Number(a > b) - Number(a < b);
        assert.equal(byValue(a, b), expected);
        assert.equal(byKey(a, b), expected);
      }),
      { numRuns: 2000 },
    );
  });

  it("of bigints and numbers is exact", () => {
    fc.assert(
      fc.property(bigint, fc.oneof(bigint, anyNumber), (a, b) => {
        const expected = Number.isNaN(b) ? -1 : Number(a > b) - Number(a < b);
        assert.equal(byValue(a, b), expected);
        assert.equal(byKey(a, b), expected);
        assert.equal(byKey(b, a), -expected + 0);
      }),
      { numRuns: 1000 },
    );
  });

  it("is the same by values and by keys, for anything, also where there is none", () => {
    const almostEqual = anyValue.chain((a) =>
      fc.tuple(fc.constant(a), fc.oneof(anyValue, fc.constant(structuredClone(a)))),
    );
    fc.assert(
      fc.property(almostEqual, ([a, b]) => {
        assert.equal(byKey(a, b), byValue(a, b));
        assert.equal(byKey([1, a], [1, b]), byValue([1, a], [1, b]));
      }),
      { numRuns: 5000 },
    );
  });

  it("follows Python for tuples: the first difference decides, and what has no order is not looked at before", () => {
    assert.equal(byValue([1, {}], [2, {}]), -1);
    assert.equal(byValue([1, {}], [1, {}]), "none");
    assert.equal(byValue([1, null, 2], [1, null, 3]), -1);
    assert.equal(byValue(null, null), "none");
    assert.equal(byValue([1], [1, {}]), -1);
    assert.equal(byValue([1, "a"], [1, 2]), "none");
    assert.equal(byValue(true, 2), -1);
    assert.equal(byValue(new Date(1), 2), "none");
    const self: unknown[] = [];
    self.push(self);
    assert.equal(byValue(self, self), "none");
    assert.equal(byKey(self, self), "none");
    assert.throws(() => compareNaturally([1, "a"], [1, 2]), /options\.compare/);
  });
});

const numbers = (a: number, b: number) => a - b;
/** [priority, unique] by priority only, so that order among equals shows. */
const byFirst = (a: unknown, b: unknown) => (a as number[])[0]! - (b as number[])[0]!;

/** What each kind would take next of [item, number] pairs in order of putting. */
const next = {
  fifo: (_all: [unknown, number][]) => 0,
  lifo: (all: [unknown, number][]) => all.length - 1,
  sorted: (all: [unknown, number][]) => {
    let best = 0;
    for (let i = 1; i < all.length; i++) if (byFirst(all[i]![0], all[best]![0]) < 0) best = i;
    return best;
  },
};

const commands = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ op: fc.constant("put" as const), priority: fc.integer({ min: 0, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant("take" as const), priority: fc.constant(0) }) },
  ),
  { maxLength: 120 },
);

describe("items in one thread", () => {
  const kinds: [string, () => LocalStore<unknown>, keyof typeof next][] = [
    ["first in, first out", () => new LocalItems(), "fifo"],
    ["last in, first out", () => new LocalStack(), "lifo"],
    ["smallest first", () => new LocalHeap(byFirst), "sorted"],
  ];
  for (const [name, make, order] of kinds) {
    it(`${name}, as a model does it`, () => {
      fc.assert(
        fc.property(commands, (list) => {
          const store = make();
          const model: [unknown, number][] = [];
          let count = 0;
          for (const { op, priority } of list) {
            if (op === "put") {
              const item = [priority, ++count];
              store.push(item);
              model.push([item, count]);
            } else if (model.length > 0) {
              const [[item, number]] = model.splice(next[order](model), 1) as [[unknown, number]];
              assert.equal(store.pop(), item);
              assert.equal(store.number, number);
            }
            assert.equal(store.length, model.length);
            assert.equal(store.pushed, count);
          }
          const rest: unknown[] = [];
          const copy = [...model];
          while (copy.length > 0) rest.push((copy.splice(next[order](copy), 1) as [[unknown, number]])[0]);
          assert.deepEqual(
            store.entries().map(({ item, number }) => [item, number]),
            rest,
          );
        }),
        { numRuns: 200 },
      );
    });
  }

  it("stays as it was when comparing throws, at any comparison", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 30 }),
        fc.nat({ max: 12 }),
        fc.boolean(),
        (items, after, put) => {
          let left = Number.POSITIVE_INFINITY;
          const heap = new LocalHeap<number>((a, b) => {
            if (left-- === 0) throw new Error("enough");
            return numbers(a, b);
          });
          for (const item of items) heap.push(item);
          const before = heap.entries();
          left = after;
          try {
            if (put) heap.push(5);
            else heap.pop();
            return;
          } catch (error) {
            assert.equal((error as Error).message, "enough");
          }
          left = Number.POSITIVE_INFINITY;
          assert.deepEqual(heap.entries(), before);
          const sorted = [...items].sort(numbers);
          assert.deepEqual(
            items.map(() => heap.pop()),
            sorted,
          );
        },
      ),
    );
  });
});

describe("items in shared memory", () => {
  const compared = () => byFirst;
  const kinds: [string, () => SharedQueue, (offset: number) => SharedQueue, keyof typeof next][] = [
    ["first in, first out", () => Segments.create(threadHeap), (o) => Segments.attach(threadHeap, o), "fifo"],
    ["last in, first out", () => Chain.create(threadHeap), (o) => Chain.attach(threadHeap, o), "lifo"],
    [
      "smallest first by keys",
      () => SkipList.create(threadHeap, null),
      (o) => SkipList.attach(threadHeap, o, null),
      "sorted",
    ],
    [
      "smallest first by a function",
      () => SkipList.create(threadHeap, compared),
      (o) => SkipList.attach(threadHeap, o, compared),
      "sorted",
    ],
  ];
  for (const [name, make, attach, order] of kinds) {
    it(`${name}, as a model does it, whatever the sizes`, () => {
      fc.assert(
        fc.property(commands, fc.constantFrom(0, 0, 3), fc.constantFrom(0, 40, 900, 5000), (list, limit, bulk) => {
          const queue = make();
          const other = attach(queue.offset);
          const model: [unknown, number][] = [];
          let count = 0;
          for (const { op, priority } of list) {
            if (op === "put") {
              // The bulk comes after what the order is told by, and is of another size each time.
              const item = [priority, count, "x".repeat((bulk * (count % 7)) >> 2)];
              const bytes = encode(item);
              const full = limit > 0 && model.length >= limit;
              assert.equal(
                queue.tryPush(bytes, bytes.length, limit, order === "sorted" ? itemToOrder(item) : item),
                full ? FULL : count + 1,
              );
              if (!full) model.push([item, ++count]);
            } else {
              const expected = model.length > 0 ? (model.splice(next[order](model), 1)[0] as [unknown, number]) : null;
              const number = other.tryTake();
              assert.equal(number, expected === null ? NOTHING : expected[1]);
              if (expected !== null) {
                assert.deepEqual(decodeFrom(taken.bytes), expected[0]);
                assert.equal(taken.left, model.length);
              }
            }
            assert.equal(queue.length, model.length);
          }
          queue.dispose();
        }),
        { numRuns: 100 },
      );
    });
  }

  /** What by keys must tell equal priorities apart by nothing else. */
  function itemToOrder(item: (number | string)[]): unknown {
    return [item[0]];
  }

  it("takes over the items of a queue of one thread with their numbers", () => {
    for (const [, make, , order] of kinds) {
      const queue = make();
      const items = [3, 1, 2].map((priority, i) => ({ item: [priority, i], number: [4, 7, 8][i] as number }));
      if (order === "fifo") for (const [i, it] of items.entries()) it.number = 6 + i;
      queue.adopt(
        items.map((it) => ({ ...it, bytes: encode(it.item) })),
        8,
        5,
        false,
      );
      assert.equal(queue.unfinished, 5);
      assert.equal(queue.length, 3);
      for (const { item, number } of items) {
        assert.equal(queue.tryTake(), number);
        assert.deepEqual(decodeFrom(taken.bytes), item);
      }
      const bytes = encode([1]);
      assert.equal(queue.tryPush(bytes, bytes.length, 0, [1]), 9);
      queue.dispose();
    }
  });

  it("refuses what has no order, and what a compare function throws at, and stays as it was", () => {
    const queue = SkipList.create(threadHeap, null);
    const put = (item: unknown) => {
      const bytes = encode(item);
      return queue.tryPush(bytes, bytes.length, 0, item);
    };
    put([1, "a"]);
    put([2, {}]);
    assert.throws(() => put([2, {}]), TypeError);
    assert.throws(() => put("text"), /an array and a string|a string and an array/);
    assert.equal(queue.length, 2);
    assert.equal(put([1, "b"]), 3);
    queue.dispose();

    let broken = false;
    const compare = (a: unknown, b: unknown) => {
      if (broken) throw new Error("no");
      return (a as number) - (b as number);
    };
    const sorted = SkipList.create(threadHeap, () => compare);
    const putNumber = (n: number) => {
      const bytes = encode(n);
      return sorted.tryPush(bytes, bytes.length, 0, n);
    };
    for (const n of [3, 1, 2]) putNumber(n);
    broken = true;
    assert.throws(() => putNumber(0), /no/);
    broken = false;
    putNumber(0);
    const order: unknown[] = [];
    while (sorted.tryTake() !== NOTHING) order.push(decodeFrom(taken.bytes));
    assert.deepEqual(order, [0, 1, 2, 3]);
    sorted.dispose();
  });

  it("puts at the right place what is compared while others take", () => {
    // The compare function itself takes items, as another thread might meanwhile.
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 20 }), { maxLength: 20 }),
        fc.nat({ max: 20 }),
        fc.array(fc.boolean()),
        (items, last, takes) => {
          let script: boolean[] = [];
          const gone: unknown[] = [];
          const queue: SkipList = SkipList.create(threadHeap, () => (a, b) => {
            if (script.shift() === true && queue.tryTake() !== NOTHING) gone.push(decodeFrom(taken.bytes));
            return (a as number) - (b as number);
          });
          const put = (n: number) => {
            const bytes = encode(n);
            queue.tryPush(bytes, bytes.length, 0, n);
          };
          for (const item of items) put(item);
          script = [...takes];
          put(last);
          script = [];
          const rest: unknown[] = [];
          while (queue.tryTake() !== NOTHING) rest.push(decodeFrom(taken.bytes));
          const sorted = [...items].sort(numbers);
          assert.deepEqual(gone, sorted.slice(0, gone.length));
          assert.deepEqual(rest, [...sorted.slice(gone.length), last].sort(numbers));
          queue.dispose();
        },
      ),
      { numRuns: 300 },
    );
  });

  it("lets no compare function put into its own queue", () => {
    const queue: SkipList = SkipList.create(threadHeap, () => () => {
      const bytes = encode(1);
      queue.tryPush(bytes, bytes.length, 0, 1);
      return 0;
    });
    const bytes = encode(1);
    queue.tryPush(bytes, bytes.length, 0, 1);
    assert.throws(() => queue.tryPush(bytes, bytes.length, 0, 1), /its own queue/);
    assert.equal(queue.length, 1);
    queue.dispose();
  });
});
