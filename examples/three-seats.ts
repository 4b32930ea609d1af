// Eight guests and a table with three seats: a semaphore lets three sit down at a time.
//
// Look for: the lane of "seats" has three rows and never a fourth, and the number of those who wait falls as they leave.
// An arrow leads from each guest who gets up to the one who sits down for it.

import { isMain } from "heddle";
import { Semaphore, Thread } from "heddle/threading";
import { span } from "heddle/trace";

const SEATS = 3;
const GUESTS = 8;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function guest(name: string, seats: Semaphore, memory: SharedArrayBuffer) {
  const seated = new Int32Array(memory);
  using _seat = seats.holdSync();
  const now = Atomics.add(seated, 0, 1) + 1;
  // The most there ever were.
  for (let most = Atomics.load(seated, 1); now > most; most = Atomics.load(seated, 1)) {
    Atomics.compareExchange(seated, 1, most, now);
  }
  console.log(`${name} sits down: ${now} of ${SEATS} seats taken`);
  await span("eats", () => sleep(60));
  Atomics.sub(seated, 0, 1);
}

if (isMain) {
  const seats = new Semaphore(SEATS, { name: "seats" });
  const memory = new SharedArrayBuffer(8);
  const guests = Array.from({ length: GUESTS }, (_, i) => {
    const name = `guest ${i + 1}`;
    return new Thread({ target: guest, args: [name, seats, memory], name });
  });
  for (const thread of guests) thread.start();
  for (const thread of guests) await thread.join();
  const [left, most] = new Int32Array(memory);
  console.log(`at most ${most} sat at once, ${left} are left, ${seats.getValue()} seats are free`);
}
