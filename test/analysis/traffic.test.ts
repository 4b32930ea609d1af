/** Which receive belongs to which send, and requests to managers: what both sides tell is put together. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import fc from "fast-check";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { FlowKind, type MessageColumns, SliceKind, type TraceModel } from "../../src/analysis/model.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { textReport } from "../../src/analysis/report/text-report.js";
import { EventFlag, EventKind, ObjectKind, WaitReason } from "../../src/trace/events.js";
import { ms, type SyntheticThread, SyntheticTrace, us } from "./synthetic-trace.js";

const validate = new Ajv().compile(JSON.parse(readFileSync(join(__dirname, "../../docs/report.schema.json"), "utf8")));

function modelOf(trace: SyntheticTrace): TraceModel {
  const { model, problem } = analyseFile(trace.bytes());
  assert.equal(problem, null);
  return model;
}

/** Two processes with a thread each, the second started by the first. */
function two() {
  const trace = new SyntheticTrace();
  const a = trace.process(100, "a.ts").thread("main");
  const b = trace.process(200, "b.ts", us(20), 100).thread("main");
  a.emit(us(10), EventKind.ProcessSpawn, { a: 200 });
  return { trace, a, b };
}

/** A thread's end of a connection, which counts its messages. */
class End {
  sent = 0;
  received = 0;
  readonly #object;
  constructor(
    readonly thread: SyntheticThread,
    t: number,
    identity: number,
    side: 0 | 1,
    kind: ObjectKind = ObjectKind.Pipe,
  ) {
    this.#object = thread.process.handle(kind).number;
    thread.emit(t, EventKind.ConnectionEnd, { object: this.#object, a: identity, b: side, flags: kind });
  }
  made(t: number, name: string): this {
    const { thread } = this;
    thread.emit(t, EventKind.ObjectCreate, {
      object: this.#object,
      flags: ObjectKind.Pipe,
      b: thread.text(name),
      site: "file:///work/a.ts:3:1",
    });
    return this;
  }
  send(t: number, bytes: number): void {
    const site = "file:///work/send.ts:5:1";
    this.thread.emit(t, EventKind.MessageSend, { object: this.#object, a: bytes, b: ++this.sent, site });
  }
  receive(t: number, bytes: number): void {
    const site = "file:///work/receive.ts:7:1";
    this.thread.emit(t, EventKind.MessageReceive, { object: this.#object, a: bytes, b: ++this.received, site });
  }
  wait(from: number, to: number, reason: WaitReason): void {
    this.thread.emit(from, EventKind.WaitBegin, { object: this.#object, a: 1e6 + from, b: reason });
    this.thread.emit(to, EventKind.WaitEnd, { a: 1e6 + from });
  }
}

/** [bytes, from thread, sent, to thread, received]. */
const messagesOf = (columns: MessageColumns | null) =>
  Array.from({ length: columns!.count }, (_, i) => [
    columns!.bytes[i],
    columns!.thread[i],
    columns!.start[i],
    columns!.toThread[i],
    columns!.end[i],
  ]);

describe("connections", () => {
  it("are one object of both processes: messages both ways, sizes, waits and arrows", () => {
    const { trace, a, b } = two();
    const left = new End(a, us(5), 77, 0).made(us(5), "pipe");
    new End(a, us(6), 77, 1);
    const right = new End(b, us(30), 77, 1);
    left.send(ms(1), 10);
    left.send(ms(2), 1000);
    right.receive(ms(3), 10);
    right.send(ms(4), 7);
    left.wait(ms(2.5), ms(4.5), WaitReason.Receive);
    left.receive(ms(4.5), 7);
    right.receive(ms(5), 1000);
    right.wait(ms(6), ms(9), WaitReason.Send);
    a.process.exit(ms(20));
    b.process.exit(ms(20));
    const model = modelOf(trace);
    assert.equal(model.objects.length, 1);
    const [pipe] = model.objects;
    assert.deepEqual(messagesOf(pipe!.messages), [
      [10, 0, ms(1), 1, ms(3)],
      [1000, 0, ms(2), 1, ms(5)],
      [7, 1, ms(4), 0, ms(4.5)],
    ]);
    const { flows } = model;
    const arrows = [...flows.kind.subarray(0, flows.count)].flatMap((kind, i) =>
      kind === FlowKind.Message ? [[flows.fromThread[i], flows.toThread[i], flows.bytes[i]]] : [],
    );
    assert.deepEqual(arrows, [
      [0, 1, 10],
      [1, 0, 7],
      [0, 1, 1000],
    ]);
    const report = jsonReport(model);
    assert.ok(validate(JSON.parse(JSON.stringify(report))), JSON.stringify(validate.errors));
    const [connection] = report.connections;
    assert.deepEqual(
      [connection!.id, connection!.name, connection!.kind, connection!.site, connection!.pids],
      ["connection-1", "pipe", "Pipe", "/work/a.ts:3", [100, 200]],
    );
    assert.deepEqual([connection!.messages, connection!.bytes], [3, 1017]);
    assert.equal(connection!.transit.totalNs, ms(2) + ms(3) + ms(0.5));
    assert.equal(connection!.receiveWait.totalNs, ms(2));
    assert.equal(connection!.sendWait.totalNs, ms(3));
    assert.match(
      textReport(report, { width: 110 }),
      /Connections .*recv wait.*\n.*pipe .*2\.00 ms +3\.00 ms +3 +1\.02 kB/,
    );
  });

  it("match messages by their numbers, also where the receiver tells first", () => {
    const { trace, a, b } = two();
    const left = new End(a, us(5), 77, 0);
    const right = new End(b, us(30), 77, 1);
    // Clocks that differ by 40 µs; the third message's sending was lost.
    right.receive(ms(1), 8);
    left.send(ms(1.03125), 8);
    left.send(ms(2), 8);
    right.receive(ms(2.5), 8);
    left.sent++;
    right.receive(ms(3.5), 8);
    left.send(ms(4), 8);
    right.receive(ms(4.5), 8);
    left.send(ms(5), 8);
    b.process.exit(ms(6));
    a.process.exit(ms(7));
    assert.deepEqual(messagesOf(modelOf(trace).objects[0]!.messages), [
      [8, 0, ms(1.03125), 1, ms(1.03125)],
      [8, 0, ms(2), 1, ms(2.5)],
      [8, 0, ms(4), 1, ms(4.5)],
      // Never received: it was on its way until nobody was left.
      [8, 0, ms(5), -1, ms(7)],
    ]);
  });

  it("know that ends have copies, and go by order and size then", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1), fc.nat(1), fc.integer({ min: 1, max: 3 })), { maxLength: 60 }),
        (sends) => {
          const { trace, a, b } = two();
          const senders = [new End(a, us(5), 77, 0), new End(b, us(30), 77, 0)];
          const receivers = [new End(a, us(6), 77, 1), new End(b, us(31), 77, 1)];
          let t = ms(1);
          const expected = sends.map(([from, to, size]) => {
            t += us(10);
            senders[from]!.send(t, size);
            return { from, to, size, at: t };
          });
          // All are sent before the first is received: each is taken in order.
          for (const { to, size } of expected) {
            t += us(10);
            receivers[to]!.receive(t, size);
          }
          const { objects, flows } = modelOf(trace);
          const columns = objects[0]!.messages!;
          assert.equal(columns.count, sends.length);
          assert.deepEqual(
            messagesOf(columns).map(([size, from, at]) => ({ size, from, at })),
            expected.map(({ size, from, at }) => ({ size, from, at })),
          );
          for (let i = 0; i < columns.count; i++) assert.ok(columns.end[i]! >= columns.start[i]!);
          assert.equal(
            [...flows.kind.subarray(0, flows.count)].filter((k) => k === FlowKind.Message).length,
            sends.length,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it("count what a peer that is not recorded sends, and are two where the ends know nothing of each other", () => {
    const { trace, a, b } = two();
    const one = new End(a, us(5), 0, 0, ObjectKind.Socket);
    const other = new End(b, us(30), 0, 1, ObjectKind.Socket);
    one.send(ms(1), 5);
    other.receive(ms(2), 5);
    other.receive(ms(3), 6);
    const report = jsonReport(modelOf(trace));
    assert.deepEqual(
      report.connections.map(({ messages, bytes, pids }) => [messages, bytes, pids]),
      [
        [1, 5, [100]],
        [2, 11, [200]],
      ],
    );
  });
});

describe("requests to managers", () => {
  const ask = (thread: SyntheticThread, from: number, to: number, number: number, name: string, flags = 0): void => {
    thread.emit(from, EventKind.RequestBegin, {
      a: number,
      b: thread.text(name),
      site: "file:///work/a.ts:9:1",
      flags,
    });
    thread.emit(to, EventKind.RequestEnd, { a: number });
  };
  const serve = (
    thread: SyntheticThread,
    from: number,
    to: number,
    pid: number,
    number: number,
    name: string,
    flags = 0,
  ) => {
    thread.emit(from, EventKind.ServeBegin, { object: pid, a: number, b: thread.text(name) });
    thread.emit(to, EventKind.ServeEnd, { object: pid, a: number, flags });
  };

  it("show the time in the server and on the wire, with arrows there and back", () => {
    const { trace, a, b } = two();
    ask(a, ms(1), ms(5), 11, "dict.get");
    serve(b, ms(2), ms(4.5), 100, 11, "dict.get");
    ask(a, ms(6), ms(8), 12, "dict.pop", EventFlag.Async);
    serve(b, ms(6.5), ms(7), 100, 12, "dict.pop", EventFlag.Failed);
    // A client that is not recorded, with a number that a recorded one has, too.
    serve(b, ms(9), ms(10), 0, 11, "list.append");
    a.process.exit(ms(20));
    b.process.exit(ms(20));
    const model = modelOf(trace);
    const { requests, flows } = model;
    assert.equal(requests.count, 3);
    assert.deepEqual([...requests.thread.subarray(0, 3)], [0, 0, -1]);
    assert.deepEqual([...requests.serveStart.subarray(0, 3)], [ms(2), ms(6.5), ms(9)]);
    const kinds = [...flows.kind.subarray(0, flows.count)];
    const arrows = kinds.flatMap((kind, i) =>
      kind >= FlowKind.Request ? [[kind, flows.fromTime[i]! / 1e6, flows.toTime[i]! / 1e6]] : [],
    );
    assert.deepEqual(arrows, [
      [FlowKind.Request, 1, 2],
      [FlowKind.Reply, 4.5, 5],
      [FlowKind.Request, 6, 6.5],
      [FlowKind.Reply, 7, 8],
    ]);
    const slices = (index: number) => {
      const { slices: s } = model.threads[index]!;
      return Array.from({ length: s.count }, (_, i) => [s.kind[i], model.strings[s.name[i]!], s.value[i]]);
    };
    assert.deepEqual(slices(0), [
      [SliceKind.Request, "dict.get", 0],
      [SliceKind.Request, "dict.pop", 1],
    ]);
    assert.deepEqual(slices(1), [
      [SliceKind.Serve, "dict.get", 0],
      [SliceKind.Serve, "dict.pop", 1],
      [SliceKind.Serve, "list.append", 2],
    ]);
    const report = jsonReport(model);
    assert.ok(validate(JSON.parse(JSON.stringify(report))), JSON.stringify(validate.errors));
    assert.equal(report.managers.length, 1);
    const [manager] = report.managers;
    assert.deepEqual([manager!.pid, manager!.name, manager!.clients], [200, "b.ts", 1]);
    assert.deepEqual([manager!.requests, manager!.failed], [3, 1]);
    assert.deepEqual([manager!.total.totalNs, manager!.served.totalNs, manager!.wire.totalNs], [ms(6), ms(4), ms(3)]);
    assert.deepEqual(
      manager!.methods.map(({ name, requests: n }) => [name, n]),
      [
        ["dict.get", 1],
        ["dict.pop", 1],
        ["list.append", 1],
      ],
    );
    assert.match(
      textReport(report, { width: 110 }),
      /Requests .*took.*\n +dict\.get +b\.ts +4\.00 ms +2\.50 ms +1\.50 ms/,
    );
  });

  it("of a client or a server that was killed end with it", () => {
    const { trace, a, b } = two();
    a.emit(ms(1), EventKind.RequestBegin, { a: 5, b: a.text("dict.get") });
    b.emit(ms(2), EventKind.ServeBegin, { object: 100, a: 5, b: b.text("dict.get") });
    a.process.exit(ms(4), null, "SIGKILL");
    b.process.exit(ms(6));
    const model = modelOf(trace);
    assert.deepEqual([model.threads[0]!.slices.end[0], model.threads[1]!.slices.end[0]], [ms(4), ms(6)]);
    const [manager] = jsonReport(model).managers;
    assert.deepEqual([manager!.requests, manager!.total.totalNs, manager!.served.totalNs], [1, 0, 0]);
  });
});
