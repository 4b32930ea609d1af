/**
 * A flood: `many-events.mjs KIND COUNT`. Nanoseconds in all for the thread that writes about so many events as fast as it
 * can, which includes its waits for the ring to be emptied. KIND `mixed` makes them as a program does: a lock taken and
 * given back, a queue's put and get, a counter, a mark, a span; `marks` makes one; `console.time` is for Node's
 * own trace, into which a script can write by it alone (`performance.mark` leaves no trace event in Node 20).
 */
import { result } from "./timing.mjs";

const [, , kind, countText] = process.argv;
const count = Number(countText);

const subjects = {
  mixed: async () => {
    const { Lock } = await import("heddle/threading");
    const { Queue } = await import("heddle/queue");
    const { counter, mark, span } = await import("heddle/trace");
    const [lock, queue] = [new Lock({ name: "lock" }), new Queue({ name: "queue" })];
    const turns = Math.floor(count / 8);
    return {
      expect: { acquisitions: turns, puts: turns, gets: turns },
      body: () => {
        for (let i = 0; i < turns; i++) {
          lock.acquireSync();
          queue.putNowait(i);
          lock.release();
          if (queue.getNowait() !== i) throw new Error("not what was put");
          counter("a counter", i);
          mark("a mark");
          span("a span").end();
        }
      },
    };
  },
  marks: async () => {
    const { mark } = await import("heddle/trace");
    return {
      expect: { events: count },
      body: () => {
        for (let i = 0; i < count; i++) mark("a mark");
      },
    };
  },
  "console.time": () => ({
    body: () => {
      console.log = () => {};
      for (let i = 0; i < count / 2; i++) {
        console.time("a span");
        console.timeEnd("a span");
      }
    },
  }),
};

const { body, expect = {} } = await subjects[kind]();
const begin = process.hrtime.bigint();
body();
result({ ns: Number(process.hrtime.bigint() - begin), expect });
