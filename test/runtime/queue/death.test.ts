/**
 * The death of a thread at any step of a put or take in shared memory. The test stops an operation at each of its atomic
 * instructions in turn, as if its thread had been terminated there, makes the locks look as a dead thread leaves them,
 * and goes on: what was under way is there or not, never half, and nothing else has changed.
 */
import assert from "node:assert/strict";
import { HeapWord } from "../../../src/runtime/core/heap.js";
import { decodeFrom, encode } from "../../../src/runtime/core/structured-clone.js";
import { threadHeap } from "../../../src/runtime/core/thread-heap.js";
import { ProcessHeap } from "../../../src/runtime/multiprocessing/synchronize/process-heap.js";
import { Chain } from "../../../src/runtime/queue/chain.js";
import type { Place } from "../../../src/runtime/queue/place.js";
import { Segments } from "../../../src/runtime/queue/segments.js";
import { H, NOTHING, type SharedQueue, taken } from "../../../src/runtime/queue/shared-queue.js";
import { SkipList } from "../../../src/runtime/queue/skip-list.js";

/** The identity of a thread that is gone: no system gives such a high number. */
const DEAD = 0x3ffff001;

class Death extends Error {}

/** Runs `body` until it comes to its atomic instruction number `at`, from 0. Returns false if it had fewer. */
function dieAt(at: number, body: () => void): boolean {
  const real = { store: Atomics.store, exchange: Atomics.exchange, compareExchange: Atomics.compareExchange };
  let left = at;
  let dead = false;
  const step = (): void => {
    // Once dead, no instruction of a `finally` runs either.
    if (dead || left-- === 0) {
      dead = true;
      throw new Death();
    }
  };
  for (const name of ["store", "exchange", "compareExchange"] as const) {
    (Atomics as unknown as Record<string, unknown>)[name] = (...args: never[]) => {
      step();
      return (real[name] as (...args: never[]) => unknown)(...args);
    };
  }
  try {
    body();
  } catch (error) {
    if (!dead) throw error;
  } finally {
    Object.assign(Atomics, real);
  }
  return dead;
}

/** Makes the locks that are held look as if somebody held them who is gone. */
function orphanLocks(queue: SharedQueue): void {
  const { view } = queue.heap.words;
  for (const lock of [H.Lock, H.TakeLock, H.SearchLock, H.LineLock]
    .map((word) => queue.offset + word)
    .concat(HeapWord.AllocLock)) {
    if (view[lock] === 0) continue;
    view[lock] = DEAD;
  }
}

const processHeap = ProcessHeap.create(64 * 1024 * 1024);
const compare = (a: unknown, b: unknown) => (a as number[])[0]! - (b as number[])[0]!;
const kinds: [string, () => SharedQueue, "fifo" | "lifo" | "sorted"][] = [
  ["first in, first out", () => Segments.create(threadHeap), "fifo"],
  ["first in, first out, between processes", () => Segments.create(processHeap), "fifo"],
  ["last in, first out", () => Chain.create(threadHeap), "lifo"],
  ["smallest first", () => SkipList.create(threadHeap, null), "sorted"],
  ["smallest first by a function", () => SkipList.create(threadHeap, () => compare), "sorted"],
];

/** So many items of the usual size fill the first segment of a queue. */
const FILLED = 42;

/** Items are [order, text]; large ones go into blocks of their own, and enough of them into more than one segment. */
const item = (order: number, size = 10): [number, string] => [order, "x".repeat(size)];

function put(queue: SharedQueue, value: unknown): number {
  const bytes = encode(value);
  return queue.tryPush(bytes, bytes.length, 0, value);
}

function takeAll(queue: SharedQueue): unknown[] {
  const all: unknown[] = [];
  while (queue.tryTake() !== NOTHING) all.push(decodeFrom(taken.bytes));
  return all;
}

function inOrder(kind: string, items: [number, string][]): [number, string][] {
  if (kind === "lifo") return [...items].reverse();
  return kind === "sorted" ? [...items].sort(compare) : items;
}

describe("the death of a thread in a shared queue", function () {
  this.timeout(60_000);

  for (const [name, make, kind] of kinds) {
    it(`leaves an item put or not put: ${name}`, () => {
      // Where there is no segment left for it, and where there is.
      for (const size of kind === "fifo" ? [10, 5000] : [10]) {
        for (const before of kind === "fifo" ? [2, FILLED] : [3]) {
          for (let at = 0; ; at++) {
            const queue = make();
            const items = Array.from({ length: before }, (_, i) => item(i * 2));
            for (const each of items) put(queue, each);
            const late = item(3, size);
            const { view } = queue.heap.words;
            const segment = view[queue.offset + H.TailSegment];
            const died = dieAt(at, () => put(queue, late));
            orphanLocks(queue);
            const last = item(100);
            const number = put(queue, last);
            const there = queue.length === before + 2;
            assert.equal(queue.length, there ? before + 2 : before + 1);
            assert.equal(number, there ? before + 2 : before + 1, `step ${at}`);
            assert.equal(queue.unfinished, queue.length);
            assert.deepEqual(
              takeAll(queue),
              inOrder(kind, there ? [...items, late, last] : [...items, last]),
              `step ${at}`,
            );
            assert.equal(queue.length, 0);
            if (!died) {
              assert.ok(there);
              if (before === FILLED)
                assert.notEqual(view[queue.offset + H.TailSegment], segment, "it went on in another");
              break;
            }
          }
        }
      }
    });

    it(`leaves an item taken or not taken: ${name}`, () => {
      for (const [size, ahead] of kind === "fifo"
        ? ([
            [10, 0],
            [10, FILLED],
            [5000, 0],
          ] as const)
        : ([[10, 0]] as const)) {
        for (let at = 0; ; at++) {
          const queue = make();
          for (let i = 0; i < ahead; i++) put(queue, item(i));
          if (ahead > 0) assert.equal(takeAll(queue).length, ahead);
          const items = Array.from({ length: 4 }, (_, i) => item(i, size));
          for (const each of items) put(queue, each);
          const died = dieAt(at, () => queue.tryTake());
          orphanLocks(queue);
          const rest = inOrder(kind, items);
          const last = item(50);
          // Whoever takes next finds out; what a put sees before that may be off by the one that is under way.
          const first = queue.tryTake() === NOTHING ? null : decodeFrom(taken.bytes);
          put(queue, last);
          const all = [first, ...takeAll(queue)];
          const gone = all.length === 4;
          // A stack gives what came last first.
          const behind =
            kind === "lifo"
              ? [rest[gone ? 1 : 0], last, ...rest.slice(gone ? 2 : 1)]
              : [...rest.slice(gone ? 1 : 0), last];
          assert.deepEqual(all, behind, `step ${at}`);
          assert.equal(queue.length, 0);
          if (!died) {
            assert.ok(gone);
            break;
          }
        }
      }
    });
  }
});

describe("the death of a thread in the line of those who wait", () => {
  /** What the dead one was doing, and which of the three places was its own. */
  const steps: [string, (queue: SharedQueue, places: Place[]) => void, number][] = [
    ["waking one", ({ items }) => items.wakeOne(), -1],
    ["waking all", ({ items }) => items.wakeAll(), -1],
    ["coming", ({ items }) => items.enter(), -1],
    ["leaving from the middle", (_queue, places) => places[1]!.leave(false), 1],
    ["leaving from the front", (_queue, places) => places[0]!.leave(true), 0],
    ["leaving from the end", (_queue, places) => places[2]!.leave(false), 2],
    [
      "coming back to the front",
      ({ items }, places) => {
        items.wakeOne();
        places[0]!.waitSync(0);
        places[0]!.waitSync(0);
      },
      0,
    ],
  ];

  for (const [name, step, gone] of steps) {
    it(`leaves it whole: ${name}`, () => {
      for (let at = 0; ; at++) {
        const queue = Segments.create(at % 2 === 0 ? threadHeap : processHeap);
        const { items } = queue;
        const places = [items.enter(), items.enter(), items.enter()];
        const died = dieAt(at, () => step(queue, places));
        orphanLocks(queue);
        // A place of somebody who lives: it must still be possible to come, to be woken and to leave.
        const late = items.enter();
        let wakes = 0;
        while (items.wakeOne()) assert.ok(++wakes <= 5, `step ${at}: no end of wakes`);
        assert.equal(items.occupied, false, `step ${at}`);
        // Woken, and at once: who lives has its mark.
        const alive = places.filter((_, i) => i !== gone);
        for (const place of [late, ...alive]) {
          const began = performance.now();
          place.waitSync(500);
          assert.ok(performance.now() - began < 400, `step ${at}: nobody woke it`);
          place.leave(false);
        }
        assert.equal(items.occupied, false);
        const next = items.enter();
        assert.equal(items.wakeOne(), true);
        next.waitSync(500);
        next.leave(true);
        assert.equal(items.occupied, false);
        if (!died) break;
      }
    });
  }
});
