// Four runners get ready, each in a time of its own, and start together: a barrier holds them until the last one is there.
//
// Look for: red waits of different lengths that all end at one instant, with arrows from the runner who came last. The
// lane of "gate" has one bar a round, in that runner's colour: it is who all the others waited for.

import { isMain } from "heddle";
import { Barrier, Thread } from "heddle/threading";
import { span } from "heddle/trace";

const RUNNERS = 4;
const RACES = 3;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs once a race, in the runner who came last, before any of them goes on. */
function bang() {
  console.log("bang!");
}

/** Writes when it was ready and when it started, in milliseconds, for each race. */
async function runner(n: number, gate: Barrier, memory: SharedArrayBuffer) {
  const times = new Float64Array(memory);
  for (let race = 0; race < RACES; race++) {
    await span("gets ready", () => sleep(20 + ((n * 37 + race * 53) % 100)));
    const at = 2 * (race * RUNNERS + n);
    times[at] = performance.now();
    gate.waitSync();
    times[at + 1] = performance.now();
    await span("runs", () => sleep(15));
  }
}

if (isMain) {
  const gate = new Barrier(RUNNERS, { name: "gate", action: bang });
  const memory = new SharedArrayBuffer(2 * 8 * RACES * RUNNERS);
  const runners = Array.from(
    { length: RUNNERS },
    (_, n) => new Thread({ target: runner, args: [n, gate, memory], name: `runner ${n + 1}` }),
  );
  for (const thread of runners) thread.start();
  for (const thread of runners) await thread.join();

  const times = new Float64Array(memory);
  for (let race = 0; race < RACES; race++) {
    const of = (which: number) =>
      Array.from({ length: RUNNERS }, (_, n) => times[2 * (race * RUNNERS + n) + which]!).sort((a, b) => a - b);
    const [ready, started] = [of(0), of(1)];
    const spread = (sorted: number[]) => (sorted.at(-1)! - sorted[0]!).toFixed(1);
    const fair = started[0]! >= ready.at(-1)!;
    console.log(
      `race ${race + 1}: ready within ${spread(ready)} ms of each other, started within ${spread(started)} ms: ${fair ? "fair" : "a false start"}`,
    );
  }
}
