/**
 * A trace with something of everything, small enough to look at: workers of a pool take jobs from a bounded queue and
 * quarrel over a lock; a child process computes; spans, marks, counters, a failed task, garbage collections.
 */
import { EventKind, ObjectKind } from "../../src/trace/events.js";
import { ms, SyntheticTrace, us } from "../analysis/synthetic-trace.js";

export const SITE = "file:///home/ada/projects/orders/pipeline.ts";

export interface DemoOptions {
  /** Put in front of every name, for names that are nasty. */
  readonly prefix?: string;
  readonly jobs?: number;
}

export function demoTrace({ prefix = "", jobs = 90 }: DemoOptions = {}): SyntheticTrace {
  let seed = 7;
  const random = (): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };
  const name = (text: string): string => prefix + text;
  const trace = new SyntheticTrace({ cores: 6, source: "perf", command: ["pipeline.ts"] });
  const process = trace.process(4711, name("pipeline.ts"));
  const main = process.thread(name("main"));
  const lock = main.lock(us(900), name("ledger"), `${SITE}:14:16`);
  const queue = main.queue(us(910), name("orders"), 8, `${SITE}:15:17`);
  const pool = main.pool(us(920), name("workers"), 4, `${SITE}:18:15`);
  main.on(4, 0, ms(6));
  main.span(us(200), ms(4.2), name("load config"), JSON.stringify({ files: 3, cached: false }));
  const workers = Array.from({ length: 4 }, (_, i) =>
    main.spawn(ms(4.4 + i * 0.2), name(`worker-${i + 1}`), ms(5 + i * 0.5)),
  );
  for (const worker of workers) worker.worksFor(ms(5.2), pool);
  main.mark(ms(6), name("workers ready"));
  const free = workers.map((_, i) => ms(8 + i));
  const core = workers.map((_, i) => i % 4);
  let lockFree = 0;
  let submitted = ms(6);
  let mainFree = ms(6);
  const starts: number[] = [];
  for (let job = 0; job < jobs; job++) {
    const i = free.indexOf(Math.min(...free));
    const worker = workers[i]!;
    // The producer waits when eight jobs are in the queue.
    const earliest = job >= 8 ? starts[job - 8]! : 0;
    const wants = Math.max(submitted + us(300), mainFree);
    const put = Math.max(wants, earliest + us(20));
    main.on(4, mainFree, wants + us(10));
    if (put > wants + us(100)) main.on(4, put - us(10), put + us(60));
    const task = main.submit(put + us(40), pool, name("settle"), `${SITE}:40:12`);
    main.put(put, queue, put > wants ? { since: wants, site: `${SITE}:38:15` } : { site: `${SITE}:38:15` });
    submitted = put + us(50);
    mainFree = put + us(60);
    const start = Math.max(free[i]!, put + us(80));
    starts.push(start);
    const idleSince = free[i]!;
    worker.get(
      start,
      queue,
      start > idleSince + us(100) ? { since: idleSince, site: `${SITE}:52:23` } : { site: `${SITE}:52:23` },
    );
    const parse = start + us(60) + ms(random() * 1.2);
    const before = parse + ms(0.6 + random() * 2.5);
    const has = Math.max(before, lockFree + us(30));
    const gives = has + ms(0.5 + random() * 1.1);
    const end = gives + ms(0.4 + random() * 2.2);
    const c = core[i]!;
    worker.on(c, start - us(20), has > before ? before + us(10) : end, has <= before);
    if (has > before) {
      const ready = random() < 0.3 ? us(250) : us(15);
      worker.on(c, has + ready, end + us(30), random() < 0.3);
    }
    worker.task(start + us(30), end, pool, task, name("settle"), job % 29 === 17);
    worker.span(start + us(60), parse, name("parse order"));
    worker.span(has + us(5), gives - us(5), name("write ledger"), JSON.stringify({ account: job % 7 }));
    worker.acquire(has, lock, has > before ? { since: before, site: `${SITE}:71:9` } : { site: `${SITE}:71:9` });
    worker.release(gives, lock);
    if (job % 9 === 4) worker.gc(end - us(40), 0.3 + random() * 0.4);
    main.counter(put, name("orders settled"), job, "orders");
    lockFree = gives;
    free[i] = end + us(40);
    if (random() < 0.1) {
      const other = Math.floor(random() * 4);
      const both = [core[other]!, core[i]!] as const;
      if (free[other]! < free[i]!) [core[i], core[other]] = both;
    }
  }
  const half = free[0]! / 2;
  const child = trace.process(4720, name("report.ts"), half, 4711);
  const reporter = child.thread(name("main"), half + ms(2));
  main.emit(half, EventKind.ProcessSpawn, { a: 4720, b: main.text(name("report.ts")), site: `${SITE}:90:3` });
  reporter.on(5, half + ms(2), half + ms(18)).span(half + ms(3), half + ms(17), name("render report"));
  child.exit(half + ms(19));
  const spare = main.create(ms(1), ObjectKind.Semaphore, name("sockets"), 2, `${SITE}:16:18`);
  workers.forEach((worker, i) => {
    worker.acquire(ms(9 + i * 2), spare).release(ms(13 + i * 3), spare);
  });
  const end = Math.max(...free) + ms(1);
  for (const worker of workers) worker.end(end);
  main.join(mainFree + us(10), end, workers[0]!);
  main.on(4, end, end + ms(1));
  main.mark(end + us(200), name("all settled"));
  main.end(end + ms(1.2));
  process.exit(end + ms(1.3));
  return trace;
}
