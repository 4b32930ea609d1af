/** `heddle/subprocess`: programs that are not scripts. */
export { CalledProcessError, TimeoutExpired } from "../core/errors.js";
export { type CompletedProcess, type RunOptions, type RunSyncOptions, run, runSync } from "./run.js";
