/**
 * What Node does not do with a descriptor: duplicate it, so that the event loop of a second thread can read from it,
 * block until it can be read, and look whether the other end of a socket is gone. Linux: complete and tested. macOS: by the same calls, untested. Elsewhere there is none of
 * this; who asks for it has another way.
 */
import { type NativeFunction, native } from "./native.js";
import { whole } from "./native-work.js";

const POLLIN = 1;
/** What `poll` says of a socket without a peer: POLLERR, POLLHUP and, on Linux, POLLRDHUP. */
const HUNG_UP = process.platform === "linux" ? 0x2018 : 0x18;
const EINTR = 4;
/** `fcntl`'s command for a duplicate that no child inherits. */
const F_DUPFD_CLOEXEC: Readonly<Partial<Record<NodeJS.Platform, number>>> = { linux: 1030, darwin: 67 };

class Descriptors {
  readonly #poll: NativeFunction;
  readonly #fcntl: NativeFunction;
  readonly #command: number;
  /** A `struct pollfd`, where it stays: the descriptor, and in halves of a word what is wanted and what is there. */
  readonly #descriptor: Int32Array;
  readonly #events: Int16Array;
  readonly #address: number;

  constructor(command: number) {
    const bridge = native();
    const library = bridge.load(null);
    const nfds = process.platform === "darwin" ? "uint32_t" : "uint64_t";
    this.#poll = library.func(`int poll(uint64_t entries, ${nfds} count, int ms)`);
    this.#fcntl = library.func("int fcntl(int fd, int command, ...)");
    this.#command = command;
    const address = bridge.address(bridge.alloc("int64_t", 1));
    const view = bridge.view(address, 8);
    this.#descriptor = new Int32Array(view, 0, 1);
    this.#events = new Int16Array(view, 4, 2);
    this.#address = Number(address);
  }

  /** A second descriptor of the same socket, which whoever gets it has to close; -1 if there can be no more. */
  duplicate(fd: number): number {
    return this.#fcntl(fd, this.#command, "int", 0) as number;
  }

  /**
   * Blocks until something can be read, the end of the stream or an error included, for `ms` at most. False if nothing
   * can. It may not be ended meanwhile, so that `ms` should be few.
   */
  waitReadable(fd: number, ms: number): boolean {
    const count = this.#wait(fd, POLLIN, Math.max(0, Math.ceil(ms)));
    return count > 0 || (count < 0 && native().errno() !== EINTR);
  }

  /** Whether nobody has the other end of a socket any more. */
  hasHungUp(fd: number): boolean {
    this.#wait(fd, HUNG_UP, 0);
    return ((this.#events[1] as number) & HUNG_UP) !== 0;
  }

  #wait(fd: number, events: number, ms: number): number {
    this.#descriptor[0] = fd;
    this.#events[0] = events;
    this.#events[1] = 0;
    return this.#poll(this.#address, 1, ms) as number;
  }
}

let known: Descriptors | null | undefined;

/** What can be done with descriptors here; null if nothing. Loads the native bridge, which takes some milliseconds. */
export function descriptors(): Descriptors | null {
  if (known !== undefined) return known;
  const command = F_DUPFD_CLOEXEC[process.platform];
  known = null;
  try {
    if (command !== undefined) known = whole(() => new Descriptors(command));
  } catch {
    // The bridge cannot be loaded.
  }
  return known;
}
