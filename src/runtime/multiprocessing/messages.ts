/**
 * The kinds of frames between a process and its child: the lower 8 bits of a frame's kind. What the others say is told
 * at each.
 */

/** From the parent. */
export const ToChild = {
  /** The first frame: what the child is to be (see `start-message.ts`). */
  Start: 1,
  /** A task of a pool. id: its number; above the kind: its {@link Form} and the number of its function. */
  Task: 2,
  /** A pool's worker is to end when it has done what it was given. */
  Stop: 3,
  /** A function that tasks will name by the number above the kind. body: its reference, as JSON. */
  Function: 4,
} as const;

/** From the child. Above the kind of a result: the task's run time in microseconds, as far as they go. */
export const FromChild = {
  /** A pool's worker has imported the script and run its initializer. */
  Ready: 1,
  /** A task returned. id: its number; body: the value, or the list of values. */
  Result: 2,
  /** A task threw. id: its number; body: the error. */
  Failure: 3,
  /** The initializer of a pool's worker threw. body: the error. */
  InitializerFailed: 4,
  /** Some calls of a task threw. id: its number; body: values, places and errors. */
  Mixed: 5,
  /** The script could not be imported. body: the error. */
  ImportFailed: 6,
  /** The worker ends by an error that nobody caught. body: the error. */
  Uncaught: 7,
} as const;

export const LONGEST_REPORTED_US = 0xff_ffff;

/** What a task is: how its body is to be read, and what is told of it. */
export const Form = {
  /** One call; the body is the list of its arguments. */
  Call: 0,
  /** A call for each item of a list. Told: what came of each. */
  Items: 1,
  /** A call for each list of arguments of a list. Told: what came of each. */
  Lists: 2,
  /** As Items; the first error ends it and is what is told. */
  ItemsTogether: 3,
  /** As Lists; the first error ends it and is what is told. */
  ListsTogether: 4,
} as const;

/** The kind of a frame with a task; `fn` is below 2^20. */
export function taskHead(form: number, fn: number): number {
  return ToChild.Task | (form << 8) | (fn << 12);
}

/** The kind of a frame with a function. */
export function functionHead(fn: number): number {
  return ToChild.Function | (fn << 12);
}

export const kindOf = (head: number): number => head & 0xff;
export const formOf = (head: number): number => (head >>> 8) & 0xf;
export const functionOf = (head: number): number => head >>> 12;
/** The most functions that the tasks of one pool can name. */
export const MAX_FUNCTIONS: number = 1 << 20;
