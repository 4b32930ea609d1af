// Two child processes answer questions over pipes; the parent asks both, takes whichever answer is there first, and asks
// that one again.
//
// Look for: three processes, each with lanes of its own. The children are busy in turn with long and short questions,
// and the parent is blocked between two answers: it waits for both pipes at once.

import { isMain } from "heddle";
import { type Connection, EOFError, Pipe, Process, waitSync } from "heddle/multiprocessing";
import { span } from "heddle/trace";

interface Answer {
  upTo: number;
  primes: number;
}

function countPrimes(upTo: number) {
  const composite = new Uint8Array(upTo + 1);
  let primes = 0;
  for (let n = 2; n <= upTo; n++) {
    if (composite[n]) continue;
    primes++;
    for (let multiple = n * n; multiple <= upTo; multiple += n) composite[multiple] = 1;
  }
  return primes;
}

function oracle(questions: Connection) {
  for (;;) {
    try {
      const upTo: number = questions.recvSync();
      questions.sendSync({ upTo, primes: span(`primes up to ${upTo}`, () => countPrimes(upTo)) });
    } catch (error) {
      if (error instanceof EOFError) return; // the parent has closed its end: no more questions
      throw error;
    }
  }
}

if (isMain) {
  const questions = [10, 3_000_000, 100, 1_000, 10_000, 2_000_000, 100_000, 1_000_000];
  let open: Connection[] = [];
  const oracles = ["Delphi", "Dodona"].map((name) => {
    const [ours, theirs] = Pipe();
    const process = new Process({ target: oracle, args: [theirs], name });
    process.start();
    theirs.close(); // the child has a copy of its own, and only that one is to keep the pipe open
    ours.sendSync(questions.shift()!);
    open.push(ours);
    return process;
  });

  while (open.length > 0) {
    for (const connection of waitSync(open)) {
      const { upTo, primes }: Answer = connection.recvSync();
      console.log(`${primes} primes up to ${upTo}`);
      const next = questions.shift();
      if (next !== undefined) connection.sendSync(next);
      else {
        connection.close();
        open = open.filter((other) => other !== connection);
      }
    }
  }
  for (const process of oracles) process.joinSync();
}
