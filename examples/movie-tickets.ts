// Ten people buy the last twenty tickets of a film: each looks how many are left, pays, and writes down one less.
//
// Look for: without the lock all ten pay at once, and most of their sales are lost. With it their red parts stand in
// line, one behind the other: the lane of "box office" is never free until the last one has paid.

import { isMain } from "heddle";
import { Lock, Thread } from "heddle/threading";
import { span } from "heddle/trace";

const TICKETS = 20;
const BUYERS = 10;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function sell(tickets: Int32Array, buyer: string) {
  const left = Atomics.load(tickets, 0);
  await span("pays", () => sleep(20));
  Atomics.store(tickets, 0, left - 1);
  console.log(`${buyer} has a ticket, ${left - 1} are left`);
}

async function buy(buyer: string, memory: SharedArrayBuffer, boxOffice: Lock | null) {
  const tickets = new Int32Array(memory);
  if (boxOffice === null) {
    await sell(tickets, buyer);
    return;
  }
  using _turn = boxOffice.holdSync();
  await sell(tickets, buyer);
}

async function evening(title: string, boxOffice: Lock | null) {
  const memory = new SharedArrayBuffer(4);
  new Int32Array(memory)[0] = TICKETS;
  const buyers = Array.from({ length: BUYERS }, (_, i) => {
    const name = `buyer ${i + 1}`;
    return new Thread({ target: buy, args: [name, memory, boxOffice], name: `${name} (${title})` });
  });
  await span(title, async () => {
    for (const thread of buyers) thread.start();
    for (const thread of buyers) await thread.join();
  });
  const left = new Int32Array(memory)[0]!;
  const sold = TICKETS - left;
  console.log(
    `${title}: ${BUYERS} paid, ${sold} tickets are gone${sold === BUYERS ? "" : `: ${BUYERS - sold} too few`}`,
  );
}

if (isMain) {
  await evening("without a lock", null);
  await evening("with a lock", new Lock({ name: "box office" }));
}
