/**
 * Follows a `.heddle` file while it grows and hands its bytes on, in order, each once.
 *
 * The file system's notifications wake it at once where they work; a poll covers where they do not (network drives,
 * containers). The next piece is read only after the receiver has taken the last one, so a slow web view is never
 * buried under messages.
 */
import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname } from "node:path";

export interface TailSink {
  /** The file begins (again): forget what came before. `size` is how many bytes it has now. */
  reset(live: boolean, size: number): Promise<void> | void;
  /** `done`: nothing more is expected; if the file grows all the same, `reset` starts over. */
  bytes(bytes: Uint8Array, done: boolean): Promise<void> | void;
}

export interface TailOptions {
  /** The most bytes of one piece. */
  readonly pieceBytes?: number;
  readonly pollMs?: number;
  /** A file that nobody says is written to counts as finished when it has not changed for this long. */
  readonly quietMs?: number;
}

export class TraceTail {
  readonly path: string;
  readonly #sink: TailSink;
  readonly #pieceBytes: number;
  readonly #pollMs: number;
  readonly #quietMs: number;
  #isBeingWritten: boolean;
  #disposed = false;
  #wake: (() => void) | undefined;
  #watcher: FSWatcher | undefined;

  /** @param isBeingWritten A run of ours writes the file: it stays live until {@link finish}, however quiet. */
  constructor(path: string, sink: TailSink, isBeingWritten: boolean, options: TailOptions = {}) {
    this.path = path;
    this.#sink = sink;
    this.#isBeingWritten = isBeingWritten;
    this.#pieceBytes = options.pieceBytes ?? 256 * 1024;
    this.#pollMs = options.pollMs ?? 100;
    this.#quietMs = options.quietMs ?? 3000;
  }

  /** The writer has ended: what is in the file now is all. */
  finish(): void {
    this.#isBeingWritten = false;
    this.#wakeUp();
  }

  dispose(): void {
    this.#disposed = true;
    this.#watcher?.close();
    this.#wakeUp();
  }

  /**
   * Follows until {@link dispose}.
   * @throws NodeJS.ErrnoException if the file cannot be read, or is missing though nobody is about to write it.
   */
  async follow(): Promise<void> {
    const wasBeingWritten = this.#isBeingWritten;
    this.#startWatching();
    let handle: FileHandle | undefined;
    try {
      handle = await this.#openWhenThere();
      if (handle === undefined) return;
      let offset = 0;
      let saidDone = false;
      let inode = (await handle.stat()).ino;
      const isFresh = async () => Date.now() - (await handle!.stat()).mtimeMs < this.#quietMs;
      await this.#sink.reset(wasBeingWritten || (await isFresh()), (await handle.stat()).size);
      while (!this.#disposed) {
        // Looked at before reading: what the writer wrote before it ended is read even if it ends in between.
        const canGrow = this.#isBeingWritten;
        const buffer = new Uint8Array(this.#pieceBytes);
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
        if (this.#disposed) break;
        if (bytesRead > 0) {
          if (saidDone) {
            saidDone = false;
            offset = 0;
            await this.#sink.reset(true, (await handle.stat()).size);
            continue;
          }
          offset += bytesRead;
          await this.#sink.bytes(buffer.subarray(0, bytesRead), false);
          if (bytesRead === buffer.length) continue;
        } else if (!saidDone && !canGrow && (wasBeingWritten || !(await isFresh()))) {
          saidDone = true;
          await this.#sink.bytes(new Uint8Array(0), true);
        }
        await this.#sleep(saidDone ? this.#pollMs * 10 : this.#pollMs);
        if (this.#disposed) break;
        const replaced = await this.#replacement(inode, offset);
        if (replaced === undefined) continue;
        await handle.close();
        handle = replaced;
        inode = (await handle.stat()).ino;
        offset = 0;
        saidDone = false;
        await this.#sink.reset(true, (await handle.stat()).size);
      }
    } finally {
      this.#watcher?.close();
      await handle?.close();
    }
  }

  async #openWhenThere(): Promise<FileHandle | undefined> {
    while (!this.#disposed) {
      const mayCome = this.#isBeingWritten;
      try {
        return await open(this.path, "r");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT" || !mayCome) throw error;
      }
      await this.#sleep(this.#pollMs);
    }
    return undefined;
  }

  /** The file under our path, opened, if it is another one than we read or was made shorter. */
  async #replacement(inode: number, offset: number): Promise<FileHandle | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(this.path, "r");
    } catch {
      return undefined; // Deleted or moved away: what was read stays on the screen.
    }
    const { ino, size } = await handle.stat();
    if (ino !== inode || size < offset) return handle;
    await handle.close();
    return undefined;
  }

  #startWatching(): void {
    const name = basename(this.path);
    try {
      // The folder, because the file need not be there yet.
      this.#watcher = watch(dirname(this.path), { persistent: false }, (_event, changed) => {
        if (changed === null || changed === name) this.#wakeUp();
      });
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // No notifications here; the poll does it.
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        // A moment later: a writer that writes every few milliseconds makes one piece, not many.
        this.#wake = undefined;
        clearTimeout(timer);
        setTimeout(done, Math.min(ms, 20));
      };
    });
  }

  #wakeUp(): void {
    this.#wake?.();
  }
}
