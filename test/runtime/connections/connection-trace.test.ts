/**
 * What the trace says of connections against what the script did: every message with its size from the thread that sent
 * it to the one that received it, across processes; waits for messages and for room; which ends belong together; and
 * that the clocks of two processes agree.
 *
 * Each wait has to lie between readings of the clock: of who waited, before and after, and of who ended it, just before
 * that.
 */
import assert from "node:assert/strict";
import { FlowKind, SliceKind, type TraceModel } from "../../../src/analysis/model.js";
import { WaitReason } from "../../../src/trace/events.js";
import { CLOCKS_NS, measuring, TracedScript } from "../../harness/traced-script.js";
import { type ReadEvent, readEvents } from "../../recorder/traced-run.js";

const ROUNDS = 200;

const source = `
  import { tmpdir } from "node:os";
  import { join } from "node:path";
  import { isMain } from "heddle";
  import { Client, ClientSync, type Connection, Listener, Pipe, Process, wait } from "heddle/multiprocessing";

  ${measuring}
  const timed = (what: string, run: () => unknown) => tell({ what, waited: around(run) });
  const SIZES = [0, 1, 100, 5000, 40_000, 300_000];

  /** Answers, and does as it is told. */
  function child(pipe: Connection, oneWay: Connection) {
    for (let i = 0; i < ${ROUNDS}; i++) pipe.sendBytesSync(pipe.recvBytesSync());
    for (const size of SIZES) oneWay.sendBytesSync(new Uint8Array(size));
    for (let i = 0; i < 6; i++) {
      pipe.recvSync();
      nap(40);
      tell({ what: "receive", ended: around(() => pipe.sendSync("late")) });
    }
    for (let i = 0; i < 4; i++) {
      pipe.recvSync();
      nap(50);
      tell({ what: "send", ended: around(() => pipe.recvBytesSync()) });
    }
    oneWay.close();
  }
  async function clients(addresses: any[]) {
    for (const [address, authkey] of addresses) {
      const connection = ClientSync(address, authkey === null ? {} : { authkey });
      connection.sendSync({ hello: 1 });
      await connection.recv();
      connection.close();
    }
  }
  if (isMain) {
    const [ours, theirs] = Pipe({ name: "both ways" });
    const [reader, writer] = Pipe({ duplex: false, name: "one way" });
    const answerer = new Process({ target: child, args: [theirs, writer], name: "answerer" });
    answerer.start();
    theirs.close();
    writer.close();
    const ball = new Uint8Array(8);
    for (let i = 0; i < ${ROUNDS}; i++) {
      ours.sendBytesSync(ball);
      ours.recvBytesSync();
    }
    for (const size of SIZES) {
      if ((await reader.recvBytes()).length !== size) throw new Error("size");
    }
    for (let i = 0; i < 6; i++) {
      ours.sendSync("go");
      timed("receive", () => ours.recvSync());
    }
    for (let i = 0; i < 4; i++) {
      ours.sendSync("go");
      timed("send", () => ours.sendBytesSync(new Uint8Array(4_000_000)));
    }
    await wait([ours], { timeout: 30 });
    await answerer.join();

    const path = join(tmpdir(), "heddle-test-" + process.pid);
    const listeners = [
      [new Listener(null), null], [new Listener(null, { authkey: "key" }), "key"],
      [new Listener(path + "a", { authkey: "key" }), "key"], [new Listener(path + "b"), null],
    ] as const;
    const other = new Process({ target: clients, args: [listeners.map(([{ address }, key]) => [address, key])], name: "client" });
    await listeners[0][0].accept({ timeout: 30 }).catch(() => {});
    other.start();
    for (const [listener] of listeners) {
      const connection = await listener.accept();
      await connection.recv();
      await connection.send("hello");
      connection.close();
      listener.close();
    }
    await other.join();
    console.log("done");
  }
`;

describe("the trace of connections", function () {
  this.timeout(120_000);
  let traced: TracedScript;
  let model: TraceModel;
  let events: ReadEvent[];

  before(async () => {
    traced = await TracedScript.run(source, 100_000);
    model = traced.model;
    events = readEvents(traced.bytes);
  });

  const named = (name: string) => traced.named(name);
  const processOf = (thread: number): string => model.processes[model.threads[thread]!.process]!.name;
  const main = () => processOf(named("both ways").messages!.thread[0]!);

  it("has every message once, with its size, from who sent it to who received it", () => {
    const { messages, tally } = named("one way");
    const sizes = [0, 1, 100, 5000, 40_000, 300_000];
    assert.deepEqual([tally.messages, tally.received], [6, 6]);
    assert.equal(
      tally.bytes,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    for (let i = 0; i < 6; i++) {
      assert.equal(messages!.bytes[i], sizes[i]);
      assert.equal(processOf(messages!.thread[i]!), "answerer");
      assert.equal(processOf(messages!.toThread[i]!), main());
      assert.ok(messages!.end[i]! >= messages!.start[i]!);
      assert.match(model.strings[messages!.site[i]!]!, /:\d+:\d+$/);
      assert.match(model.strings[messages!.toSite[i]!]!, /:\d+:\d+$/);
    }
    const pipe = named("both ways");
    assert.deepEqual([pipe.tally.messages, pipe.tally.received], [2 * ROUNDS + 6 * 2 + 4 * 2, 2 * ROUNDS + 20]);
    const { flows } = model;
    const arrows = [...flows.kind.subarray(0, flows.count)].filter(
      (kind, i) => kind === FlowKind.Message && flows.object[i] === pipe.index,
    );
    assert.equal(arrows.length, 2 * ROUNDS + 20);
    assert.equal(pipe.messages!.count, 2 * ROUNDS + 20);
  });

  it("tells the line of each message, and soon after a loop of many the line of the next", () => {
    const lineOf = (text: string): number => source.slice(0, source.indexOf(text)).split("\n").length;
    const { messages } = named("both ways");
    const own = Array.from({ length: messages!.count }, (_, i) => i).filter(
      (i) => processOf(messages!.thread[i]!) === main(),
    );
    const lines = own.map((i) => Number(/:(\d+):\d+$/.exec(model.strings[messages!.site[i]!]!)![1]));
    const ball = lineOf("ours.sendBytesSync(ball)");
    assert.deepEqual([...new Set(lines.slice(0, ROUNDS))], [ball]);
    const go = lineOf('ours.sendSync("go");\n      timed("receive"');
    const again = lineOf('ours.sendSync("go");\n      timed("send"');
    const after = lines.slice(ROUNDS);
    const expected = [
      ...Array(6).fill(go),
      ...Array(4)
        .fill([again, again + 1])
        .flat(),
    ];
    // What is sent at once after the loop, and up to seven messages if the recorder got no core, may have its line.
    const told = after.findIndex((line) => line !== ball);
    assert.ok(told >= 0 && told <= 7, `${after}`);
    assert.deepEqual(after.slice(told), expected.slice(told));
  });

  it("has the waits for messages and for room, with arrows from who ended them", () => {
    const inMain = (reason: number) =>
      traced.slicesOf("both ways", SliceKind.OtherWait, reason).filter(({ process }) => process === main());
    for (const [what, reason, count] of [
      ["receive", WaitReason.Receive, 6],
      ["send", WaitReason.Send, 4],
    ] as const) {
      const told = traced.told<{ what: string; waited?: [string, string]; ended?: [string, string] }>();
      const waited = told.filter((each) => each.what === what && each.waited).map((each) => each.waited!);
      const ended = told.filter((each) => each.what === what && each.ended).map((each) => each.ended!);
      assert.deepEqual([waited.length, ended.length], [count, count]);
      for (const [i, [from, until]] of waited.entries()) {
        const waits = inMain(reason).filter(
          ({ start }) => start >= traced.time(from) - CLOCKS_NS && start <= traced.time(until),
        );
        assert.equal(waits.length, 1, `${what} ${i}`);
        traced.within(`${what} ${i} begins`, waits[0]!.start, [from, until]);
        traced.within(`${what} ${i} ends`, waits[0]!.end, [ended[i]![0], until]);
      }
    }
    const report = traced.report.connections.find(({ name }) => name === "both ways")!;
    assert.ok(report.receiveWait.totalNs > 240e6 && report.sendWait.totalNs > 150e6, JSON.stringify(report));
    const { flows, threads } = model;
    const [row, thread] = threads
      .filter((each) => processOf(each.index) === main())
      .flatMap(({ slices, index: t }) =>
        Array.from({ length: slices.count }, (_, i) => [i, t] as const).filter(
          ([i]) =>
            slices.object[i] === named("both ways").index &&
            slices.end[i]! - slices.start[i]! > 35e6 &&
            slices.value[i] === WaitReason.Receive,
        ),
      )
      .at(-1)!;
    const start = threads[thread]!.slices.start[row]!;
    const end = threads[thread]!.slices.end[row]!;
    const arrow = Array.from({ length: flows.count }, (_, i) => i).find(
      (i) =>
        flows.toThread[i] === thread &&
        flows.kind[i] === FlowKind.Message &&
        flows.toTime[i]! > start &&
        flows.toTime[i]! <= end + CLOCKS_NS,
    );
    assert.ok(arrow !== undefined && processOf(flows.fromThread[arrow]!) === "answerer");
  });

  it("puts the ends of sockets together wherever both can know, and says how long it took to connect", () => {
    const sockets = traced.report.connections.filter(({ kind }) => kind === "Socket");
    // By their addresses, by the key's challenge twice; a Unix socket without a key is two.
    assert.deepEqual(sockets.map(({ pids, messages }) => [pids.length, messages]).sort(), [
      [1, 2],
      [1, 2],
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    const reasons = new Set(
      model.threads.flatMap(({ slices }) =>
        [...slices.value.subarray(0, slices.count)].filter((_, i) => slices.kind[i] === SliceKind.OtherWait),
      ),
    );
    for (const reason of [WaitReason.Accept, WaitReason.Connect, WaitReason.AnyOf]) assert.ok(reasons.has(reason));
  });

  it("has the clocks of processes agree: no message arrives before it was sent, and both ways take as long", () => {
    // As recorded, before the analysis puts right what it can.
    const sent = events.filter(({ kind }) => kind === "MessageSend");
    const received = events.filter(({ kind }) => kind === "MessageReceive");
    const answerer = model.processes.find(({ name }) => name === "answerer")!.pid;
    const there: number[] = [];
    const back: number[] = [];
    for (let number = 1; number <= ROUNDS; number++) {
      const of = (all: ReadEvent[], own: boolean) =>
        all.find(({ pid, a, b }) => a === 8 && b === number && (pid === answerer) === own)!.t;
      there.push(of(received, true) - of(sent, false));
      back.push(of(received, false) - of(sent, true));
    }
    const least = Math.min(...there, ...back);
    assert.ok(least > -50e3, `a message arrives ${-least / 1e3} µs before it was sent`);
    // The quickest of each way need the same time: what differs is twice the clocks' difference.
    const quickest = (way: number[]) => way.sort((x, y) => x - y)[0]!;
    const apart = (quickest(there) - quickest(back)) / 2;
    if (process.env.HEDDLE_PRINT_CLOCKS) console.log(`clocks differ by ${apart / 1e3} µs; quickest ${least / 1e3} µs`);
    assert.ok(Math.abs(apart) < 50e3, `the clocks differ by ${apart / 1e3} µs`);
  });
});
