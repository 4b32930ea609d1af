/** What the package `multithreading` takes from newer versions of Node than 20: import this before it. */
import { availableParallelism } from "node:os";

Promise.withResolvers ??= function withResolvers() {
  let resolve;
  let reject;
  const promise = new this((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
};
globalThis.navigator ??= { hardwareConcurrency: availableParallelism() };
