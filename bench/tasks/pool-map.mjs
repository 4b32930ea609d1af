/** Nanoseconds an item of `Pool.map` over numbers, two processes, chunks as they are by default: `pool-map.mjs COUNT`. */
import { isMain } from "heddle";
import { Pool } from "heddle/multiprocessing";
import { increment } from "./echo.mjs";
import { median, quick, result } from "./timing.mjs";

const LONG_ENOUGH = quick ? 0 : 500;
const MOST = 5;

async function main() {
  const count = Number(process.argv[2]);
  const items = Array.from({ length: count }, (_, i) => i);
  const pool = new Pool({ processes: 2 });
  const once = async () => {
    const results = await pool.map(increment, items);
    if (results.length !== count || !results.every((value, i) => value === i + 1)) throw new Error("wrong results");
  };
  let tasks = 0;
  for (let warmUp = 0; warmUp < 3; warmUp++) await once();
  const times = [];
  const until = performance.now() + LONG_ENOUGH;
  do {
    const begin = process.hrtime.bigint();
    const results = await pool.map(increment, items);
    times.push(Number(process.hrtime.bigint() - begin) / count);
    if (results[count - 1] !== count) throw new Error("wrong results");
    tasks++;
  } while (times.length < MOST && performance.now() < until);
  // Each map goes in four chunks a process.
  result({ ns: median(times), expect: { tasks: (tasks + 3) * Math.min(count, 8) } });
  pool.close();
  await pool.join();
}

if (isMain) await main();
