/**
 * A function that an object of the library carries with it to other threads, such as a barrier's action: by reference,
 * like a thread's target. Who is to call it at once cannot wait for an import, so the import begins when the object
 * arrives, and a thread waits for those of its arguments before it runs its target.
 */
import { RuntimeError } from "./errors.js";
import { type FunctionReference, referenceName, referenceTo, resolveReference } from "./function-reference.js";

type AnyFunction = (...args: never[]) => unknown;

/** Imports that are under way for functions that have arrived here. */
const loading = new Set<Promise<unknown>>();

/** Resolves when all functions that have arrived so far can be called, or cannot be had. */
export async function arrivedFunctionsLoaded(): Promise<void> {
  while (loading.size > 0) await Promise.all(loading);
}

export class CrossingFunction<F extends AnyFunction> {
  #call: F | null = null;
  #reference: FunctionReference | null = null;
  #failure: unknown = null;

  private constructor() {}

  /** One of this thread. */
  static of<F extends AnyFunction>(fn: F): CrossingFunction<F> {
    const made = new CrossingFunction<F>();
    made.#call = fn;
    return made;
  }

  /** One that came from another thread. */
  static arrived<F extends AnyFunction>(reference: FunctionReference): CrossingFunction<F> {
    const made = new CrossingFunction<F>();
    made.#reference = reference;
    try {
      const found = resolveReference(reference);
      if (found instanceof Promise) made.#load(found as unknown as Promise<F>);
      else made.#call = found as F;
    } catch (error) {
      made.#failure = error;
    }
    return made;
  }

  #load(found: Promise<F>): void {
    const settled: Promise<void> = found.then(
      (fn) => {
        this.#call = fn;
        loading.delete(settled);
      },
      (error) => {
        this.#failure = error;
        loading.delete(settled);
      },
    );
    loading.add(settled);
  }

  /** What stands for it while it crosses. Throws `DataCloneError` for one that closes over something. */
  reference(path: string): FunctionReference {
    this.#reference ??= referenceTo(this.#call as F, path);
    return this.#reference;
  }

  /** The function. Throws what kept it from being loaded, or `RuntimeError` if its module is not imported yet. */
  get(): F {
    if (this.#call !== null) return this.#call;
    if (this.#failure !== null) throw this.#failure;
    const name = referenceName(this.#reference as FunctionReference);
    throw new RuntimeError(
      `the module of function ${name} is still being imported in this thread; import it in the script, so that it is there when the thread starts`,
    );
  }
}
