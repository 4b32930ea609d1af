/**
 * Descriptors between processes that run: a Unix socket carries them beside its bytes (`man 7 unix`, SCM_RIGHTS). Node
 * has no call for that but on the channel of `fork`, so this is `sendmsg` and `recvmsg` themselves. A descriptor that is
 * under way is closed by the system when nobody can receive it any more.
 *
 * Linux is complete and tested (x64); macOS is written to its headers and untested.
 */
import { endianness } from "node:os";
import { RuntimeError } from "../core/errors.js";
import { type NativeFunction, native, nativeOrReason } from "./native.js";
import { whole } from "./native-work.js";
import { errorWithCode, systemError } from "./system-error.js";

/** What differs between the systems: sizes and places in C's structures, and numbers. */
interface Layout {
  /** Where in `struct msghdr` the size of the control data stands, whether it has 64 bits, and where the flags are. */
  readonly controlSize: number;
  readonly wide: boolean;
  /** How long a `struct cmsghdr` is, whether its length has 64 bits, and where level and type stand. */
  readonly header: number;
  readonly level: number;
  readonly SOL_SOCKET: number;
  readonly sendFlags: number;
  readonly receiveFlags: number;
  /** To be set on a descriptor that arrived, where `recvmsg` cannot. */
  readonly setsCloseOnExec: boolean;
  readonly EAGAIN: number;
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  linux: {
    controlSize: 40,
    wide: true,
    header: 16,
    level: 8,
    SOL_SOCKET: 1,
    // MSG_DONTWAIT, and MSG_NOSIGNAL or MSG_CMSG_CLOEXEC.
    sendFlags: 0x4040,
    receiveFlags: 0x4000_0040,
    setsCloseOnExec: false,
    EAGAIN: 11,
  },
  darwin: {
    controlSize: 40,
    wide: false,
    header: 12,
    level: 4,
    SOL_SOCKET: 0xffff,
    sendFlags: 0x80,
    receiveFlags: 0x80,
    setsCloseOnExec: true,
    EAGAIN: 35,
  },
};

const SCM_RIGHTS = 1;
const DESCRIPTOR_BYTES = 4;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const EINTR = 4;
/** Where what is handed to the system stands in memory outside of the heap. */
const At = { Message: 0, Vector: 64, Byte: 80, Control: 96, End: 128 } as const;
const LITTLE = endianness() === "LE";

class DescriptorMessages {
  readonly #layout: Layout;
  readonly #sendmsg: NativeFunction;
  readonly #recvmsg: NativeFunction;
  readonly #fcntl: NativeFunction;
  readonly #address: number;
  readonly #memory: DataView;

  constructor(layout: Layout) {
    const bridge = native();
    const libc = bridge.load(null);
    this.#layout = layout;
    this.#sendmsg = libc.func("int64_t sendmsg(int socket, uint64_t message, int flags)");
    this.#recvmsg = libc.func("int64_t recvmsg(int socket, uint64_t message, int flags)");
    this.#fcntl = libc.func("int fcntl(int fd, int command, ...)");
    const address = bridge.address(bridge.alloc("int64_t", At.End / 8));
    this.#address = Number(address);
    this.#memory = new DataView(bridge.view(address, At.End));
  }

  /** Sends a descriptor, beside one byte. Throws the system's error. */
  send(socket: number, descriptor: number): void {
    const { header, level, wide, SOL_SOCKET, sendFlags } = this.#layout;
    this.#prepare();
    this.#setSize(At.Control, wide, header + DESCRIPTOR_BYTES);
    this.#memory.setInt32(At.Control + level, SOL_SOCKET, LITTLE);
    this.#memory.setInt32(At.Control + level + 4, SCM_RIGHTS, LITTLE);
    this.#memory.setInt32(At.Control + header, descriptor, LITTLE);
    while (Number(this.#sendmsg(socket, this.#address + At.Message, sendFlags)) < 0) {
      const errno = native().errno();
      if (errno !== EINTR) throw systemError(errno, "sendmsg", "a descriptor");
    }
  }

  /** Receives a descriptor; null if it has not come yet. Throws the system's error, `ECONNRESET` where none comes. */
  receive(socket: number): number | null {
    const { header, level, receiveFlags, setsCloseOnExec, EAGAIN } = this.#layout;
    this.#prepare();
    for (;;) {
      const count = Number(this.#recvmsg(socket, this.#address + At.Message, receiveFlags));
      if (count > 0) break;
      if (count === 0) throw errorWithCode("ECONNRESET", "no descriptor came");
      const errno = native().errno();
      if (errno === EAGAIN) return null;
      if (errno !== EINTR) throw systemError(errno, "recvmsg", "a descriptor");
    }
    // Without room for another descriptor in this process, the byte comes alone.
    if (this.#memory.getInt32(At.Control + level + 4, LITTLE) !== SCM_RIGHTS) {
      throw errorWithCode("EMFILE", "there is no room for another descriptor");
    }
    const descriptor = this.#memory.getInt32(At.Control + header, LITTLE);
    if (setsCloseOnExec) this.#fcntl(descriptor, F_SETFD, "int", FD_CLOEXEC);
    return descriptor;
  }

  /** Writes a `struct msghdr` with one byte, and room for exactly one descriptor. */
  #prepare(): void {
    const { controlSize, wide, header } = this.#layout;
    for (let at = 0; at < At.End; at += 4) this.#memory.setInt32(at, 0, LITTLE);
    this.#setSize(At.Vector, true, this.#address + At.Byte);
    this.#setSize(At.Vector + 8, true, 1);
    this.#setSize(At.Message + 16, true, this.#address + At.Vector);
    // How many parts: 64 bits or 32, with nothing behind it.
    this.#memory.setInt32(At.Message + 24, 1, LITTLE);
    this.#setSize(At.Message + 32, true, this.#address + At.Control);
    this.#setSize(At.Message + controlSize, wide, header + DESCRIPTOR_BYTES);
  }

  #setSize(at: number, wide: boolean, value: number): void {
    if (wide) this.#memory.setBigUint64(at, BigInt(value), LITTLE);
    else this.#memory.setUint32(at, value, LITTLE);
  }
}

let messages: DescriptorMessages | null = null;

/** How descriptors are sent here. Throws `RuntimeError` with the reason where they cannot be. */
export function descriptorMessages(): DescriptorMessages {
  messages ??= whole(make);
  return messages;
}

function make(): DescriptorMessages {
  const layout = LITTLE ? LAYOUTS[process.platform] : undefined;
  if (layout === undefined) throw new RuntimeError(`this library does not know how on ${process.platform}`);
  const bridge = nativeOrReason();
  if (typeof bridge === "string") throw new RuntimeError(bridge);
  return new DescriptorMessages(layout);
}
