/** heddle: the libraries as namespaces, what belongs to no single one, the errors, and the types they share. */
import { RuntimeError } from "./core/errors.js";

export {
  AuthenticationError,
  BrokenBarrierError,
  BrokenExecutor,
  BrokenProcessPool,
  BrokenThreadPool,
  BufferTooShort,
  CancelledError,
  DataCloneError,
  Empty,
  EOFError,
  ExceptionGroup,
  Full,
  InvalidStateError,
  KeyError,
  ProcessError,
  RemoteError,
  RuntimeError,
  ShutDown,
  TimeoutError,
} from "./core/errors.js";
export { isMain } from "./core/main-script.js";
export { transfer } from "./core/structured-clone.js";
export * as futures from "./futures/index.js";
export * as multiprocessing from "./multiprocessing/index.js";
export * as queue from "./queue/index.js";
export * as subprocess from "./subprocess/index.js";
export * as threading from "./threading/index.js";
export * as trace from "./trace/index.js";
export type * from "./types.js";

declare const HEDDLE_VERSION: string | undefined;

/** The version of this package, as `major.minor.patch`. */
export const version: string = typeof HEDDLE_VERSION === "string" ? HEDDLE_VERSION : "0.0.0";

/** The part of Python's `os` that Node cannot have. */
export const os = {
  /** Always throws `RuntimeError`, which names what to use instead. */
  fork(): never {
    throw new RuntimeError(
      "a Node process cannot be forked: use Process or Pool of heddle/multiprocessing, or an executor of heddle/futures",
    );
  },
} as const;
