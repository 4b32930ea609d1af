/**
 * A child process as the io-service sees it: the program `process-main.cjs`, its channel on descriptor 3, its output,
 * its end.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Duplex, Readable } from "node:stream";
import { writeWhole } from "../core/output.js";
import { CHANNEL_FD, RESULT_FD } from "./channel-fd.js";
import { FrameReader, FrameWriter, type OnFrame } from "./frames.js";
import { relayLines, tearsLines } from "./output-relay.js";

/** How to start a child. */
export interface ChildSettings {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  /** The file of process-main.cjs. */
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Descriptors it gets behind its channel: ends of connections among its arguments. */
  readonly descriptors?: readonly number[];
  /** True for a pool's worker: it says what it has to say on a channel of its own, which stands before those. */
  readonly tells?: boolean;
}

/** What the owner of a child wants to know. */
export interface ChildEvents {
  /** The child is there. */
  started(pid: number): void;
  /** It could not be started; nothing else will come. */
  failed(error: Error): void;
  frame: OnFrame;
  /** All frames that could be read at once were told. */
  read?(): void;
  /** It ended: its exit code, or -N after signal N. All its frames and output came before. */
  ended(exitCode: number): void;
}

/** How long after its end a child's output is waited for when somebody else, say its own child, still holds it. */
const OUTPUT_GRACE_MS = 100;

export class Child {
  readonly process: ChildProcess;
  readonly #channel: Duplex;
  readonly #writer = new FrameWriter();
  readonly #reader = new FrameReader();
  readonly #events: ChildEvents;
  #flushQueued = false;
  #ended = false;

  constructor(settings: ChildSettings, events: ChildEvents) {
    this.#events = events;
    const tells = settings.tells ? ["pipe"] : [];
    const output = [1, 2].map((fd) => (tearsLines(fd) ? "pipe" : fd));
    this.process = spawn(settings.execPath, [...settings.execArgv, settings.program], {
      // Input is /dev/null, as for Python's children.
      stdio: ["ignore", ...output, "pipe", ...tells, ...(settings.descriptors ?? [])] as never,
      env: settings.env as NodeJS.ProcessEnv,
    });
    this.process.on("error", (error) => {
      if (this.process.pid === undefined) events.failed(error);
    });
    // Where no descriptor is left, there is not even a list of streams.
    const { stdio = [] } = this.process as unknown as { stdio?: (Duplex | Readable | null)[] };
    this.#channel = stdio[CHANNEL_FD] as Duplex;
    if (this.process.pid === undefined) {
      this.#ended = true;
      return;
    }
    // A channel that breaks is a child that ends: its exit tells.
    this.#channel.on("error", () => {});
    this.#channel.resume();
    const from = settings.tells ? (stdio[RESULT_FD] as Duplex) : this.#channel;
    from.on("error", () => {});
    from.on("data", (piece: Uint8Array) => {
      this.#reader.push(piece, events.frame);
      events.read?.();
    });
    // Nobody else has the other end, so it closes when the child has ended and all it said was read.
    const said = new Promise<void>((resolve) => from.on("close", () => resolve()));
    for (const fd of [1, 2]) {
      const stream = stdio[fd];
      if (stream) relayLines(stream, (bytes) => handOn(fd, bytes));
    }
    this.process.on("exit", (code, signal) => {
      const exitCode = signal === null ? (code ?? 1) : -signalNumber(signal);
      const closed = new Promise<void>((resolve) => this.process.on("close", () => resolve()));
      void said.then(() => {
        const timer = setTimeout(() => this.#end(exitCode), OUTPUT_GRACE_MS);
        void closed.then(() => {
          clearTimeout(timer);
          this.#end(exitCode);
        });
      });
    });
    events.started(this.process.pid);
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /** Bytes that wait for the child to read them. */
  get backlog(): number {
    return this.#writer.bytes + this.#channel.writableLength;
  }

  /** Sends a frame; all that were sent in one turn of the loop are one write. The body may not change any more. */
  send(kind: number, id: number, body: Uint8Array): void {
    if (this.#ended) return;
    this.#writer.add(kind, id, body);
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    queueMicrotask(() => this.#flush());
  }

  /** Sends a signal; nothing happens if the child has ended. */
  signal(name: NodeJS.Signals): void {
    if (!this.#ended) this.process.kill(name);
  }

  /** Closes the channel: the child ends when it sees that. */
  disconnect(): void {
    this.#flush();
    this.#channel.end();
  }

  #flush(): void {
    this.#flushQueued = false;
    if (this.#channel.destroyed || this.#channel.writableEnded) return;
    const parts = this.#writer.take();
    if (parts.length > 1) this.#channel.cork();
    for (const part of parts) this.#channel.write(part);
    if (parts.length > 1) this.#channel.uncork();
  }

  #end(exitCode: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#channel.destroy();
    this.#events.ended(exitCode);
  }
}

/** Writes a child's output where ours goes. */
function handOn(fd: number, bytes: Uint8Array): void {
  try {
    writeWhole(fd, bytes);
  } catch {
    // Nobody reads it any more.
  }
}

const signals = constants.signals;

/** The number of a signal's name. */
function signalNumber(name: NodeJS.Signals): number {
  return signals[name] ?? 0;
}
