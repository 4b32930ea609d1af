/**
 * Items a second from another thread to the main one: `queue-between-threads.mjs NAME ITEM COUNT`. Both begin at the
 * same time, the consumer checks what arrives. ITEM is `number` or `object`.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { median, need, quick, result } from "./timing.mjs";

const ROUNDS = quick ? 2 : 5;
const PACK = 100;

const items = {
  number: (i) => i,
  object: (i) => ({ id: i, name: "item", ready: true }),
};
const valueOf = { number: (item) => item, object: (item) => item.id };

/** Blocks until round `round` begins. */
function awaitRound(gate, round) {
  for (;;) {
    const current = Atomics.load(gate, 0);
    if (current >= round) return;
    Atomics.wait(gate, 0, current);
  }
}

/** The producer of our queues. */
export function produce(queue, kind, count, rounds, gate) {
  const make = items[kind];
  for (let round = 1; round <= rounds; round++) {
    awaitRound(gate, round);
    for (let i = 0; i < count; i++) queue.putSync(make(i));
  }
}

/** The producer of plain workers: by one message an item, or so many items a message. */
function post({ kind, count, rounds, gate, pack }) {
  const make = items[kind];
  for (let round = 1; round <= rounds; round++) {
    awaitRound(gate, round);
    if (pack === 1) for (let i = 0; i < count; i++) parentPort.postMessage(make(i));
    else {
      for (let i = 0; i < count; i += pack) {
        parentPort.postMessage(Array.from({ length: Math.min(pack, count - i) }, (_, j) => make(i + j)));
      }
    }
  }
}

/** Gives how the main thread consumes `count` items, and returns the sum of them. */
async function ours(Queue, options, consume, { kind, count, rounds, gate }) {
  const { Thread } = await import("heddle/threading");
  const queue = new Queue(options);
  const thread = new Thread({ target: produce, args: [queue, kind, count, rounds, gate] });
  thread.start();
  return {
    round: () => consume(queue, count, valueOf[kind]),
    end: () => thread.join(),
    expect: { puts: count * rounds, gets: count * rounds },
  };
}

function bySync(queue, count, value) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value(queue.getSync());
  return sum;
}

async function byAwait(queue, count, value) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value(await queue.get());
  return sum;
}

function plain(pack, { kind, count, rounds, gate }) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { kind, count, rounds, gate, pack } });
  const value = valueOf[kind];
  return {
    round: () =>
      new Promise((resolve) => {
        let sum = 0;
        let seen = 0;
        worker.removeAllListeners("message");
        worker.on("message", (message) => {
          if (pack === 1) {
            sum += value(message);
            seen++;
          } else {
            for (const item of message) sum += value(item);
            seen += message.length;
          }
          if (seen === count) resolve(sum);
        });
      }),
    end: () => worker.terminate(),
  };
}

const queues = () => import("heddle/queue");
const subjects = {
  Queue: async (work) => ours((await queues()).Queue, {}, bySync, work),
  "Queue, maxSize 1024": async (work) => ours((await queues()).Queue, { maxSize: 1024 }, bySync, work),
  "Queue, await get()": async (work) => ours((await queues()).Queue, {}, byAwait, work),
  SimpleQueue: async (work) => ours(need(await queues(), "SimpleQueue"), {}, bySync, work),
  postMessage: (work) => plain(1, work),
  "postMessage, batched": (work) => plain(PACK, work),
  "multithreading channel": async ({ kind, count, rounds, gate }) => {
    await import("./multithreading-on-old-node.mjs");
    const { channel, move, spawn } = await import("multithreading");
    // Its default of 64 KiB, which is its fastest, is too small for 1024 objects.
    const [sender, receiver] = channel(1024, { size: kind === "number" ? 1 << 16 : 1 << 18 });
    const sending = spawn(move(sender, gate.buffer, kind, count, rounds), (tx, memory, itemKind, n, times) => {
      const words = new Int32Array(memory);
      for (let round = 1; round <= times; round++) {
        for (let seen = Atomics.load(words, 0); seen < round; seen = Atomics.load(words, 0))
          Atomics.wait(words, 0, seen);
        for (let i = 0; i < n; i++) tx.blockingSend(itemKind === "number" ? i : { id: i, name: "item", ready: true });
      }
    });
    return {
      round: () => {
        let sum = 0;
        for (let i = 0; i < count; i++) {
          const { ok, value, error } = receiver.blockingRecv();
          if (!ok) throw error;
          sum += valueOf[kind](value);
        }
        return sum;
      },
      end: async () => {
        const { ok, error } = await sending.join();
        if (!ok) throw error;
        setImmediate(() => process.exit(0));
      },
    };
  },
};

async function main() {
  const [, , name, kind, countText] = process.argv;
  const count = Number(countText);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const { round, end, expect = {} } = await subjects[name]({ kind, count, rounds: ROUNDS + 1, gate });
  const times = [];
  // The first round waits for the start of the thread and warms both up.
  for (let i = 1; i <= ROUNDS + 1; i++) {
    const begin = process.hrtime.bigint();
    Atomics.store(gate, 0, i);
    Atomics.notify(gate, 0);
    const sum = await round();
    if (sum !== (count * (count - 1)) / 2) throw new Error(`${name}: ${sum} is not the sum of all items`);
    if (i > 1) times.push(Number(process.hrtime.bigint() - begin) / count);
  }
  result({ ns: median(times), expect });
  await end();
}

if (isMainThread) await main();
else if (workerData?.pack !== undefined) post(workerData);
