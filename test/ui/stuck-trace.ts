/** Programs that can never go on, for pictures and tests. */
import { EventFlag, EventKind } from "../../src/trace/events.js";
import { ms, SyntheticTrace } from "../analysis/synthetic-trace.js";

/** Two threads of three that wait for each other, from 400 ms on; the main thread waits for one of them. */
export function deadlockTrace({ prefix = "" } = {}): SyntheticTrace {
  const made = new SyntheticTrace({ cores: 2, command: ["bank.ts"] });
  const process = made.process(100, "bank.ts");
  const main = process.thread("main");
  const [a, b] = [main.lock(0, `${prefix}accounts`), main.lock(0, `${prefix}ledger`)];
  const [one, two] = [main.spawn(ms(20), `${prefix}one`), main.spawn(ms(30), `${prefix}two`)];
  main.join(ms(40), null, one);
  one.acquire(ms(100), a);
  two.acquire(ms(120), b);
  one.waitForLock(ms(390), b, { site: "file:///work/bank.ts:12:5" });
  two.waitForLock(ms(400), a, { site: "file:///work/bank.ts:19:5" });
  process.stuck(ms(1900), ms(400));
  return made;
}

/** A thread that awaits an item which nobody puts, from 300 ms on. */
export function starvedTrace(): SyntheticTrace {
  const made = new SyntheticTrace({ cores: 2, command: ["jobs.ts"] });
  const process = made.process(100, "jobs.ts");
  const main = process.thread("main");
  const jobs = main.queue(0, "jobs");
  main.emit(ms(290), EventKind.QueueGetWait, {
    object: jobs.number,
    a: 77,
    site: "file:///work/jobs.ts:9:3",
    flags: EventFlag.Async,
  });
  process.stuck(ms(1800), ms(300));
  return made;
}
