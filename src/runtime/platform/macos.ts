/**
 * Shared memory on macOS, by `shm_open`, `ftruncate`, `mmap` and `shm_unlink` as its manual pages describe them.
 *
 * UNTESTED: written to the documentation, never run on a Mac. What is different from Linux: a descriptor of another
 * process cannot be opened, so memory without a name has one nevertheless, until it is let go of; names have at most 30
 * characters; sizes are rounded up to pages; and no file shows a name, so none is removed after a crash.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type NativeFunction, native } from "./native.js";
import { whole } from "./native-work.js";
import type { AnonymousMapping, Mapping, Reference, SharedMemorySystem } from "./shared-memory-system.js";
import { errorWithCode, systemError } from "./system-error.js";

const PROT_READ_WRITE = 3;
const MAP_SHARED = 0x0001;
const MAP_PRIVATE = 0x0002;
const MAP_FIXED = 0x0010;
const MAP_ANON = 0x1000;
const FAILED = 0xffff_ffff_ffff_ffffn;
const SEEK_END = 2;
const MODE = 0o600;

export class MacSharedMemory implements SharedMemorySystem {
  readonly namePrefix = "psm_";
  readonly #shmOpen: NativeFunction;
  readonly #shmUnlink: NativeFunction;
  readonly #ftruncate: NativeFunction;
  readonly #lseek: NativeFunction;
  readonly #mmap: NativeFunction;
  readonly #munmap: NativeFunction;
  readonly #close: NativeFunction;
  /** Names of memory without a name that this thread made: only it removes them. */
  readonly #own = new Set<string>();

  constructor() {
    const libc = native().load("/usr/lib/libSystem.B.dylib");
    // The mode is a variadic argument, which this platform passes differently from the others.
    this.#shmOpen = libc.func("int shm_open(const char *name, int flags, ...)");
    this.#shmUnlink = libc.func("int shm_unlink(const char *name)");
    this.#ftruncate = libc.func("int ftruncate(int fd, int64_t length)");
    this.#lseek = libc.func("int64_t lseek(int fd, int64_t offset, int whence)");
    this.#mmap = libc.func("void *mmap(void *address, size_t length, int prot, int flags, int fd, int64_t offset)");
    this.#munmap = libc.func("int munmap(void *address, size_t length)");
    this.#close = libc.func("int close(int fd)");
  }

  create(name: string, size: number): Mapping {
    const fd = this.#openFd(name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
    try {
      if (Number(this.#ftruncate(fd, size)) < 0) throw systemError(native().errno(), "ftruncate", `${size} bytes`);
      return this.#map(fd);
    } catch (error) {
      this.#shmUnlink(`/${name}`);
      throw error;
    } finally {
      this.#close(fd);
    }
  }

  open(name: string): Mapping {
    const fd = this.#openFd(name, constants.O_RDWR);
    try {
      return this.#map(fd);
    } finally {
      this.#close(fd);
    }
  }

  unlink(name: string): void {
    if (Number(this.#shmUnlink(`/${name}`)) < 0) throw systemError(native().errno(), "shm_unlink", name);
  }

  createAnonymous(size: number): AnonymousMapping {
    const name = `hdl_${randomBytes(12).toString("hex")}`;
    const mapping = this.create(name, size);
    this.#own.add(name);
    return { ...mapping, reference: { name } };
  }

  openAnonymous(reference: Reference): AnonymousMapping {
    if (!("name" in reference)) throw errorWithCode("EINVAL", "memory is known by a name here");
    return { ...this.open(reference.name), reference };
  }

  closeReference(reference: Reference): void {
    if ("name" in reference && this.#own.delete(reference.name)) this.#shmUnlink(`/${reference.name}`);
  }

  view(address: bigint, size: number): ArrayBuffer {
    return whole(() => native().view(address, size));
  }

  discard({ address, size }: Mapping): void {
    this.#mmap(address, size, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0);
  }

  unmap({ address, size }: Mapping): void {
    this.#munmap(address, size);
  }

  #openFd(name: string, flags: number): number {
    if (name === "" || /[/\0]/.test(name)) {
      throw errorWithCode("EINVAL", `a name of shared memory may not be ${JSON.stringify(name)}`);
    }
    const fd = Number(this.#shmOpen(`/${name}`, flags, "int", MODE));
    if (fd < 0) throw systemError(native().errno(), "shm_open", name);
    return fd;
  }

  #map(fd: number): Mapping {
    const size = Number(this.#lseek(fd, 0, SEEK_END));
    if (size <= 0) throw errorWithCode("EINVAL", "shared memory of no size cannot be mapped");
    const pointer = this.#mmap(null, size, PROT_READ_WRITE, MAP_SHARED, fd, 0);
    const address = pointer === null ? FAILED : native().address(pointer);
    if (address === FAILED) throw systemError(native().errno(), "mmap", `${size} bytes`);
    return { address, size };
  }
}
