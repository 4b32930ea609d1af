/** `multiprocessing.managers.SharedMemoryManager`. */
import type { InitializerOptions } from "../../types.js";
import { type Shareable, ShareableList, type Slot } from "../shareable-list.js";
import { SharedMemory } from "../shared-memory.js";
import { BaseManager, createObject, createObjectSync } from "./base-manager.js";
import { BaseProxy, callRemote, callRemoteSync, registerProxyClass } from "./base-proxy.js";
import { Managed } from "./objects/managed.js";
import { register, registeredType } from "./registry.js";
import { registerManagerClass } from "./server-process.js";

/** The names of blocks, at the server: all are unlinked when it ends. */
class ManagedNames extends Managed {
  static override readonly exposed: readonly string[] = ["track", "names"];
  readonly #names = new Set<string>();

  track(_: unknown, name: string): void {
    this.#names.add(String(name));
  }

  names(): string[] {
    return [...this.#names];
  }

  override dropped(): void {
    for (const name of this.#names) {
      try {
        const memory = new SharedMemory({ name });
        memory.unlink();
        memory.close();
      } catch {
        // Its maker has unlinked it already.
      }
    }
    this.#names.clear();
  }
}

class NamesProxy extends BaseProxy<string[]> {}
registerProxyClass("SharedNamesProxy", NamesProxy);

/**
 * A manager that makes shared memory and unlinks all of it at `shutdown`, or when its program is killed.
 *
 * @example
 * ```ts
 * import { isMain } from "heddle";
 * import { Process, type ShareableList, SharedMemoryManager } from "heddle/multiprocessing";
 *
 * function sum(list: ShareableList<number>) {
 *   console.log(list.at(0) + list.at(1)); // prints 42
 * }
 *
 * if (isMain) {
 *   await using manager = new SharedMemoryManager();
 *   await manager.start();
 *   const list = await manager.ShareableList([40, 2]);
 *   const child = new Process({ target: sum, args: [list] });
 *   child.start();
 *   await child.join();
 * } // shut down: the memory is gone
 * ```
 */
export class SharedMemoryManager extends BaseManager {
  #names: NamesProxy | null = null;

  override async start<I extends unknown[] = []>(options?: InitializerOptions<I>): Promise<void> {
    await super.start(options);
    this.#names = (await createObject(this, "names", [])) as NamesProxy;
  }

  override startSync<I extends unknown[] = []>(options?: InitializerOptions<I>): void {
    super.startSync(options);
    this.#names = createObjectSync(this, "names", []) as NamesProxy;
  }

  #tracked(): NamesProxy {
    if (this.#names === null || this.address === null) {
      throw new RangeError("the SharedMemoryManager has no server yet: call start()");
    }
    return this.#names;
  }

  /** Makes a block of `size` bytes. Rejects with `RangeError` before `start`. */
  async SharedMemory(size: number): Promise<SharedMemory> {
    const names = this.#tracked();
    const memory = new SharedMemory({ create: true, size });
    return this.#keep(memory, memory, callRemote(names, "track", [memory.name]));
  }

  /** Blocking {@link SharedMemory}. */
  SharedMemorySync(size: number): SharedMemory {
    const names = this.#tracked();
    const memory = new SharedMemory({ create: true, size });
    return this.#keepSync(memory, memory, names);
  }

  /** Makes a list of values. Rejects with `RangeError` before `start`. */
  async ShareableList<T>(values: Iterable<T & Shareable>): Promise<ShareableList<Slot<T>>> {
    const names = this.#tracked();
    const list = new ShareableList<T>(values) as unknown as ShareableList<Slot<T>>;
    return this.#keep(list, list.shm, callRemote(names, "track", [list.shm.name]));
  }

  /** Blocking {@link ShareableList}. */
  ShareableListSync<T>(values: Iterable<T & Shareable>): ShareableList<Slot<T>> {
    const names = this.#tracked();
    const list = new ShareableList<T>(values) as unknown as ShareableList<Slot<T>>;
    return this.#keepSync(list, list.shm, names);
  }

  /** Gives what is tracked. What the server cannot be told of is unlinked at once. */
  async #keep<M>(made: M, memory: SharedMemory, told: Promise<unknown>): Promise<M> {
    try {
      await told;
      return made;
    } catch (error) {
      memory.unlink();
      memory.close();
      throw error;
    }
  }

  #keepSync<M>(made: M, memory: SharedMemory, names: NamesProxy): M {
    try {
      callRemoteSync(names, "track", [memory.name]);
      return made;
    } catch (error) {
      memory.unlink();
      memory.close();
      throw error;
    }
  }
}

// A bundler may rename a class that uses itself.
Object.defineProperty(SharedMemoryManager, "name", { value: "SharedMemoryManager", configurable: true });
registerManagerClass(SharedMemoryManager);
register(SharedMemoryManager, registeredType("names", { callable: () => new ManagedNames(), proxyType: NamesProxy }));
