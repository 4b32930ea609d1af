/**
 * `multiprocessing.shared_memory.SharedMemory`: a named block of memory that any process may attach to, also one of
 * CPython.
 */
import { constants as limits } from "node:buffer";
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { checkName, checkOptions, knownOptions } from "../core/check-options.js";
import { RuntimeError } from "../core/errors.js";
import { type Handle, registerHandle, toHandle } from "../core/handles.js";
import type { Mapping, SharedMemorySystem } from "../platform/shared-memory-system.js";
import { sharedMemorySystem } from "../platform/system.js";
import { forgetName, trackName } from "./resource-tracker.js";
import "../core/hold.js"; // Symbol.dispose, where Node lacks it

const TAG = "SharedMemory";
const OPTIONS = knownOptions("{ create: true, size: 1024 }", "name", "create", "size");
/** As many random bytes as fit CPython's limit of 14 characters for a name. */
const NAME_CHARACTERS = 13;

/** How to make or find a block. */
export interface SharedMemoryOptions {
  /** The name other processes attach by; a new one is made up if it is omitted while creating. */
  name?: string | undefined;
  /** True to create the block, false, the default, to attach to one. */
  create?: boolean | undefined;
  /** How many bytes to create; ignored when attaching. */
  size?: number | undefined;
}

/** What outlives the object, to be let go of behind it. */
interface Hold {
  readonly mapping: Mapping;
  /** There was a view; it, or one made of it, may be anywhere. */
  viewed: boolean;
  closed: boolean;
}

const viewsGone = new FinalizationRegistry<Mapping>((mapping) => sharedMemorySystem().unmap(mapping));
const objectsGone = new FinalizationRegistry<Hold>((hold) => {
  if (!hold.viewed && !hold.closed) sharedMemorySystem().unmap(hold.mapping);
});

/** Creates a block whose name is removed also after a crash. */
function createTracked(system: SharedMemorySystem, name: string, size: number): Mapping {
  let tracked = false;
  try {
    return system.create(name, size, (identity) => {
      trackName(name, identity);
      tracked = true;
    });
  } catch (error) {
    if (tracked) forgetName(name);
    throw error;
  }
}

function makeUp(system: SharedMemorySystem, size: number): { name: string; mapping: Mapping } {
  for (;;) {
    const bytes = (NAME_CHARACTERS - system.namePrefix.length) >> 1;
    const name = system.namePrefix + randomBytes(bytes).toString("hex");
    try {
      return { name, mapping: createTracked(system, name, size) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** The block of a name. */
function openNamed(system: SharedMemorySystem, name: string): Mapping {
  try {
    return system.open(name);
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") throw error;
    const text = `ENOENT: there is no shared memory '${name}': it was never made, or it was unlinked`;
    throw Object.assign(new Error(text), { code, errno });
  }
}

function checkSize(size: unknown, create: boolean): asserts size is number {
  if (typeof size !== "number") throw new TypeError("size must be a number of bytes");
  if (!Number.isInteger(size) || size < 0) throw new RangeError("'size' must be a positive integer");
  if (create && size === 0) throw new RangeError("'size' must be a positive number different from zero");
  if (create && size > limits.MAX_LENGTH) {
    throw new RangeError(`'size' is ${size}; this Node has buffers of at most ${limits.MAX_LENGTH} bytes`);
  }
}

/**
 * A named block of memory that any process may attach to, on Linux also a CPython one (`shared_memory.SharedMemory`).
 * It crosses to threads and processes by its name: who gets it has a mapping of its own, to be closed by itself.
 *
 * Somebody has to `unlink()` the name. If nobody does, also because the program was killed, it is removed when all of
 * the program is over, and a line on stderr says so.
 *
 * @example
 * ```ts
 * import { SharedMemory } from "heddle/multiprocessing";
 *
 * using block = new SharedMemory({ create: true, size: 1024 });
 * block.buf[0] = 42;
 * using same = new SharedMemory({ name: block.name }); // in this process or any other
 * console.log(same.buf[0]); // prints 42
 * block.unlink();
 * ```
 */
export class SharedMemory implements Disposable {
  readonly #name: string;
  readonly #hold: Hold;
  #buf: Uint8Array | null = null;

  /**
   * Creates a block, zeroed, or attaches to one. Throws `RangeError` for no size or no name, an `Error` with code
   * `EEXIST`, `ENOENT`, `EINVAL` or `ENOSPC`, and `RuntimeError` where processes cannot share memory.
   */
  constructor(options: SharedMemoryOptions) {
    checkOptions(options, OPTIONS);
    const { name, create = false, size = 0 } = options ?? {};
    checkName(name);
    checkSize(size, create);
    if (!create && name === undefined) throw new RangeError("'name' can only be omitted if create is true");
    const system = sharedMemorySystem();
    let mapping: Mapping;
    if (!create) {
      this.#name = name as string;
      mapping = openNamed(system, this.#name);
      if (mapping.size > limits.MAX_LENGTH) {
        system.unmap(mapping);
        throw new RangeError(`the block has ${mapping.size} bytes; this Node has buffers of ${limits.MAX_LENGTH}`);
      }
    } else {
      if (name === undefined) ({ name: this.#name, mapping } = makeUp(system, size));
      else {
        this.#name = name;
        mapping = createTracked(system, name, size);
      }
    }
    this.#hold = { mapping, viewed: false, closed: false };
    objectsGone.register(this, this.#hold);
  }

  /** The memory itself. Throws `RuntimeError` once closed; one taken before that shows other memory from then on. */
  get buf(): Uint8Array {
    const hold = this.#hold;
    if (hold.closed) throw new RuntimeError(`the shared memory '${this.#name}' is closed`);
    if (this.#buf === null) {
      const { mapping } = hold;
      const buffer = sharedMemorySystem().view(mapping.address, mapping.size);
      hold.viewed = true;
      viewsGone.register(buffer, mapping);
      this.#buf = new Uint8Array(buffer);
    }
    return this.#buf;
  }

  /** The name others attach by. */
  get name(): string {
    return this.#name;
  }

  /** The bytes there are: at least as many as asked for. */
  get size(): number {
    return this.#hold.mapping.size;
  }

  /** Detaches this process; may be repeated. */
  close(): void {
    const hold = this.#hold;
    if (hold.closed) return;
    hold.closed = true;
    this.#buf = null;
    // Of a view nobody knows who has it: it goes on to exist, but not to share.
    if (hold.viewed) sharedMemorySystem().discard(hold.mapping);
    else sharedMemorySystem().unmap(hold.mapping);
  }

  /** Removes the name; those attached keep the memory. Throws an `Error` with code `ENOENT` the second time. */
  unlink(): void {
    sharedMemorySystem().unlink(this.#name);
    forgetName(this.#name);
  }

  /** The end of `using`: `close()`, not `unlink()`. */
  [Symbol.dispose](): void {
    this.close();
  }

  [inspect.custom](): string {
    return `SharedMemory('${this.#name}', size=${this.size})`;
  }

  /** How it crosses: by name. */
  [toHandle](): Handle {
    return { tag: TAG, value: this.#name };
  }
}

registerHandle<string>(TAG, (name) => new SharedMemory({ name }));
