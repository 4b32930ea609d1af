/**
 * What the trace says of connections against what the script did: every message with its size from the thread that sent
 * it to the one that received it, across processes; waits for messages and for room; which ends belong together; and
 * that the clocks of two processes agree.
 *
 * The script reads the clock right before and after; between its readings and the recorder's lie microseconds, unless
 * the thread loses its core just there. So the middle one of all deviations must be within 1 %.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analyseFile } from "../../../src/analysis/analyse-file.js";
import { FlowKind, type ObjectTrack, SliceKind, type TraceModel } from "../../../src/analysis/model.js";
import { jsonReport } from "../../../src/analysis/report/json-report.js";
import { WaitReason } from "../../../src/trace/events.js";
import { expectScript } from "../../harness/run-script.js";
import { type ReadEvent, readEvents } from "../../recorder/traced-run.js";

const ROUNDS = 200;

const source = `
  import { tmpdir } from "node:os";
  import { join } from "node:path";
  import { isMain } from "heddle";
  import { Client, ClientSync, type Connection, Listener, Pipe, Process, wait } from "heddle/multiprocessing";

  const nap = (ms: number) => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); };
  function timed(what: string, run: () => unknown) {
    const start = performance.now();
    run();
    console.log("told " + JSON.stringify({ what, ms: performance.now() - start }));
  }
  const SIZES = [0, 1, 100, 5000, 40_000, 300_000];

  /** Answers, and does as it is told. */
  function child(pipe: Connection, oneWay: Connection) {
    for (let i = 0; i < ${ROUNDS}; i++) pipe.sendBytesSync(pipe.recvBytesSync());
    for (const size of SIZES) oneWay.sendBytesSync(new Uint8Array(size));
    for (let i = 0; i < 6; i++) {
      pipe.recvSync();
      nap(40);
      pipe.sendSync("late");
    }
    for (let i = 0; i < 4; i++) {
      pipe.recvSync();
      nap(50);
      pipe.recvBytesSync();
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
  const folder = mkdtempSync(join(tmpdir(), "heddle-connections-"));
  let model: TraceModel;
  let events: ReadEvent[];
  let told: { what: string; ms: number }[];
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(async () => {
    const file = join(folder, "connections.heddle");
    const { stdout } = await expectScript(source, {
      traced: true,
      runArgs: ["--out", file, "--report", "none"],
      timeout: 100_000,
    });
    const analysed = analyseFile(readFileSync(file));
    assert.equal(analysed.problem, null);
    model = analysed.model;
    events = readEvents(file);
    assert.equal(model.recorder.dropped, 0);
    told = [...stdout.matchAll(/^told (.*)$/gm)].map((match) => JSON.parse(match[1] as string));
  });

  const named = (name: string): ObjectTrack => {
    const found = model.objects.filter((each) => each.name === name);
    assert.equal(found.length, 1, `${found.length} times ${name}`);
    return found[0]!;
  };
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
    // What is sent at once after the loop may be told with its line.
    assert.deepEqual(after.slice(1), [
      go,
      go,
      go,
      go,
      go,
      again,
      again + 1,
      again,
      again + 1,
      again,
      again + 1,
      again,
      again + 1,
    ]);
    assert.ok(after[0] === go || after[0] === ball, `${after[0]}`);
  });

  it("has the waits for messages and for room, within 1 %, with arrows from who ended them", () => {
    const { index } = named("both ways");
    const waits = (reason: number): number[] =>
      model.threads.flatMap(({ slices, process }) =>
        processOf(model.threads.findIndex((t) => t.process === process)) === main()
          ? Array.from({ length: slices.count }, (_, i) => i)
              .filter((i) => slices.object[i] === index && slices.kind[i] === SliceKind.OtherWait)
              .filter((i) => slices.value[i] === reason)
              .map((i) => (slices.end[i]! - slices.start[i]!) / 1e6)
          : [],
      );
    const late = waits(WaitReason.Receive).filter((length) => length > 30);
    for (const [what, lengths] of [
      ["receive", late.slice(-6)],
      ["send", waits(WaitReason.Send).slice(-4)],
    ] as const) {
      const expected = told.filter((each) => each.what === what).map(({ ms }) => ms);
      assert.equal(lengths.length, expected.length, what);
      const off = lengths.map((length, i) => Math.abs(length - expected[i]!) / expected[i]!).sort((a, b) => a - b);
      assert.ok(off[off.length >> 1]! < 0.01, `${what}: ${lengths} are not ${expected}`);
    }
    const report = jsonReport(model).connections.find(({ name }) => name === "both ways")!;
    assert.ok(report.receiveWait.totalNs > 240e6 && report.sendWait.totalNs > 150e6, JSON.stringify(report));
    const { flows, threads } = model;
    const [row, thread] = threads
      .filter((each) => processOf(each.index) === main())
      .flatMap(({ slices, index: t }) =>
        Array.from({ length: slices.count }, (_, i) => [i, t] as const).filter(
          ([i]) =>
            slices.object[i] === index &&
            slices.end[i]! - slices.start[i]! > 35e6 &&
            slices.value[i] === WaitReason.Receive,
        ),
      )
      .at(-1)!;
    const end = threads[thread]!.slices.end[row]!;
    const arrow = Array.from({ length: flows.count }, (_, i) => i).find(
      (i) =>
        flows.toThread[i] === thread && flows.kind[i] === FlowKind.Message && Math.abs(flows.toTime[i]! - end) < 1e6,
    );
    assert.ok(arrow !== undefined && processOf(flows.fromThread[arrow]!) === "answerer");
  });

  it("puts the ends of sockets together wherever both can know, and says how long it took to connect", () => {
    const sockets = jsonReport(model).connections.filter(({ kind }) => kind === "Socket");
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
