// Counts primes with a pool of processes, the same numbers in chunks of different sizes.
//
// Look for: with chunks of one number the processes' lanes are full of gaps and the arrows to them are many, since each
// number travels alone; with a few large chunks one process still works while the others have nothing left to do. The
// default, four chunks for each process, is between.

import { isMain } from "heddle";
import { cpuCount, Pool } from "heddle/multiprocessing";

const FIRST = 1_000_000_000;
const COUNT = 6000;

function isPrime(n: number) {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return n > 1;
}

if (isMain) {
  const processes = Math.min(4, cpuCount());
  await using pool = new Pool({ processes, name: "primes" });
  const numbers = Array.from({ length: COUNT }, (_, i) => FIRST + i);
  // The processes start now; what is measured below is their work.
  await pool.map(isPrime, numbers);
  for (const chunkSize of [1, 100, Math.ceil(COUNT / (processes * 4)), COUNT]) {
    const begin = performance.now();
    const found = await pool.map(isPrime, numbers, { chunkSize });
    const ms = performance.now() - begin;
    const primes = found.filter((prime) => prime).length;
    const chunks = Math.ceil(COUNT / chunkSize);
    console.log(`${primes} primes among ${COUNT} numbers, in ${chunks} chunks of ${chunkSize}: ${ms.toFixed(1)} ms`);
  }
}
