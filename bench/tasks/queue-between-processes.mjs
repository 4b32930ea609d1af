/**
 * Items a second from another process to the main one: `queue-between-processes.mjs NAME ITEM COUNT`. Both begin at the
 * same time, the consumer checks what arrives. ITEM is `number`, `object` or `64 KiB`. CPython's does the same by itself;
 * where there is no python3, it is missing.
 */
import { spawnSync } from "node:child_process";
import { median, need, quick, result } from "./timing.mjs";

const ROUNDS = quick ? 2 : 5;
const BYTES = 65_536;
/** The capacity of those that are bounded. */
const BOUND = { number: 1024, object: 1024, "64 KiB": 64 };

const block = new Uint8Array(BYTES).fill(7);
const items = {
  number: (i) => i,
  object: (i) => ({ id: i, name: "item", ready: true }),
  "64 KiB": () => block,
};
/** The sums of these tell that all items came. */
const valueOf = { number: (item) => item, object: (item) => item.id, "64 KiB": (item) => item[BYTES - 1] };
const sumOf = (kind, count) => (kind === "64 KiB" ? 7 * count : (count * (count - 1)) / 2);

/** The other process. */
export function produce(queue, rounds, kind, count, times) {
  const make = items[kind];
  for (let round = 0; round < times; round++) {
    rounds.getSync();
    for (let i = 0; i < count; i++) queue.putSync(make(i));
  }
}

const python = (maxSize, kind, count) => `
import multiprocessing, statistics, time
BLOCK = bytes([7]) * ${BYTES}
MAKE = {"number": lambda i: i, "object": lambda i: {"id": i, "name": "item", "ready": True}, "64 KiB": lambda i: BLOCK}
VALUE = {"number": lambda item: item, "object": lambda item: item["id"], "64 KiB": lambda item: item[-1]}
def produce(queue, rounds, kind, count, times):
    make = MAKE[kind]
    for _ in range(times):
        rounds.get()
        for i in range(count):
            queue.put(make(i))
if __name__ == "__main__":
    queue, rounds = multiprocessing.Queue(${maxSize}), multiprocessing.Queue()
    kind, count = "${kind}", ${count}
    child = multiprocessing.Process(target=produce, args=(queue, rounds, kind, count, ${ROUNDS + 1}))
    child.start()
    value, times = VALUE[kind], []
    for r in range(${ROUNDS + 1}):
        begin = time.perf_counter_ns()
        rounds.put(1)
        total = 0
        for _ in range(count):
            total += value(queue.get())
        if total != ${sumOf(kind, count)}:
            raise SystemExit("wrong sum")
        if r > 0:
            times.append((time.perf_counter_ns() - begin) / count)
    child.join()
    print(statistics.median(times))
`;

const ours = (name, options) => async (kind) => {
  const multiprocessing = await import("heddle/multiprocessing");
  return new (need(multiprocessing, name))(options(kind));
};
const unbounded = () => ({});
const bySync = (queue) => queue.getSync();

const subjects = {
  Queue: { make: ours("Queue", unbounded), take: bySync },
  "Queue, bounded": { make: ours("Queue", (kind) => ({ maxSize: BOUND[kind] })), take: bySync },
  "Queue, await get()": { make: ours("Queue", unbounded), take: (queue) => queue.get(), awaits: true },
  SimpleQueue: { make: ours("SimpleQueue", unbounded), take: bySync },
};

async function main() {
  const [, , name, kind, countText] = process.argv;
  const count = Number(countText);
  if (name.startsWith("CPython")) {
    const { status, stdout } = spawnSync(
      "python3",
      ["-c", python(name.endsWith("bounded") ? BOUND[kind] : 0, kind, count)],
      {
        encoding: "utf8",
      },
    );
    return result(status === 0 ? { ns: Number(stdout) } : { missing: "python3" });
  }
  const { make, take, awaits = false } = subjects[name];
  const { Process, SimpleQueue } = await import("heddle/multiprocessing");
  const queue = await make(kind);
  const rounds = new SimpleQueue();
  const child = new Process({ target: produce, args: [queue, rounds, kind, count, ROUNDS + 1] });
  child.start();
  const value = valueOf[kind];
  const times = [];
  // The first round waits for the start of the process and warms both up.
  for (let round = 0; round <= ROUNDS; round++) {
    const begin = process.hrtime.bigint();
    rounds.putSync(1);
    let sum = 0;
    if (awaits) for (let i = 0; i < count; i++) sum += value(await take(queue));
    else for (let i = 0; i < count; i++) sum += value(take(queue));
    if (sum !== sumOf(kind, count)) throw new Error(`${name}: ${sum} is not the sum of all items`);
    if (round > 0) times.push(Number(process.hrtime.bigint() - begin) / count);
  }
  await child.join();
  const all = (count + 1) * (ROUNDS + 1);
  result({ ns: median(times), expect: { puts: all, gets: all } });
}

// The other processes import this file, too.
const { isMain } = await import("heddle");
if (isMain) await main();
