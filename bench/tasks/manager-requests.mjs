/**
 * Requests a second to a manager's server: `manager-requests.mjs NAME CLIENTS COUNT`, COUNT by each of the CLIENTS, which
 * are processes that begin at the same time. A request is `get` of a Value. CPython's does the same by itself; where there
 * is no python3, it is missing.
 */
import { spawnSync } from "node:child_process";
import { median, need, quick, result } from "./timing.mjs";

const ROUNDS = quick ? 2 : 5;
const VALUE = 42;
/** How many requests of one client are under way at once. */
const AT_ONCE = 64;

/** Makes `count` requests. Returns the sum of what they gave. */
const forms = {
  getSync(value, count) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += value.getSync();
    return sum;
  },
  async "await get"(value, count) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += await value.get();
    return sum;
  },
  async "get, 64 at once"(value, count) {
    let sum = 0;
    for (let i = 0; i < count; i += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - i) }, () => value.get());
      for (const one of await Promise.all(some)) sum += one;
    }
    return sum;
  },
};

/** Each of the clients. */
export async function ask(value, gate, name, count, times) {
  for (let round = 0; round < times; round++) {
    gate.waitSync();
    const sum = await forms[name](value, count);
    if (sum !== VALUE * count) throw new Error(`${name}: ${sum} is not the sum of ${count} answers`);
    gate.waitSync();
  }
}

const python = (clients, count) => `
import multiprocessing, statistics, time
def ask(value, gate, count, times):
    for _ in range(times):
        gate.wait()
        total = 0
        for _ in range(count):
            total += value.get()
        if total != ${VALUE} * count:
            raise SystemExit("wrong sum")
        gate.wait()
if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        value, gate = manager.Value("i", ${VALUE}), multiprocessing.Barrier(${clients + 1})
        children = [multiprocessing.Process(target=ask, args=(value, gate, ${count}, ${ROUNDS + 1})) for _ in range(${clients})]
        for child in children:
            child.start()
        times = []
        for r in range(${ROUNDS + 1}):
            gate.wait()
            begin = time.perf_counter_ns()
            gate.wait()
            if r > 0:
                times.append((time.perf_counter_ns() - begin) / ${count} / ${clients})
        for child in children:
            child.join()
            if child.exitcode != 0:
                raise SystemExit("a client failed")
        print(statistics.median(times))
`;

async function main() {
  const [, , name, clientsText, countText] = process.argv;
  const [clients, count] = [Number(clientsText), Number(countText)];
  if (name === "CPython") {
    const { status, stdout } = spawnSync("python3", ["-c", python(clients, count)], { encoding: "utf8" });
    return result(status === 0 ? { ns: Number(stdout) } : { missing: "python3" });
  }
  const multiprocessing = await import("heddle/multiprocessing");
  const { Barrier, Process } = multiprocessing;
  const manager = await need(multiprocessing, "Manager")();
  const value = await manager.Value("i", VALUE);
  const gate = new Barrier(clients + 1);
  const target = ask;
  const all = Array.from({ length: clients }, () => {
    const client = new Process({ target, args: [value, gate, name, count, ROUNDS + 1] });
    client.start();
    return client;
  });
  const times = [];
  // The first round waits for the start of the processes and warms all up.
  for (let round = 0; round <= ROUNDS; round++) {
    await gate.wait();
    const begin = process.hrtime.bigint();
    await gate.wait();
    if (round > 0) times.push(Number(process.hrtime.bigint() - begin) / count / clients);
  }
  for (const client of all) {
    await client.join();
    if (client.exitCode !== 0) throw new Error(`a client ended with ${client.exitCode}`);
  }
  await manager.shutdown();
  result({ ns: median(times) });
}

// The other processes import this file, too.
const { isMain } = await import("heddle");
if (isMain) await main();
