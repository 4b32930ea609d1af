// Three cooks take orders from one list, and write into one dictionary what they have cooked: both live in a manager's
// server, a process of its own, and everybody else has a proxy of them.
//
// Look for: the lane of the server and the arrows to it: each `get`, `set` and `pop` is a request and an answer. In the
// first half the cooks read a number, add one and write it back, and lose dishes; in the second they do so under a lock
// of the manager's, and wait for each other at it.

import { isMain } from "heddle";
import {
  type AcquirerProxy,
  type BarrierProxy,
  type DictProxy,
  type ListProxy,
  Manager,
  Process,
} from "heddle/multiprocessing";

const MENU = ["soup", "salad", "stew"];
const ORDERS = 60;

interface Kitchen {
  opening: BarrierProxy;
  orders: ListProxy<string>;
  cooked: DictProxy<string, number>;
  lock: AcquirerProxy | null;
}

async function cook({ opening, orders, cooked, lock }: Kitchen) {
  await opening.wait();
  for (;;) {
    let dish: string;
    try {
      dish = await orders.pop(); // one step at the server: no order is taken twice
    } catch (error) {
      if (error instanceof RangeError) return; // the list is empty
      throw error;
    }
    await lock?.acquire();
    const before = (await cooked.get(dish)) ?? 0; // two steps: another cook may come in between
    await cooked.set(dish, before + 1);
    await lock?.release();
  }
}

if (isMain) {
  await using manager = await Manager({ name: "kitchen" });
  for (const title of ["without a lock", "with a lock"]) {
    const all = Array.from({ length: ORDERS }, (_, i) => MENU[i % MENU.length]!);
    const kitchen: Kitchen = {
      opening: await manager.Barrier(3, { name: "opening" }),
      orders: await manager.list(all),
      cooked: await manager.dict<string, number>(),
      lock: title === "with a lock" ? await manager.Lock({ name: "stove" }) : null,
    };
    const cooks = [1, 2, 3].map((n) => new Process({ target: cook, args: [kitchen], name: `cook ${n}, ${title}` }));
    for (const process of cooks) process.start();
    for (const process of cooks) await process.join();
    const counts = await kitchen.cooked.items();
    const sum = counts.reduce((total, [, count]) => total + count, 0);
    const list = counts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([dish, count]) => `${count} ${dish}`);
    console.log(`${title}: ${ORDERS} orders, ${sum} dishes counted${sum === ORDERS ? `: ${list.join(", ")}` : ""}`);
  }
}
