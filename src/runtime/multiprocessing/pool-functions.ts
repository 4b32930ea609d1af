/** The functions that the tasks of one pool of processes name: each is told once, and tasks carry its number. */
import { type FunctionReference, referenceName, referenceTo } from "../core/function-reference.js";
import { MAX_FUNCTIONS } from "./messages.js";

type AnyFunction = (...args: never[]) => unknown;

/** A function as tasks name it. */
export interface PoolFunction {
  readonly number: number;
  readonly name: string;
}

export class PoolFunctions {
  readonly #tell: (number: number, reference: FunctionReference) => void;
  readonly #entries = new WeakMap<AnyFunction, PoolFunction>();
  /** By the text of the reference: functions made again and again from the same source share a number. */
  readonly #byText = new Map<string, PoolFunction>();
  #lastFunction: AnyFunction | null = null;
  #lastEntry: PoolFunction | null = null;

  /** `tell` is called with each new function, before its number is used. */
  constructor(tell: (number: number, reference: FunctionReference) => void) {
    this.#tell = tell;
  }

  /** How tasks name a function. Throws `DataCloneError` if it cannot cross. */
  entryOf(fn: AnyFunction): PoolFunction {
    if (fn === this.#lastFunction) return this.#lastEntry as PoolFunction;
    let entry = this.#entries.get(fn);
    if (entry === undefined) {
      entry = this.#enter(referenceTo(fn, "fn"));
      this.#entries.set(fn, entry);
    }
    this.#lastFunction = fn;
    this.#lastEntry = entry;
    return entry;
  }

  #enter(reference: FunctionReference): PoolFunction {
    const text = JSON.stringify(reference);
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const number = this.#byText.size;
    if (number === MAX_FUNCTIONS) throw new RangeError(`a pool can be given ${MAX_FUNCTIONS} different functions`);
    this.#tell(number, reference);
    const entry = { number, name: referenceName(reference) };
    this.#byText.set(text, entry);
    return entry;
  }
}
