/**
 * Nanoseconds of an empty task in one pool: `pool.mjs NAME FORM COUNT`. FORM is `burst`, where all are submitted at once,
 * or `inflight`, where 64 are under way at any time and each result submits the next task. Two workers; every result is
 * checked.
 */
import { awaitTwoWorkers, pools } from "./pools.mjs";
import { isMain, median, quick, result } from "./timing.mjs";

const IN_FLIGHT = 64;
/** Rounds are repeated for so long, but not more often than MOST: milliseconds. */
const LONG_ENOUGH = quick ? 0 : 500;
const MOST = 5;

const forms = {
  burst: async (run, count) => {
    const promises = new Array(count);
    for (let i = 0; i < count; i++) promises[i] = run(i);
    const results = await Promise.all(promises);
    return results.every((value, i) => value === i);
  },
  inflight: async (run, count) => {
    let next = 0;
    let right = true;
    const lane = async () => {
      while (next < count) {
        const i = next++;
        if ((await run(i)) !== i) right = false;
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    return right;
  },
};

async function main() {
  const [, , name, form, countText] = process.argv;
  const count = Number(countText);
  const { run, end } = await pools[name]();
  let tasks = await awaitTwoWorkers(name, run);
  const warmUp = Math.min(count, 5000);
  await forms[form](run, warmUp);
  tasks += warmUp;
  const times = [];
  const until = performance.now() + LONG_ENOUGH;
  do {
    const begin = process.hrtime.bigint();
    const right = await forms[form](run, count);
    times.push(Number(process.hrtime.bigint() - begin) / count);
    if (!right) throw new Error(`${name} gave a wrong result`);
    tasks += count;
  } while (times.length < MOST && performance.now() < until);
  const isOurs = name.endsWith("Executor");
  result({ ns: median(times), expect: isOurs ? { tasks } : {} });
  await end();
}

if (await isMain()) await main();
