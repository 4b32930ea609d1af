/** HEDDLE_STRESS: how many pools are terminated in each way. */
import { expectScript } from "../../harness/run-script.js";

const ROUNDS = Number(process.env.HEDDLE_STRESS ?? 3);

describe("A ThreadPool that was terminated and joined", function () {
  this.timeout(60_000 + ROUNDS * 1000);

  for (const join of ["await pool.join()", "pool.joinSync()"]) {
    it(`has no thread any more that enumerate would show, after ${join}`, () =>
      expectScript(
        `
import assert from "node:assert/strict";
import { isMain } from "heddle";
import { ThreadPool } from "heddle/multiprocessing";
import { enumerate } from "heddle/threading";
function nothing() {}
if (isMain) {
  for (let round = 0; round < ${ROUNDS}; round++) {
    const pool = new ThreadPool({ processes: 2 });
    // At every stage: threads that the system has not started yet, that begin, that wait for tasks, that end by themselves.
    if (round % 3 === 1) await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    if (round % 3 === 2) await pool.apply(nothing);
    pool.terminate();
    ${join};
    assert.deepEqual(enumerate().map(({ name }) => name), ["MainThread"], "round " + round);
  }
  console.log("done");
}`,
        { timeout: 50_000 + ROUNDS * 1000 },
      ));
  }
});
