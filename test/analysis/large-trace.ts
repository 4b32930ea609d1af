import { SyntheticTrace, us } from "./synthetic-trace.js";

/**
 * A large trace of about so many events: workers of a pool take tasks from a bounded queue, under a contended lock,
 * on a few cores. The same for the same numbers.
 */
export function largeTrace({ events = 1_000_000, workers = 8, cores = 4, seed = 1 } = {}): SyntheticTrace {
  let state = seed >>> 0 || 1;
  const random = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const trace = new SyntheticTrace({ cores, source: "perf", command: ["large.ts"] });
  const process = trace.process(1000, "large.ts");
  const main = process.thread("main");
  const lock = main.lock(us(1), "shared");
  const queue = main.queue(us(2), "jobs", 64);
  const pool = main.pool(us(3), "workers", workers);
  const threads = Array.from({ length: workers }, (_, i) => main.spawn(us(10 + i), `worker-${i + 1}`, us(200 + i)));
  for (const thread of threads) thread.worksFor(us(300), pool);
  // One round of a worker: queue put and get, task, wait for lock, acquire, release, span.
  const perRound = 14;
  const rounds = Math.max(1, Math.floor(events / perRound));
  const free = threads.map(() => us(400));
  const coreFree = Array.from({ length: cores }, () => us(400));
  let lockFree = 0;
  let clock = us(400);
  for (let round = 0; round < rounds; round++) {
    const i = round % workers;
    const thread = threads[i]!;
    const core = round % cores;
    const start = Math.max(free[i]!, coreFree[core]!, clock) + us(1 + random() * 5);
    clock += us(2);
    const task = main.submit(start - 600, pool, "job");
    main.put(start - 500, queue);
    thread.get(start - 100, queue);
    const wants = start + us(5 + random() * 30);
    const has = Math.max(wants, lockFree + 500);
    const gives = has + us(2 + random() * 6);
    lockFree = gives;
    const end = gives + us(5 + random() * 20);
    thread.on(core, start - 200, has > wants ? wants + 200 : end + 100);
    if (has > wants) thread.on(core, has - 200, end + 100, random() < 0.2);
    thread.task(start, end, pool, task, "job");
    thread.span(start + us(1), wants - us(1), "parse");
    if (has > wants) thread.acquire(has, lock, { since: wants });
    else thread.acquire(has, lock);
    thread.release(gives, lock);
    if (round % 50 === 0) main.counter(start, "jobs done", round, "jobs");
    if (round % 200 === 0) thread.gc(gives - 100, (gives - has - 200) / 1e6);
    free[i] = end + us(1);
    coreFree[core] = end + us(1);
  }
  const end = Math.max(...free) + us(10);
  for (const thread of threads) thread.end(end);
  main.end(end + us(10));
  process.exit(end + us(20));
  return trace;
}
