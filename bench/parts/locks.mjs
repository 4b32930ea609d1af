/** What locks cost: uncontended, awaited, and handed from thread to thread. */
import { ratio, Table } from "../figures.mjs";
import { explainGaps, figureOf, takeTurns } from "../measure.mjs";

const traced = (subject) => ({ ...subject, key: `${subject.key}, traced`, traced: true });

function uncontended({ rounds, measures }) {
  const task = "lock-operation.mjs";
  const kinds = ["Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier"];
  const of = (name, more) => ({ key: name, task, args: [name], ...more });
  const ours = kinds.map((kind) => of(kind));
  const subjects = [of("bare CAS"), of("clock"), ...ours.flatMap((subject) => [subject, traced(subject)])];
  subjects.push(of("multithreading Mutex", { peer: true }));
  const results = takeTurns(subjects, rounds);

  const table = new Table("locks", "Uncontended, one thread: nanoseconds", [
    "operation",
    "untraced",
    "× bare CAS",
    "traced",
    "× untraced",
  ]);
  const bare = figureOf(results.get("bare CAS"));
  const what = {
    Condition: "Condition: acquireSync, notify, release",
    Event: "Event: set, waitSync, clear",
    Barrier: "Barrier of one: waitSync",
  };
  const clock = figureOf(results.get("clock"));
  table.row("bare compare-and-swap and store", bare, "1.00");
  table.row("one reading of the clock", clock);
  for (const kind of kinds) {
    const plain = figureOf(results.get(kind));
    const recorded = figureOf(results.get(`${kind}, traced`));
    if (plain === null) continue;
    const label = what[kind] ?? `${kind}: acquireSync, release`;
    table.row(label, plain, ratio(plain, bare), recorded, ratio(recorded, plain));
  }
  const peer = figureOf(results.get("multithreading Mutex"));
  table.row("multithreading Mutex: blockingLock, dispose", peer, ratio(peer, bare));
  table.note("A traced pair reads the clock once; that and the bare pair are what it cannot do without.");
  table.note("Traced: in batches that fit in the ring; what emptying it costs is in the events' tables.");
  explainGaps(table, withoutTracedTwins(results));
  measures.lock = figureOf(results.get("Lock"));
  measures.lockTraced = figureOf(results.get("Lock, traced"));
  measures.bareLock = bare;
  measures.clock = clock;
  return table;
}

/** What is missing is told once. */
const withoutTracedTwins = (results) =>
  new Map([...results].filter(([key, list]) => list !== null || !key.endsWith(", traced")));

function awaited({ rounds, measures }) {
  const task = "async-lock-operation.mjs";
  const of = (name, more) => ({ key: name, task, args: [name], ...more });
  const ours = of("Lock.acquire");
  const peers = ["async-mutex", "async-lock", "multithreading Mutex"];
  const results = takeTurns(
    [of("resolved await"), ours, traced(ours), ...peers.map((name) => of(name, { peer: true }))],
    rounds,
  );
  const table = new Table("awaited-locks", "Awaited and uncontended: nanoseconds", ["operation", "time", "× await"]);
  const reference = figureOf(results.get("resolved await"));
  table.row("await of a resolved promise", reference, "1.00");
  const labels = {
    "Lock.acquire": "Lock: await acquire(), release()",
    "Lock.acquire, traced": "Lock: await acquire(), release(), traced",
    "async-mutex": "async-mutex: await acquire(), release()",
    "async-lock": "async-lock: await acquire(key, () => {})",
    "multithreading Mutex": "multithreading Mutex: await lock(), dispose()",
  };
  for (const [key, label] of Object.entries(labels)) {
    const figure = figureOf(results.get(key));
    table.row(label, figure, ratio(figure, reference));
  }
  explainGaps(table, results);
  measures.resolvedAwait = reference;
  measures.awaitedLock = figureOf(results.get("Lock.acquire"));
  return table;
}

function handOver({ rounds, scale, measures }) {
  // Two threads are now on one core and now on two, which takes another time: more rounds than elsewhere.
  const more = rounds === 1 ? 1 : rounds + 2;
  const turns = scale(2000);
  const of = (name, more) => ({ key: name, task: "hand-over.mjs", args: [name, turns], ...more });
  const ours = ["Lock", "Semaphore", "Queue"].map((name) => of(name));
  const results = takeTurns([of("bare"), ...ours.flatMap((one) => [one, traced(one)]), of("postMessage")], more);
  const table = new Table("hand-over", "Two threads wake each other in turn: microseconds a hand-over", [
    "by",
    "time",
    "× bare",
  ]);
  const micro = (key) => figureOf(results.get(key))?.map((ns) => ns / 1000) ?? null;
  const bare = micro("bare");
  table.row("Atomics.wait and notify", bare, "1.00");
  for (const name of ["Lock", "Semaphore", "Queue"]) {
    for (const key of [name, `${name}, traced`]) {
      if (results.get(key) !== null) table.row(key, micro(key), ratio(micro(key), bare));
    }
  }
  table.row("postMessage", micro("postMessage"), ratio(micro("postMessage"), bare));
  table.note("A thread that does more before it waits is sometimes woken before it sleeps, and is then faster.");
  explainGaps(table, withoutTracedTwins(results));
  measures.bareHandOver = bare;
  measures.handOver = micro("Lock");
  return table;
}

export default (context) => [uncontended(context), awaited(context), handOver(context)];
