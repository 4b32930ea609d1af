// The same CPU-bound work by one thread, by threads, and by processes.
//
// Look for: the strip "cores in use". One thread keeps one core busy; both pools keep all of them busy, and the
// processes begin later because a process takes longer to start than a thread.

import { cpus } from "node:os";
import { isMain } from "heddle";
import { type Executor, ProcessPoolExecutor, ThreadPoolExecutor } from "heddle/futures";
import { span } from "heddle/trace";

/** How many primes there are below a limit, by trial division. */
function countPrimes(from: number, to: number): number {
  let count = 0;
  for (let n = Math.max(from, 2); n < to; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) {
      if (n % d === 0) {
        prime = false;
        break;
      }
    }
    if (prime) count++;
  }
  return count;
}

const LIMIT = 600_000;
const PIECES = 24;
const starts = Array.from({ length: PIECES }, (_, i) => Math.floor((i * LIMIT) / PIECES));
const ends = starts.map((_, i) => Math.floor(((i + 1) * LIMIT) / PIECES));

async function timed(title: string, work: () => number | Promise<number>) {
  const begin = performance.now();
  const primes = await span(title, work);
  console.log(`${title.padEnd(12)} ${primes} primes in ${(performance.now() - begin).toFixed(0)} ms`);
}

async function on(executor: Executor): Promise<number> {
  const counts = await executor.map(countPrimes, starts, ends);
  await executor.shutdown();
  return counts.reduce((sum, count) => sum + count, 0);
}

if (isMain) {
  const workers = cpus().length;
  await timed("one thread", () => starts.reduce((sum, start, i) => sum + countPrimes(start, ends[i]!), 0));
  await timed("threads", () => on(new ThreadPoolExecutor({ maxWorkers: workers })));
  await timed("processes", () => on(new ProcessPoolExecutor({ maxWorkers: workers })));
}
