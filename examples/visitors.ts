// Two doors of a museum, a process each, count visitors in one shared Value: first raced, then under its lock.
//
// Look for: in the first half both doors run at full speed and visitors get lost, since `value += 1` reads and writes and
// the other door comes in between; in the second half the lock's lane goes from one process to the other, and none is lost.

import { isMain } from "heddle";
import { Barrier, Process, Value } from "heddle/multiprocessing";

const VISITORS = 20_000;

/** Reads and writes take the lock one by one: neither is torn, but the two are not one step. */
function raced(count: Value<"i">, opening: Barrier) {
  opening.waitSync();
  for (let i = 0; i < VISITORS; i++) count.value += 1;
}

/** Holds the lock over both. */
function locked(count: Value<"i">, opening: Barrier) {
  opening.waitSync();
  for (let i = 0; i < VISITORS; i++) {
    using _held = count.holdSync();
    count.value += 1;
  }
}

async function day(title: string, door: typeof raced) {
  const count = new Value("i", 0, { name: `visitors, ${title}` });
  const opening = new Barrier(2);
  const doors = ["north", "south"].map(
    (name) => new Process({ target: door, args: [count, opening], name: `${name} door, ${title}` }),
  );
  for (const process of doors) process.start();
  for (const process of doors) await process.join();
  const lost = 2 * VISITORS - count.value;
  console.log(`${title}: ${lost === 0 ? "none" : lost} of ${2 * VISITORS} visitors lost`);
}

if (isMain) {
  await day("raced", raced);
  await day("locked", locked);
}
