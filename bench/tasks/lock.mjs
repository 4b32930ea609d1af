/** Nanoseconds of one uncontended lock + unlock, and of one span: `node lock.mjs`, under trace or not. */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Lock } = require("heddle/threading");
const { mark } = require("heddle/trace");
const COUNT = 2_000_000;

function median(rounds, body) {
  body(COUNT / 10);
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const begin = process.hrtime.bigint();
    body(COUNT / 10);
    times.push(Number(process.hrtime.bigint() - begin) / (COUNT / 10));
  }
  return times.sort((a, b) => a - b)[rounds >> 1];
}

const lock = new Lock();
const words = new Int32Array(new SharedArrayBuffer(64));
const results = {
  "bare CAS lock + unlock": median(15, (n) => {
    for (let i = 0; i < n; i++) {
      Atomics.compareExchange(words, 0, 0, 1);
      Atomics.store(words, 0, 0);
    }
  }),
  "Lock.acquireSync + release": median(15, (n) => {
    for (let i = 0; i < n; i++) {
      lock.acquireSync();
      lock.release();
    }
  }),
  "trace.mark": median(15, (n) => {
    for (let i = 0; i < n; i++) mark("m");
  }),
};
console.log(`RESULT ${JSON.stringify(results)}`);
