/**
 * Shared memory on Windows, by `CreateFileMappingW`, `OpenFileMappingW` and `MapViewOfFile` as Microsoft documents them.
 *
 * UNTESTED: written to the documentation, never run on Windows. What is different: a block lives as long as somebody has
 * it mapped or open and then goes by itself, so there is nothing to unlink and nothing is left after a crash; sizes are
 * rounded up to pages; memory without a name has one, since only a name leads another process to it.
 */
import { randomBytes } from "node:crypto";
import { type Native, type NativeFunction, native } from "./native.js";
import { whole } from "./native-work.js";
import type { AnonymousMapping, Mapping, Reference, SharedMemorySystem } from "./shared-memory-system.js";
import { errorWithCode } from "./system-error.js";

const INVALID_HANDLE = 0xffff_ffff_ffff_ffffn;
const PAGE_READWRITE = 0x04;
const FILE_MAP_WRITE_READ = 0x0006;
const ERROR_FILE_NOT_FOUND = 2;
const ERROR_ALREADY_EXISTS = 183;
/** MEMORY_BASIC_INFORMATION on 64-bit Windows, and where its RegionSize is. */
const REGION_BYTES = 48;
const REGION_SIZE_AT = 24;

export class WindowsSharedMemory implements SharedMemorySystem {
  readonly namePrefix = "wnsm_";
  readonly #native: Native = native();
  readonly #create: NativeFunction;
  readonly #open: NativeFunction;
  readonly #mapView: NativeFunction;
  readonly #unmapView: NativeFunction;
  readonly #query: NativeFunction;
  readonly #close: NativeFunction;
  readonly #lastError: NativeFunction;

  constructor() {
    const kernel = this.#native.load("kernel32.dll");
    this.#create = kernel.func(
      "void *__stdcall CreateFileMappingW(void *file, void *security, uint32_t protect, uint32_t high, uint32_t low, const char16_t *name)",
    );
    this.#open = kernel.func("void *__stdcall OpenFileMappingW(uint32_t access, int inherit, const char16_t *name)");
    this.#mapView = kernel.func(
      "void *__stdcall MapViewOfFile(void *mapping, uint32_t access, uint32_t high, uint32_t low, size_t bytes)",
    );
    this.#unmapView = kernel.func("int __stdcall UnmapViewOfFile(void *address)");
    this.#query = kernel.func("size_t __stdcall VirtualQuery(void *address, _Out_ uint8_t *info, size_t length)");
    this.#close = kernel.func("int __stdcall CloseHandle(void *handle)");
    this.#lastError = kernel.func("uint32_t __stdcall GetLastError()");
  }

  create(name: string, size: number): Mapping {
    const high = Math.floor(size / 2 ** 32);
    const handle = this.#create(INVALID_HANDLE, null, PAGE_READWRITE, high, size >>> 0, name);
    const error = Number(this.#lastError());
    if (!handle) throw this.#failure("CreateFileMappingW", error, name);
    try {
      if (error === ERROR_ALREADY_EXISTS) throw errorWithCode("EEXIST", `shared memory '${name}'`);
      return this.#map(handle, name);
    } finally {
      // The view keeps the block.
      this.#close(handle);
    }
  }

  open(name: string): Mapping {
    const handle = this.#open(FILE_MAP_WRITE_READ, 0, name);
    if (!handle) throw this.#failure("OpenFileMappingW", Number(this.#lastError()), name);
    try {
      return this.#map(handle, name);
    } finally {
      this.#close(handle);
    }
  }

  unlink(): void {
    // The name goes with the last view, as CPython documents it for this platform.
  }

  createAnonymous(size: number): AnonymousMapping {
    const name = `heddle_${randomBytes(16).toString("hex")}`;
    return { ...this.create(name, size), reference: { name } };
  }

  openAnonymous(reference: Reference): AnonymousMapping {
    if (!("name" in reference)) throw errorWithCode("EINVAL", "memory is known by a name here");
    return { ...this.open(reference.name), reference };
  }

  closeReference(): void {}

  view(address: bigint, size: number): ArrayBuffer {
    return whole(() => this.#native.view(address, size));
  }

  discard(): void {
    // There is no step that puts other memory in the place of a view.
  }

  unmap({ address }: Mapping): void {
    this.#unmapView(address);
  }

  #map(handle: unknown, name: string): Mapping {
    const pointer = this.#mapView(handle, FILE_MAP_WRITE_READ, 0, 0, 0);
    if (!pointer) throw this.#failure("MapViewOfFile", Number(this.#lastError()), name);
    const info = new Uint8Array(REGION_BYTES);
    this.#query(pointer, info, REGION_BYTES);
    const size = Number(new DataView(info.buffer).getBigUint64(REGION_SIZE_AT, true));
    return { address: this.#native.address(pointer), size };
  }

  #failure(call: string, error: number, name: string): NodeJS.ErrnoException {
    if (error === ERROR_FILE_NOT_FOUND) return errorWithCode("ENOENT", `${call} '${name}'`);
    return errorWithCode("EIO", `${call} '${name}': Windows error ${error}`);
  }
}
