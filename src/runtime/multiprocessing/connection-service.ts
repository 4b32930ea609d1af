/**
 * The connection service: the part of the io-service that owns the sockets of a thread's connections.
 *
 * Threads read and write the descriptors themselves as long as that needs no waiting (see `connection-channel.ts`). When
 * it does, they ask here: this loop always turns, also while the thread that asked is blocked.
 */
import { closeSync, openSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { devNull } from "node:os";
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import { errorWithCode } from "../platform/system-error.js";
import type { CallAnswer, CarriedError, ConnectionReply, ConnectionRequest, EndOfWire } from "./connection-requests.js";
import { carriedBy, carrierCloses, offerEnd, takeOffered, whenTaken, withdrawOffer } from "./descriptor-server.js";
import { IncomingMessage } from "./message-frames.js";
import { makePairFolder } from "./pair-folder.js";
import { ProcessRecord } from "./process-record.js";
import { connectSocket, connectTo, listenOn, SocketServer } from "./socket-server.js";
import { CUT, carried, Wire } from "./wire.js";

/** The answer to a write that was taken back. */
const TAKEN_BACK: CarriedError = { code: "ECANCELED", message: "the message was taken back" };

type Read = Extract<ConnectionRequest, { op: "read" }>;

/** A wire, and who wants messages of it. */
interface Entry {
  readonly wire: Wire;
  readonly reads: { readonly client: Client; readonly read: Read; message: IncomingMessage | null }[];
  reading: boolean;
  /** Takes it back from who accepted it. */
  giveBack: (() => void) | null;
}

const wires = new Map<number, Entry>();
const servers = new Map<number, SocketServer>();
/** The descriptors a process was started with, by number: taken in once. */
const inherited = new Map<number, EndOfWire>();
let lastNumber = 0;

function addWire(wire: Wire): EndOfWire {
  const id = ++lastNumber;
  wires.set(id, { wire, reads: [], reading: false, giveBack: null });
  wire.onClosed = () => wires.delete(id);
  return { id, fd: wire.fd, identity: wire.identity };
}

/** Gives up a copy of an end, which is closed with the last one. */
function releaseCopy(id: number): void {
  const entry = wires.get(id);
  if (entry === undefined) return;
  if (--entry.wire.copies > 0) return;
  wires.delete(id);
  carrierCloses(entry.wire);
  entry.wire.close();
}

/** Two connected sockets: by a server in a folder that only this user may enter, gone before anybody else could look. */
async function socketPair(): Promise<[Wire, Wire]> {
  const folder = process.platform === "win32" ? null : makePairFolder();
  const path = folder === null ? `\\\\.\\pipe\\heddle-${process.pid}-${crypto.randomUUID()}` : join(folder, "s");
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  let tooLong: NodeJS.Timeout | undefined;
  try {
    checkDescriptors(PAIR_DESCRIPTORS);
    const accepted = new Promise<Socket>((resolve, reject) => {
      server.once("connection", resolve);
      tooLong = setTimeout(() => reject(noDescriptors()), ACCEPT_PATIENCE_MS);
    });
    // Seen below, or not wanted any more.
    accepted.catch(() => {});
    await listenOn(server, { path }, 1);
    const second = await connectSocket({ path });
    const first = await accepted.catch((error) => {
      second.destroy();
      throw error;
    });
    return [new Wire(first), new Wire(second)];
  } finally {
    clearTimeout(tooLong);
    server.close();
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}

/** What a pair of sockets takes while it is made: the server and both ends. */
const PAIR_DESCRIPTORS = 3;
/** How long a pair waits for its second end where other threads took the last descriptors meanwhile. */
const ACCEPT_PATIENCE_MS = 30_000;

function noDescriptors(): Error {
  return errorWithCode(
    "EMFILE",
    "too many open files: close connections that are done, or raise the limit (ulimit -n)",
  );
}

/** Throws `EMFILE` if so many can't be opened: a server that can't accept for want of one tells nobody. */
function checkDescriptors(count: number): void {
  const opened: number[] = [];
  try {
    for (let i = 0; i < count; i++) opened.push(openSync(devNull, "r"));
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "EMFILE" ? noDescriptors() : error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** One thread that asks. */
class Client {
  readonly #port: MessagePort;
  readonly #word: Int32Array;
  readonly #calls = new Map<number, () => void>();
  readonly #watches = new Map<number, AbortController>();
  /** Tokens of the ends it offers to processes, by its numbers. */
  readonly #offers = new Map<number, string>();
  #copy = 0;

  constructor(port: MessagePort, word: SharedArrayBuffer) {
    this.#port = port;
    this.#word = new Int32Array(word);
    port.on("message", (request: ConnectionRequest) => this.#serve(request));
    // The io-service ends when its thread has no use for it.
    port.unref();
  }

  /** This client has a copy of an end, and nothing else: when its thread ends, so does the copy. */
  #ownsCopyOf(id: number): void {
    this.#copy = id;
    this.#port.on("close", () => {
      if (this.#copy === id) this.#close(id);
    });
  }

  reply(reply: ConnectionReply, moved: ArrayBuffer[] = []): void {
    this.#port.postMessage(reply, moved);
    Atomics.add(this.#word, 0, 1);
    Atomics.notify(this.#word, 0);
  }

  #answer(call: number, answer: Partial<CallAnswer>): void {
    this.reply({ type: "answer", call, error: null, ...answer });
  }

  /** Answers a call with the ends that come of it; if it was forgotten meanwhile, they are closed. */
  #ends(call: number, wanted: Promise<Wire[]>): void {
    let forgotten = false;
    this.#calls.set(call, () => {
      forgotten = true;
    });
    wanted
      .then(
        (made) => {
          if (forgotten) for (const wire of made) wire.close();
          else this.#answer(call, { ends: made.map(addWire) });
        },
        (error) => this.#answer(call, { error: carried(error) }),
      )
      .finally(() => this.#calls.delete(call));
  }

  #serve(request: ConnectionRequest): void {
    switch (request.op) {
      case "pipe":
        this.#ends(request.call, socketPair());
        return;
      case "open":
        this.#open(request.call, request.fd);
        return;
      case "connect":
        this.#ends(
          request.call,
          connectTo(request.address, request.key).then((wire) => [wire]),
        );
        return;
      case "listen":
        void this.#listen(request);
        return;
      case "accept":
        this.#accept(request.call, request.listener);
        return;
      case "forget":
        this.#calls.get(request.call)?.();
        this.#calls.delete(request.call);
        return;
      case "return": {
        const back = wires.get(request.id)?.giveBack ?? null;
        if (back === null) this.#close(request.id);
        else back();
        return;
      }
      case "unlisten":
        servers.get(request.listener)?.close();
        servers.delete(request.listener);
        this.#answer(request.call, {});
        return;
      case "read":
        wires.get(request.id)?.reads.push({ client: this, read: request, message: null });
        readNext(request.id);
        return;
      case "stop":
        // Two turns of the loop: what is there already has been seen then.
        setImmediate(() => setImmediate(() => this.#stop(request.id)));
        return;
      case "write":
        this.#write(request);
        return;
      case "unwrite":
        if (wires.get(request.id)?.wire.unwrite(request.call)) this.#answer(request.call, { error: TAKEN_BACK });
        return;
      case "close":
        this.#close(request.id);
        return;
      case "share": {
        const entry = wires.get(request.id);
        if (entry !== undefined) entry.wire.copies++;
        new Client(request.port, request.word).#ownsCopyOf(request.id);
        return;
      }
      case "offer":
        void this.#offer(request);
        return;
      case "withdraw":
        withdrawOffer(this.#tokenOf(request.number));
        return;
      case "carried":
        this.#carried(request);
        return;
      case "taken":
        void whenTaken(request.ms).then(() => this.#answer(request.call, {}));
        return;
      case "take":
        this.#ends(
          request.call,
          takeOffered(request.offered).then((wire) => [wire]),
        );
        return;
      case "watch":
        this.#watch(request.watch, request.record);
        return;
      case "unwatch":
        this.#watches.get(request.watch)?.abort();
        this.#watches.delete(request.watch);
        return;
    }
  }

  #open(call: number, fd: number): void {
    let end = inherited.get(fd);
    try {
      end ??= addWire(new Wire(fd));
      inherited.set(fd, end);
      this.#answer(call, { ends: [end] });
    } catch (error) {
      this.#answer(call, { error: carried(error as Error) });
    }
  }

  async #listen({ call, address, key, backlog }: Extract<ConnectionRequest, { op: "listen" }>): Promise<void> {
    const server = new SocketServer(key);
    try {
      const bound = await server.listen(address, backlog);
      const listener = ++lastNumber;
      servers.set(listener, server);
      this.#answer(call, { listener, address: bound });
    } catch (error) {
      server.close();
      this.#answer(call, { error: carried(error as Error) });
    }
  }

  #accept(call: number, listener: number): void {
    const server = servers.get(listener);
    if (server === undefined) {
      this.#answer(call, { error: { code: "EBADF", message: "the listener is closed" } });
      return;
    }
    const forget = server.accept((arrival) => {
      this.#calls.delete(call);
      if ("error" in arrival) this.#answer(call, { error: arrival.error });
      else {
        const end = addWire(arrival.wire);
        wires.get(end.id)!.giveBack = () => {
          wires.delete(end.id);
          server.giveBack(arrival);
        };
        const ends = [end];
        this.#answer(call, arrival.from === null ? { ends } : { ends, address: arrival.from });
      }
    });
    this.#calls.set(call, forget);
  }

  #stop(id: number): void {
    const entry = wires.get(id);
    const at = entry?.reads.findIndex(({ client }) => client === this) ?? -1;
    const mine = entry?.reads[at];
    if (entry === undefined || mine === undefined) {
      this.reply({ type: "stopped", id, reading: false });
      return;
    }
    const begun = mine.read.missing >= 0 || mine.read.header !== null || mine.message?.begun === true;
    if (at === 0 && entry.reading && (begun || !entry.wire.unfill())) {
      this.reply({ type: "stopped", id, reading: true });
      return;
    }
    entry.reads.splice(at, 1);
    this.reply({ type: "stopped", id, reading: false });
    if (at === 0) entry.reading = false;
    readNext(id);
  }

  #write({ id, call, bytes, begun }: Extract<ConnectionRequest, { op: "write" }>): void {
    const entry = wires.get(id);
    if (entry === undefined) {
      this.#answer(call, { error: { code: "EBADF", message: "the connection is closed" } });
      return;
    }
    entry.wire.write({ call, bytes, begun, done: (error) => this.#answer(call, { error }) });
  }

  #close(id: number): void {
    const entry = wires.get(id);
    if (this.#copy === id) this.#copy = 0;
    if (entry === undefined) return;
    for (let at = entry.reads.length - 1; at > 0; at--) if (entry.reads[at]!.client === this) entry.reads.splice(at, 1);
    if (entry.reads[0]?.client === this) {
      entry.reads.shift();
      // A message that has begun is lost with the copy it was for; the stream is then of no use to the others.
      if (entry.wire.unfill()) entry.reading = false;
    }
    releaseCopy(id);
    readNext(id);
  }

  async #offer({ call, id, number, stays }: Extract<ConnectionRequest, { op: "offer" }>): Promise<void> {
    const entry = wires.get(id);
    if (entry === undefined) {
      this.#answer(call, { error: { code: "EBADF", message: "the connection is closed" } });
      return;
    }
    // At once: what is asked next may be to close it.
    entry.wire.copies++;
    try {
      const offered = await offerEnd(entry.wire, stays, () => {
        this.#offers.delete(number);
        releaseCopy(id);
      });
      this.#offers.set(number, offered.token);
      this.#answer(call, { offered });
    } catch (error) {
      releaseCopy(id);
      this.#answer(call, { error: carried(error as Error) });
    }
  }

  /** The token of an offer that this client made, if it is still there. */
  #tokenOf(number: number): string {
    return this.#offers.get(number) ?? "";
  }

  #carried({ numbers, by }: Extract<ConnectionRequest, { op: "carried" }>): void {
    const carrier = wires.get(by)?.wire;
    if (carrier === undefined) return;
    for (const number of numbers) carriedBy(this.#tokenOf(number), carrier);
  }

  #watch(watch: number, buffer: SharedArrayBuffer): void {
    const controller = new AbortController();
    this.#watches.set(watch, controller);
    new ProcessRecord(buffer).waitEnded(Number.POSITIVE_INFINITY, controller.signal).then(
      () => this.reply({ type: "wake" }),
      () => {},
    );
  }
}

/** Reads for whoever is first in line. */
function readNext(id: number): void {
  const entry = wires.get(id);
  const next = entry?.reads[0];
  if (entry === undefined || next === undefined || entry.reading) return;
  entry.reading = true;
  const { client, read } = next;
  const done = (reply: ConnectionReply, moved: ArrayBuffer[] = []) => {
    entry.reading = false;
    if (entry.reads[0] === next) {
      entry.reads.shift();
      client.reply(reply, moved);
    }
    readNext(id);
  };
  if (read.missing >= 0) {
    const bytes = new Uint8Array(read.missing);
    entry.wire.fill(bytes, (end) => {
      if (end === null) done({ type: "message", id, bytes }, [bytes.buffer]);
      else done({ type: "end", id, error: end === "eof" ? CUT : end });
    });
    return;
  }
  const message = new IncomingMessage();
  next.message = message;
  if (read.header !== null) message.add(read.header);
  entry.wire.readMessage(message, read.max, (end) => {
    if (end !== null) done({ type: "end", id, error: end === "eof" ? null : end });
    else if (message.message === null) done({ type: "header", id, bytes: message.header });
    else {
      const { message: bytes } = message;
      done({ type: "message", id, bytes }, [bytes.buffer as ArrayBuffer]);
    }
  });
}

/** Serves a thread that asks by a port. */
export function serveConnections(port: MessagePort, word: SharedArrayBuffer): void {
  new Client(port, word);
}
