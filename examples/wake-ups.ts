// A cook and three eaters with a condition between them, and the two mistakes that everybody makes with one: to believe
// that who is woken finds something (spurious wake-ups), and to wake too few (lost wake-ups).
//
// Look for: one arrow after another from the cook to eaters who at once wait again, as another one was faster; and the
// eaters who still wait in red although dishes stand there, because one notify() was all there was for three dishes.

import { isMain } from "heddle";
import { Condition, Lock, Thread } from "heddle/threading";
import { mark } from "heddle/trace";

const EATERS = 3;
const [Dishes, Waiting, Eaten, WokenInVain, TakenFromNothing, Closed] = [0, 1, 2, 3, 4, 5];

/** Eats one dish. `again`: looks again when it is woken, as one must. */
function eat(counter: Condition, memory: SharedArrayBuffer, again: boolean) {
  const words = new Int32Array(memory);
  using _held = counter.holdSync();
  const wait = () => {
    words[Waiting]!++;
    counter.waitSync();
    words[Waiting]!--;
    if (words[Dishes] === 0 && words[Closed] === 0) words[WokenInVain]!++;
  };
  if (again) while (words[Dishes] === 0 && words[Closed] === 0) wait();
  else if (words[Dishes] === 0) wait();
  if (words[Closed] !== 0) return;
  if (words[Dishes] === 0) words[TakenFromNothing]!++;
  else {
    words[Dishes]!--;
    words[Eaten]!++;
  }
}

interface Meal {
  readonly title: string;
  /** Whether eaters look again when they are woken. */
  readonly again: boolean;
  readonly dishes: number;
  readonly notify: "one" | "all";
  /** How many will have gone when nobody has anything to do any more, and how many found nothing when woken. */
  readonly gone: number;
  readonly inVain: number;
}

async function serve({ title, again, dishes, notify, gone, inVain }: Meal) {
  const counter = new Condition(new Lock({ name: `lock (${title})` }), { name: title });
  const memory = new SharedArrayBuffer(32);
  const words = new Int32Array(memory);
  const eaters = Array.from(
    { length: EATERS },
    (_, i) => new Thread({ target: eat, args: [counter, memory, again], name: `eater ${i + 1} (${title})` }),
  );
  for (const thread of eaters) thread.start();
  const here = () => eaters.filter((thread) => thread.isAlive()).length;
  /** Looks under the lock until something is so. */
  const until = async (holds: () => boolean) => {
    for (;;) {
      {
        using _held = await counter.hold();
        if (holds()) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await until(() => words[Waiting] === EATERS);
  {
    using _held = await counter.hold();
    words[Dishes] = dishes;
    if (notify === "all") counter.notifyAll();
    else counter.notify();
  }
  await until(() => here() === EATERS - gone && words[Waiting] === EATERS - gone && words[WokenInVain] === inVain);
  const result =
    `${words[Eaten]} eaten, ${words[Dishes]} left over, ${here()} still wait, ` +
    `${words[WokenInVain]} woken in vain, ${words[TakenFromNothing]} took from an empty counter`;
  mark(`${title}: ${result}`);
  console.log(`${title}: ${result}`);
  {
    using _held = await counter.hold();
    words[Closed] = 1;
    counter.notifyAll();
  }
  for (const thread of eaters) await thread.join();
}

if (isMain) {
  // Three are woken for one dish: two find nothing. With "while" they wait again, with "if" they take what is not there.
  await serve({ title: "while", again: true, dishes: 1, notify: "all", gone: 1, inVain: 2 });
  await serve({ title: "if", again: false, dishes: 1, notify: "all", gone: 3, inVain: 2 });
  // Three dishes at once, and one is woken: two eaters sleep beside two dishes.
  await serve({ title: "one notify", again: true, dishes: 3, notify: "one", gone: 1, inVain: 0 });
  await serve({ title: "notify all", again: true, dishes: 3, notify: "all", gone: 3, inVain: 0 });

  // News that nobody waits for is no news: a condition remembers nothing.
  const counter = new Condition();
  using _held = counter.holdSync();
  counter.notify();
  console.log(`too early: the wait ${counter.waitSync({ timeout: 30 }) ? "was woken" : "heard nothing"}`);
}
