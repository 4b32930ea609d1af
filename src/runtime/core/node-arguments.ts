/** The arguments of Node that the library adds for its threads and processes. */
import { setEnvironmentData, Worker, type WorkerOptions } from "node:worker_threads";

/**
 * Lets the loader of a thread or process work without a thread of its own, on the one version of Node that needs this:
 * `INSIDE` of src/loader/in-thread-hooks.ts. Where the argument is missing all is the same, only slower.
 */
const loaderArguments = /^v20\./.test(process.version) ? ["--expose_internals"] : [];

/** Key of `setEnvironmentData` under which a thread finds what its `process.execArgv` is to show. */
export const ARGUMENTS = "heddle.arguments";

/** A list of arguments with those that the loader would like to have. */
export function withLoaderArguments(args: readonly string[]): string[] {
  return [...args, ...loaderArguments.filter((arg) => !args.includes(arg))];
}

/** Starts a worker with this process's arguments and those that the loader would like to have. */
export function startWorker(file: string, options: WorkerOptions): Worker {
  if (loaderArguments.length > 0) {
    try {
      // What the thread itself shows as its arguments; the list for Node leaves out what it would refuse.
      setEnvironmentData(ARGUMENTS, process.execArgv);
      return new Worker(file, { ...options, execArgv: withLoaderArguments(process.execArgv.filter(isOfThreads)) });
    } catch (error) {
      // Something that is for processes only; a worker that is given no arguments has those of its parent.
      if ((error as NodeJS.ErrnoException).code !== "ERR_WORKER_INVALID_EXEC_ARGV") throw error;
    }
  }
  return new Worker(file, options);
}

/** False for the common arguments that are for the whole process, so that a worker refuses them and has them anyway. */
function isOfThreads(arg: string): boolean {
  return !/^--(max[-_]|expose[-_]gc$|stack[-_]size=|harmony|allow[-_]natives[-_]syntax$|trace[-_]opt|trace[-_]gc)/.test(
    arg,
  );
}
