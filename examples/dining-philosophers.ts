// Five philosophers, five forks: each takes the one at its left, then waits for the one at its right. For ever.
//
// Look for: five lanes that turn red at the same moment, each waiting for a fork that its neighbour holds. The run says
// who waits for whom, names the cycle and ends with exit code 86. With the argument "polite" one of them takes the right
// fork first, and everybody eats.

import { isMain } from "heddle";
import { Barrier, Lock, Thread } from "heddle/threading";

const NAMES = ["Plato", "Hypatia", "Laozi", "Sappho", "Diogenes"];

function dine(name: string, first: Lock, second: Lock, allHaveOne: Barrier | null) {
  using _one = first.holdSync();
  allHaveOne?.waitSync(); // so that it happens every time, and not once a year
  using _other = second.holdSync();
  console.log(`${name} eats`);
}

if (isMain) {
  const polite = process.argv[2] === "polite";
  const forks = NAMES.map((_, i) => new Lock({ name: `fork ${i + 1}` }));
  const allHaveOne = polite ? null : new Barrier(NAMES.length, { name: "all have one fork" });
  const philosophers = NAMES.map((name, i) => {
    const [left, right] = [forks[i]!, forks[(i + 1) % forks.length]!];
    const [first, second] = polite && i === 0 ? [right, left] : [left, right];
    return new Thread({ target: dine, args: [name, first, second, allHaveOne], name });
  });
  for (const philosopher of philosophers) philosopher.start();
  for (const philosopher of philosophers) await philosopher.join();
  console.log("all have eaten");
}
