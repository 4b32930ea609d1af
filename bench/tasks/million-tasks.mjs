/**
 * Many tasks queued behind two blocked workers: `million-tasks.mjs NAME COUNT`, with --expose-gc. Bytes a task that
 * waits (of the whole process, its future included; and without what V8 keeps free), nanoseconds a submit, how much slower the last tenths are than the
 * first, and nanoseconds a task until all have run. Every result is checked.
 */
import { blockWorkers, pools } from "./pools.mjs";
import { isMain, median, result } from "./timing.mjs";

const TENTHS = 10;

async function main() {
  const [, , name, countText] = process.argv;
  const count = Number(countText);
  const pool = await pools[name]();
  const { run, end } = pool;
  await Promise.all(Array.from({ length: 2000 }, (_, i) => run(i)));
  const { open, passed } = await blockWorkers(pool);

  const futures = new Array(count).fill(null);
  globalThis.gc();
  const before = process.memoryUsage();
  const times = [];
  for (let tenth = 0, i = 0; tenth < TENTHS; tenth++) {
    const begin = process.hrtime.bigint();
    const from = i;
    for (const to = Math.floor(((tenth + 1) * count) / TENTHS); i < to; i++) futures[i] = run(i);
    times.push(Number(process.hrtime.bigint() - begin) / (i - from));
  }
  globalThis.gc();
  const after = process.memoryUsage();
  const bytes = (after.rss - before.rss) / count;
  const kept = ({ heapTotal, heapUsed }) => heapTotal - heapUsed;
  const inUse = bytes - (kept(after) - kept(before)) / count;

  const begin = process.hrtime.bigint();
  open();
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += await futures[i];
    futures[i] = null;
  }
  const drain = Number(process.hrtime.bigint() - begin) / count;
  if (sum !== (count * (count - 1)) / 2) throw new Error(`${name} lost a task`);
  if ((await Promise.all(passed)).some((answer) => answer !== "passed")) throw new Error("a worker was not blocked");
  const growth = median(times.slice(-3)) / median(times.slice(0, 3));
  result({ bytes, inUse, submit: median(times), growth, drain, tenths: times });
  await end();
}

if (await isMain()) await main();
