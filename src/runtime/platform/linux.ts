/**
 * Shared memory on Linux.
 *
 * A named block is a file in /dev/shm, as glibc's and CPython's `shm_open` have it, so that a CPython process attaches
 * to ours and we to its. Memory without a name is a memfd; another process opens it through `/proc/PID/fd/N` of one that
 * has it, which the system allows to processes of the same user. Only `mmap` and its like need native code.
 *
 * Descriptors that other processes come for are opened by native calls: Node would close its own at the end of the
 * thread that opened them.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readlinkSync,
  statfsSync,
  unlinkSync,
} from "node:fs";
import { constants as system } from "node:os";
import { join } from "node:path";
import { hostMapping } from "./hosted-mapping.js";
import { type NativeFunction, native } from "./native.js";
import { whole } from "./native-work.js";
import type { AnonymousMapping, BeforeNamed, Mapping, Reference, SharedMemorySystem } from "./shared-memory-system.js";
import { errorWithCode, systemError } from "./system-error.js";

/** Where the system keeps named memory. */
export const SHM_FOLDER = "/dev/shm";

const PROT_READ_WRITE = 3;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MFD_CLOEXEC = 1;
const O_CLOEXEC = 0o2000000;
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;
const FAILED = 0xffff_ffff_ffff_ffffn;
/** How a memfd of ours shows under /proc. */
const MEMFD_NAME = "heddle";

function pathOf(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) {
    throw errorWithCode("EINVAL", `a name of shared memory may not be ${JSON.stringify(name)}`);
  }
  return join(SHM_FOLDER, name);
}

/**
 * Writing to memory that the system cannot back is the end of the process (SIGBUS), so it is refused before. A block has
 * no pages until they are written, and so takes nothing of what is left. Before blocks that were made like that come to
 * more than this part of it, they get their pages, and so does a block that is larger alone.
 */
const PROMISED_PART = 1 / 4;

function noRoom(size: number, free: number): Error {
  return errorWithCode("ENOSPC", `${size} bytes of shared memory, ${SHM_FOLDER} has ${free} left`);
}

export class LinuxSharedMemory implements SharedMemorySystem {
  readonly namePrefix = "psm_";
  readonly #mmap: NativeFunction;
  readonly #munmap: NativeFunction;
  readonly #memfdCreate: NativeFunction;
  readonly #open: NativeFunction;
  readonly #close: NativeFunction;
  readonly #linkat: NativeFunction;
  readonly #allocate: NativeFunction;
  /** The sizes of the blocks that were made without pages, by name. */
  readonly #promised = new Map<string, number>();
  #promisedBytes = 0;

  constructor() {
    const libc = native().load(null);
    this.#mmap = libc.func("void *mmap(void *address, size_t length, int prot, int flags, int fd, int64_t offset)");
    this.#munmap = libc.func("int munmap(void *address, size_t length)");
    this.#memfdCreate = libc.func("int memfd_create(const char *name, unsigned int flags)");
    this.#open = libc.func("int open(const char *path, int flags, ...)");
    this.#close = libc.func("int close(int fd)");
    this.#allocate = libc.func("int posix_fallocate(int fd, int64_t offset, int64_t length)");
    this.#linkat = libc.func("int linkat(int from, const char *old, int to, const char *path, int flags)");
  }

  create(name: string, size: number, named: BeforeNamed): Mapping {
    const path = pathOf(name);
    const { bavail, bsize } = statfsSync(SHM_FOLDER);
    const free = bavail * bsize;
    if (size > free) throw noRoom(size, free);
    // Without a name at first, so that whoever removes names after a crash knows of it before there is one, and nobody
    // attaches to a block that has no size yet.
    const fd = openSync(SHM_FOLDER, O_TMPFILE | constants.O_RDWR, 0o600);
    try {
      ftruncateSync(fd, size);
      const backed = this.#back(fd, size, free);
      const mapping = this.#map(fd, size);
      named(String(fstatSync(fd, { bigint: true }).ino));
      if (Number(this.#linkat(AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, path, AT_SYMLINK_FOLLOW)) < 0) {
        const errno = native().errno();
        this.#munmap(mapping.address, mapping.size);
        throw systemError(errno, "shm_open", name);
      }
      if (!backed) {
        this.#promised.set(name, size);
        this.#promisedBytes += size;
      }
      return mapping;
    } finally {
      closeSync(fd);
    }
  }

  /** Sees to it that there will be pages for the blocks so far and a new one. True if that has got its pages. */
  #back(fd: number, size: number, free: number): boolean {
    if (this.#promisedBytes + size > free * PROMISED_PART) {
      for (const [other, otherSize] of this.#promised) this.#backNamed(other, otherSize, free);
      this.#promised.clear();
      this.#promisedBytes = 0;
    }
    if (size <= free * PROMISED_PART) return false;
    this.#allocatePages(fd, size, free);
    return true;
  }

  #backNamed(name: string, size: number, free: number): void {
    let fd: number;
    try {
      fd = openSync(pathOf(name), constants.O_RDWR | constants.O_NOFOLLOW);
    } catch {
      return; // unlinked by somebody else
    }
    try {
      this.#allocatePages(fd, Math.min(size, fstatSync(fd).size), free);
    } finally {
      closeSync(fd);
    }
  }

  #allocatePages(fd: number, size: number, free: number): void {
    if (size === 0) return;
    let errno: number;
    do errno = Number(this.#allocate(fd, 0, size));
    while (errno === system.errno.EINTR);
    if (errno === system.errno.ENOSPC) throw noRoom(size, free);
    if (errno !== 0) throw systemError(errno, "posix_fallocate", `${size} bytes`);
  }

  open(name: string): Mapping {
    const fd = openSync(pathOf(name), constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      return this.#map(fd, fstatSync(fd).size);
    } finally {
      closeSync(fd);
    }
  }

  unlink(name: string): void {
    unlinkSync(pathOf(name));
    this.#promisedBytes -= this.#promised.get(name) ?? 0;
    this.#promised.delete(name);
  }

  createAnonymous(size: number, hosted = false): AnonymousMapping {
    const fd = Number(this.#memfdCreate(MEMFD_NAME, MFD_CLOEXEC));
    if (fd < 0) throw systemError(native().errno(), "memfd_create", MEMFD_NAME);
    try {
      ftruncateSync(fd, size);
      return { ...this.#mapAnonymous(fd, size, hosted), reference: { pid: process.pid, fd } };
    } catch (error) {
      this.#close(fd);
      throw error;
    }
  }

  openAnonymous(reference: Reference, hosted = false): AnonymousMapping {
    if (!("fd" in reference)) throw errorWithCode("EINVAL", "this memory is known by a name");
    const path = `/proc/${reference.pid}/fd/${reference.fd}`;
    // The number may belong to something else by now, and opening that might block or do worse.
    const target = readlinkSync(path);
    if (!target.startsWith(`/memfd:${MEMFD_NAME}`)) throw errorWithCode("ENOENT", `${path} is ${target}`);
    const fd = Number(this.#open(path, constants.O_RDWR | O_CLOEXEC));
    if (fd < 0) throw systemError(native().errno(), "open", path);
    try {
      return { ...this.#mapAnonymous(fd, fstatSync(fd).size, hosted), reference: { pid: process.pid, fd } };
    } catch (error) {
      this.#close(fd);
      throw error;
    }
  }

  closeReference(reference: Reference): void {
    if ("fd" in reference) this.#close(reference.fd);
  }

  view(address: bigint, size: number): ArrayBuffer {
    return whole(() => native().view(address, size));
  }

  discard({ address, size }: Mapping): void {
    // In one step, so that no other thread's mapping comes between; a page that nobody touches again costs nothing.
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    this.#mmap(address, size, PROT_READ_WRITE, flags, -1, 0);
  }

  unmap({ address, size }: Mapping): void {
    this.#munmap(address, size);
  }

  #mapAnonymous(fd: number, size: number, hosted: boolean): Mapping & Pick<AnonymousMapping, "host"> {
    const host = hosted ? whole(() => hostMapping(size, (address) => void this.#map(fd, size, address))) : null;
    return host === null ? this.#map(fd, size) : { address: host.address, size, host: host.buffer };
  }

  /** Maps it, where the system wants or in the place of what is at an address. */
  #map(fd: number, size: number, at: bigint | null = null): Mapping {
    if (size === 0) throw errorWithCode("EINVAL", "shared memory of no size cannot be mapped");
    const flags = at === null ? MAP_SHARED : MAP_SHARED | MAP_FIXED;
    const pointer = this.#mmap(at, size, PROT_READ_WRITE, flags, fd, 0);
    const address = pointer === null ? FAILED : native().address(pointer);
    if (address === FAILED) throw systemError(native().errno(), "mmap", `${size} bytes`);
    return { address, size };
  }
}
