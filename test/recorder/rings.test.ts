import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Drain } from "../../src/recorder/drain.js";
import {
  claimSlot,
  createRingMemory,
  EndedBit,
  ProcessWord,
  processWords,
  type Slot,
  SlotState,
  SlotWord,
} from "../../src/recorder/ring-memory.js";
import { makeRingWriter } from "../../src/recorder/ring-writer.js";
import { EventKind } from "../../src/trace/events.js";
import { readEvents, readFrames } from "./traced-run.js";

describe("rings", () => {
  let folder: string;
  let files = 0;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "heddle-rings-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function setUp(slots: number, records: number) {
    const memory = createRingMemory([[slots, records]]) as SharedArrayBuffer;
    const file = join(folder, `${++files}.heddle`);
    // As the runner does: a drain adds to a trace, and makes none.
    writeFileSync(file, "");
    const drain = new Drain({ memory, session: { file, originNs: "0", parentPid: -1 }, name: "test" });
    return { memory, file, drain, words: processWords(memory) };
  }

  function start(slot: Slot, thread: number): void {
    slot.words[SlotWord.Thread] = thread;
    slot.words[SlotWord.Ended] = 0;
    Atomics.store(slot.words, SlotWord.State, SlotState.Live);
  }

  it("give back what was written, round and round, with texts across the end", () => {
    const step = fc.oneof(
      fc.record({ a: fc.integer(), text: fc.string({ unit: "grapheme", maxLength: 200 }) }),
      fc.constant("drain" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { memory, file, drain, words } = setUp(1, 64);
        const slot = claimSlot(memory) as Slot;
        start(slot, 1);
        let t = 0;
        const room = () => drain.run(t, true);
        const writer = makeRingWriter(memory, slot, () => t, room);
        const written: unknown[] = [];
        for (const one of steps) {
          t++;
          if (one === "drain") drain.run(t, true);
          else {
            const b = writer.intern(one.text);
            writer.emitAt(t, EventKind.Mark, 5, 6, one.a, b, 3);
            written.push([t * 1e6, one.a, one.text]);
          }
        }
        drain.run(t, true);
        drain.close();
        assert.equal(words[ProcessWord.UsedSlots], 1);
        const read = readEvents(file);
        assert.deepEqual(
          read.map((event) => [event.t, event.a, event.text]),
          written,
        );
        rmSync(file, { force: true });
      }),
      { numRuns: 60 },
    );
  });

  it("come with the process's CPU time where threads cannot be sampled", () => {
    const { file, drain } = setUp(1, 64);
    const platform = Object.getOwnPropertyDescriptor(process, "platform") as PropertyDescriptor;
    Object.defineProperty(process, "platform", { ...platform, value: "darwin" });
    try {
      for (const t of [100, 110, 120]) drain.run(t, false);
    } finally {
      Object.defineProperty(process, "platform", platform);
    }
    drain.close();
    const rows = readFrames(file).flatMap((frame) => (frame.type === "samples" ? [frame] : []));
    assert.deepEqual(
      rows.map((frame) => [frame.t[0], frame.tid[0], frame.count]),
      [
        [100e6, 0, 1],
        [120e6, 0, 1],
      ],
    );
    assert.ok(rows.every((frame) => (frame.runNs[0] as number) > 0));
  });

  it("say how much they dropped when nobody drains", () => {
    const { memory, file, drain, words } = setUp(1, 64);
    const slot = claimSlot(memory) as Slot;
    start(slot, 1);
    words[ProcessWord.Closing] = 1;
    const writer = makeRingWriter(
      memory,
      slot,
      () => 1,
      () => {},
    );
    for (let i = 0; i < 100; i++) writer.emit(EventKind.Counter, 0, 0, i, 0, 0);
    drain.run(1, true);
    writer.emit(EventKind.Counter, 0, 0, 100, 0, 0);
    drain.run(2, true);
    drain.close();
    const events = readEvents(file).map((event) => [event.kind, event.a]);
    assert.deepEqual(events.slice(62), [
      ["Counter", 62],
      ["Counter", 63],
      ["Dropped", 36],
      ["Counter", 100],
    ]);
  });

  it("of ended threads go to new ones, after their last records and their end were told", () => {
    const { memory, file, drain } = setUp(2, 64);
    const held = claimSlot(memory) as Slot;
    start(held, 1000);
    for (let thread = 1; thread <= 20; thread++) {
      const slot = claimSlot(memory);
      assert.ok(slot !== null, `no ring for thread ${thread}`);
      assert.equal(claimSlot(memory), null);
      start(slot, thread);
      const writer = makeRingWriter(
        memory,
        slot,
        () => thread,
        () => {},
      );
      writer.emit(EventKind.Counter, 0, 0, thread, writer.intern(`thread ${thread}`), 0);
      drain.run(thread, true);
      assert.equal(Atomics.load(slot.words, SlotWord.State), SlotState.Live);
      writer.emit(EventKind.Counter, 0, 0, -thread, 0, 0);
      Atomics.or(slot.words, SlotWord.Ended, EndedBit.Told);
      drain.run(thread, true);
      assert.equal(Atomics.load(slot.words, SlotWord.State), SlotState.Free);
    }
    drain.close();
    const told = readEvents(file).map((event) => `${event.thread} ${event.kind} ${event.a} ${event.text}`.trim());
    const expected = Array.from({ length: 20 }, (_, i) => i + 1).flatMap((n) => [
      `${n} Counter ${n} thread ${n}`,
      `${n} Counter -${n}`,
      `${n} ThreadEnd 0`,
    ]);
    assert.deepEqual(told, expected);
  });
});
