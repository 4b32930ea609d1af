/**
 * A trace of several processes: a lock that they share, messages of a pipe both ways and of a socket, and a manager whose
 * server they ask. Small enough to look at.
 */
import { EventFlag, EventKind, ObjectKind, ObjectScope, WaitReason } from "../../src/trace/events.js";
import { type Handle, ms, type SyntheticThread, SyntheticTrace, us } from "../analysis/synthetic-trace.js";

export const SITE = "file:///home/ada/projects/orders/bank.ts";

/** A thread's end of a connection. */
class End {
  #sent = 0;
  #received = 0;
  #waits = 0;
  readonly #object: number;

  constructor(
    readonly thread: SyntheticThread,
    t: number,
    kind: ObjectKind,
    identity: number,
    side: 0 | 1,
    name = "",
  ) {
    this.#object = thread.process.handle(kind).number;
    thread.emit(t, EventKind.ConnectionEnd, { object: this.#object, a: identity, b: side, flags: kind });
    if (name !== "") {
      const site = `${SITE}:12:7`;
      thread.emit(t, EventKind.ObjectCreate, { object: this.#object, flags: kind, b: thread.text(name), site });
    }
  }

  /** Sends a message that the other end waits for. */
  send(t: number, bytes: number, to: End, arrives: number, waitsSince = Number.NaN): void {
    const site = `${SITE}:21:9`;
    this.thread.emit(t, EventKind.MessageSend, { object: this.#object, a: bytes, b: ++this.#sent, site });
    to.receive(arrives, bytes, waitsSince);
  }

  receive(t: number, bytes: number, since: number): void {
    const site = `${SITE}:33:22`;
    const wait = 9000 + this.#object * 1000 + ++this.#waits;
    if (!Number.isNaN(since)) {
      const reason = WaitReason.Receive;
      this.thread.emit(since, EventKind.WaitBegin, { object: this.#object, a: wait, b: reason, site });
      this.thread.emit(t - us(2), EventKind.WaitEnd, { a: wait });
    }
    this.thread.emit(t, EventKind.MessageReceive, { object: this.#object, a: bytes, b: ++this.#received, site });
  }
}

export function processesTrace(): SyntheticTrace {
  const trace = new SyntheticTrace({ cores: 4, command: ["bank.ts"] });
  const main = trace.process(4711, "bank.ts").thread("main");
  const children = ["teller-1", "teller-2", "ledger manager"].map((name, i) => {
    const pid = 4720 + i;
    main.emit(ms(1 + i * 0.3), EventKind.ProcessSpawn, { a: pid, b: main.text(name), site: `${SITE}:40:3` });
    return trace.process(pid, name, ms(1.1 + i * 0.3), 4711).thread("main", ms(4 + i));
  });
  const [first, second, server] = children as [SyntheticThread, SyntheticThread, SyntheticThread];

  const lock = main.lock(us(800), "vault", `${SITE}:10:16`);
  main.scope(us(800), lock, ObjectScope.Process);
  const share = (thread: SyntheticThread, t: number): Handle => {
    const own = thread.process.handle(ObjectKind.Lock);
    thread.emit(t, EventKind.ObjectShared, { object: own.number, a: 4711, b: lock.number, flags: ObjectKind.Lock });
    return own;
  };
  const locks: [SyntheticThread, Handle][] = [
    [first, share(first, ms(5))],
    [second, share(second, ms(6))],
  ];

  const left = new End(main, us(850), ObjectKind.Pipe, 501, 0, "orders");
  const right = new End(first, ms(5), ObjectKind.Pipe, 501, 1);
  const caller = new End(second, ms(7.1), ObjectKind.Socket, 601, 0, "127.0.0.1:5000");
  const called = new End(main, ms(7.2), ObjectKind.Socket, 601, 1);

  let held = ms(8);
  let request = 0;
  for (let round = 0; round < 8; round++) {
    const t = ms(8 + round * 5);
    left.send(t, 4_200 + round * 900, right, t + us(60), t - ms(1.2));
    right.send(t + ms(2.1), 64, left, t + ms(2.16), t + us(20));
    caller.send(t + ms(0.4), 1_300_000, called, t + ms(3.2), t + ms(2.2));
    locks.forEach(([thread, own], i) => {
      const wants = t + ms(0.5 + i * 0.2);
      const has = Math.max(wants, held + us(15));
      thread.acquire(has, own, { site: `${SITE}:51:9`, ...(has > wants ? { since: wants } : {}) });
      held = has + ms(0.7 + 0.1 * round);
      thread.release(held, own);
      // Then both tell the manager.
      const asks = held + us(100);
      const served = asks + us(90 + i * 700);
      const name = round % 3 === 0 ? "dict.update" : "list.append";
      const number = ++request;
      const { pid } = thread.process;
      thread.emit(asks, EventKind.RequestBegin, { a: number, b: thread.text(name), site: `${SITE}:60:5` });
      server.emit(served, EventKind.ServeBegin, { object: pid, a: number, b: server.text(name) });
      const flags = round === 5 && i === 1 ? EventFlag.Failed : 0;
      server.emit(served + us(550), EventKind.ServeEnd, { object: pid, a: number, flags });
      thread.emit(served + us(640), EventKind.RequestEnd, { a: number, flags });
    });
  }
  const end = ms(52);
  for (const thread of children) {
    thread.end(end);
    thread.process.exit(end + ms(1));
  }
  main.end(end + ms(2));
  main.process.exit(end + ms(2.1));
  return trace;
}
