/**
 * Live and whole output (rule 11).
 *
 * In a worker Node hands everything written to stdout and stderr to the parent's event loop: nothing shows while the
 * parent blocks. So in the library's threads it goes straight to the descriptor, in one piece, under a lock of the
 * process. As soon as there is a second thread, the main thread writes the same way.
 */
import { writeSync } from "node:fs";
import type { Writable } from "node:stream";
import { isatty, WriteStream } from "node:tty";
import { isMainThread } from "node:worker_threads";
import { HeapWord, words } from "./heap.js";
import { HeapLock } from "./heap-lock.js";

const lock = new HeapLock(words, HeapWord.OutputLock);

/** Writes all of `bytes` to a descriptor, blocking while the reader is slow. Nobody else's output gets in between. */
export function writeWhole(fd: number, bytes: Uint8Array): void {
  lock.lock();
  try {
    let at = 0;
    while (at < bytes.length) {
      try {
        at += writeSync(fd, bytes, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        // The descriptor does not block and its pipe is full.
        words.wait(0, words.load(0), 1);
      }
    }
  } finally {
    lock.unlock();
  }
}

const toBytes = (chunk: string | Uint8Array, encoding: BufferEncoding | undefined): Uint8Array =>
  typeof chunk === "string" ? Buffer.from(chunk, encoding === ("buffer" as string) ? undefined : encoding) : chunk;

/**
 * In a worker: from now on `process.stdout`, `process.stderr` and the console write directly. The streams stay Node's
 * own objects, since Node calls hidden methods of them; only where they write to is changed.
 */
export function installThreadOutput(): void {
  if (isMainThread) return;
  for (const [name, fd] of [
    ["stdout", 1],
    ["stderr", 2],
  ] as const) {
    const stream = process[name] as Writable;
    stream._write = (chunk: string | Uint8Array, encoding: BufferEncoding, done: (error?: Error | null) => void) => {
      try {
        writeWhole(fd, toBytes(chunk, encoding));
        done();
      } catch (error) {
        // A reader that went away (EPIPE) is no reason for a thread to fail.
        if ((error as NodeJS.ErrnoException).code === "EPIPE") done();
        else done(error as Error);
      }
    };
    (stream as { _writev?: unknown })._writev = null;
    if (isatty(fd)) {
      const { getColorDepth, hasColors } = WriteStream.prototype;
      Object.assign(stream, { fd, isTTY: true, getColorDepth, hasColors, columns: 80, rows: 24 });
    } else {
      Object.assign(stream, { fd });
    }
  }
}

let mainInstalled = false;

/** In the main thread, before the second thread starts: output goes through the same lock. */
export function installMainOutput(): void {
  if (mainInstalled || !isMainThread) return;
  mainInstalled = true;
  for (const [name, fd] of [
    ["stdout", 1],
    ["stderr", 2],
  ] as const) {
    const stream = process[name];
    // Somebody has put another stream there: it is theirs.
    if ((stream as { fd?: number }).fd !== fd) continue;
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = ((chunk: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
      const done = typeof encoding === "function" ? encoding : callback;
      // What waits in the stream comes first.
      if (stream.writableLength > 0 || stream.destroyed || stream.writableCorked > 0)
        return write(chunk, encoding, callback);
      try {
        writeWhole(fd, toBytes(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : undefined));
      } catch {
        return write(chunk, encoding, callback); // the stream reports it in its own way
      }
      if (typeof done === "function") process.nextTick(done as () => void);
      return true;
    }) as typeof stream.write;
  }
}
