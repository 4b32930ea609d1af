// Transfers between the accounts of a bank by four threads: first raced, then under a lock.
//
// Look for: in the first half the threads never wait and money appears or vanishes; in the second half the lock's lane
// shows who holds it and the red parts of the threads wait for it. The red is what correctness costs here.

import { isMain } from "heddle";
import { type Lock, Lock as NewLock, Thread } from "heddle/threading";
import { mark, span } from "heddle/trace";

const ACCOUNTS = 8;
const OPENING_BALANCE = 1_000;
const TRANSFERS = 3_000;

/** Moves 1 from one account to another, slowly enough that others come in between. */
function transfer(accounts: Int32Array, from: number, to: number) {
  const a = accounts[from]!;
  const b = accounts[to]!;
  let checksum = 0;
  for (let i = 0; i < 2_000; i++) checksum = (checksum + i * a) | 0;
  accounts[from] = a - 1 + (checksum & 0);
  accounts[to] = b + 1;
}

/** What each thread does. */
function teller(memory: SharedArrayBuffer, lock: Lock | null, seed: number) {
  const accounts = new Int32Array(memory);
  let random = seed;
  const next = () => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (random >> 8) % ACCOUNTS;
  };
  for (let i = 0; i < TRANSFERS; i++) {
    const from = next();
    const to = (from + 1 + (next() % (ACCOUNTS - 1))) % ACCOUNTS;
    if (lock === null) transfer(accounts, from, to);
    else {
      lock.acquireSync();
      try {
        transfer(accounts, from, to);
      } finally {
        lock.release();
      }
    }
  }
}

async function day(title: string, lock: Lock | null) {
  const memory = new SharedArrayBuffer(4 * ACCOUNTS);
  new Int32Array(memory).fill(OPENING_BALANCE);
  const tellers = [1, 2, 3, 4].map(
    (n) => new Thread({ target: teller, args: [memory, lock, n * 7919], name: `teller ${n} (${title})` }),
  );
  await span(title, async () => {
    for (const thread of tellers) thread.start();
    for (const thread of tellers) await thread.join();
  });
  const total = new Int32Array(memory).reduce((sum, balance) => sum + balance, 0);
  const expected = ACCOUNTS * OPENING_BALANCE;
  mark(`${title}: ${total - expected}`);
  console.log(
    `${title}: ${total} in all accounts, ${total === expected ? "nothing lost" : `off by ${total - expected}`}`,
  );
}

if (isMain) {
  await day("raced", null);
  await day("with a lock", new NewLock({ name: "accounts" }));
}
