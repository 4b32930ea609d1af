// Four runners get ready, each in a time of its own, and start together: a barrier holds them until the last one is there.
// They are threads; with the argument `processes` they are processes, and nothing else changes.
//
// Look for: red waits of different lengths that all end at one instant, with arrows from the runner who came last. The
// lane of "gate" has one bar a round, in that runner's colour: it is who all the others waited for.

import { isMain } from "heddle";
import { Process, Barrier as ProcessBarrier, RawArray } from "heddle/multiprocessing";
import { Barrier, Thread } from "heddle/threading";
import { span } from "heddle/trace";

const RUNNERS = 4;
const RACES = 3;

const PLACES = 2 * RACES * RUNNERS;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs once a race, in the runner who came last, before any of them goes on. */
function bang() {
  console.log("bang!");
}

/** The clock of the machine, the same for all processes, in milliseconds. */
const clock = () => Number(process.hrtime.bigint()) / 1e6;

/** Writes when it was ready and when it started, in milliseconds, for each race. */
async function runner(n: number, gate: Barrier | ProcessBarrier, times: Float64Array | RawArray<"d">) {
  for (let race = 0; race < RACES; race++) {
    await span("gets ready", () => sleep(20 + ((n * 37 + race * 53) % 100)));
    const at = 2 * (race * RUNNERS + n);
    times[at] = clock();
    gate.waitSync();
    times[at + 1] = clock();
    await span("runs", () => sleep(15));
  }
}

if (isMain) {
  const options = { name: "gate", action: bang };
  const numbers = Array.from({ length: RUNNERS }, (_, n) => n);
  const processes = process.argv[2] === "processes";
  const times = processes ? new RawArray("d", PLACES) : new Float64Array(new SharedArrayBuffer(8 * PLACES));
  const gate = processes ? new ProcessBarrier(RUNNERS, options) : new Barrier(RUNNERS, options);
  const args = (n: number): Parameters<typeof runner> => [n, gate, times];
  const runners: (Thread | Process)[] = numbers.map((n) =>
    processes
      ? new Process({ target: runner, args: args(n), name: `runner ${n + 1}` })
      : new Thread({ target: runner, args: args(n), name: `runner ${n + 1}` }),
  );
  for (const one of runners) one.start();
  for (const one of runners) await one.join();

  for (let race = 0; race < RACES; race++) {
    const sorted = (which: number) =>
      numbers.map((n) => times[2 * (race * RUNNERS + n) + which]!).sort((a, b) => a - b);
    const [ready, started] = [sorted(0), sorted(1)];
    const spread = (instants: number[]) => (instants.at(-1)! - instants[0]!).toFixed(1);
    const fair = started[0]! >= ready.at(-1)!;
    console.log(
      `race ${race + 1}: ready within ${spread(ready)} ms of each other, started within ${spread(started)} ms: ${fair ? "fair" : "a false start"}`,
    );
  }
}
