// Two workshops take jobs from a priority queue; urgent ones come late and overtake all that wait.
//
// Look for: in the queue's lane the arrows of the urgent jobs are short and cross the long ones of the ordinary jobs,
// which were put first and are taken last. The main thread is red until the last job is reported done: `join`.

import { createHash } from "node:crypto";
import { isMain } from "heddle";
import { PriorityQueue, ShutDown, SimpleQueue } from "heddle/queue";
import { Thread } from "heddle/threading";
import { span } from "heddle/trace";

interface Job {
  urgency: number;
  name: string;
}

/** At the top level of the module, since it goes to every thread that puts a job in. */
function mostUrgentFirst(a: Job, b: Job) {
  return b.urgency - a.urgency;
}

function workshop(jobs: PriorityQueue<Job>, done: SimpleQueue<string>) {
  for (;;) {
    try {
      const job = jobs.getSync();
      span(job.name, () => {
        let digest = job.name;
        for (let i = 0; i < 3_000; i++) digest = createHash("sha256").update(digest).digest("hex");
      });
      done.putSync(job.name);
      jobs.taskDone();
    } catch (error) {
      if (error instanceof ShutDown) return; // and nothing is left
      throw error;
    }
  }
}

if (isMain) {
  const jobs = new PriorityQueue<Job>({ compare: mostUrgentFirst, name: "jobs" });
  const done = new SimpleQueue<string>({ name: "done" });
  for (let i = 1; i <= 20; i++) jobs.putSync({ urgency: 0, name: `ordinary ${i}` });
  const workshops = [1, 2].map((i) => new Thread({ target: workshop, args: [jobs, done], name: `workshop ${i}` }));
  for (const thread of workshops) thread.start();
  // Once the first job is done the urgent ones come in, the least urgent of them first.
  const order = [await done.get()];
  for (const [urgency, name] of [1, 2, 3].map((n) => [n, `urgent ${n}`] as const)) jobs.putSync({ urgency, name });
  await jobs.join();
  jobs.shutdown();
  for (const thread of workshops) await thread.join();
  while (!done.empty()) order.push(done.getNowait());
  const places = ["urgent 3", "urgent 2", "urgent 1"].map((name) => order.indexOf(name) + 1);
  console.log(
    `${order.length} jobs done; the urgent ones were number ${places.join(", ")}, the last one is ${order.at(-1)}`,
  );
}
