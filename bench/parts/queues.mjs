/** What queues cost inside a thread, and how much they carry between two. */
import { ratio, Table } from "../figures.mjs";
import { explainGaps, figureOf, takeTurns } from "../measure.mjs";

const forms = { nowait: "putNowait, getNowait", sync: "putSync, getSync", await: "await put, await get" };

function inside({ rounds, measures }) {
  const of = (name, form, isTraced = false) => ({
    key: `${name} ${form}${isTraced ? ", traced" : ""}`,
    task: "queue-operation.mjs",
    args: [name, form],
    traced: isTraced,
  });
  const rows = [
    ...Object.keys(forms).map((form) => ["Queue", form]),
    ...["SimpleQueue", "LifoQueue", "PriorityQueue"].map((name) => [name, "nowait"]),
  ];
  const subjects = rows.flatMap(([name, form]) => [of(name, form), of(name, form, true)]);
  const results = takeTurns([of("array", "nowait"), ...subjects], rounds);
  const table = new Table("queues", "A put and a get inside one thread: nanoseconds", [
    "operation",
    "untraced",
    "traced",
    "× untraced",
  ]);
  table.row("array: push, shift", figureOf(results.get("array nowait")));
  const missing = new Map();
  for (const [name, form] of rows) {
    const plain = figureOf(results.get(`${name} ${form}`));
    const recorded = figureOf(results.get(`${name} ${form}, traced`));
    if (plain === null) missing.set(name, null);
    else table.row(`${name}: ${forms[form]}`, plain, recorded, ratio(recorded, plain));
  }
  explainGaps(table, missing);
  measures.queueInside = figureOf(results.get("Queue sync"));
  return table;
}

function between({ rounds, scale, measures }) {
  const count = scale(50_000);
  const of = (name, item, { isTraced = false, ...more } = {}) => ({
    key: `${name} of ${item}${isTraced ? ", traced" : ""}`,
    task: "queue-between-threads.mjs",
    args: [name, item, more.count ?? count],
    traced: isTraced,
    ...more,
  });
  const ours = ["Queue", "Queue, maxSize 1024", "Queue, await get()", "SimpleQueue"];
  const others = ["postMessage", "postMessage, batched"];
  const channel = "multithreading channel";
  const results = takeTurns(
    ["number", "object"].flatMap((item) => [
      ...ours.map((name) => of(name, item)),
      of("Queue", item, { isTraced: true }),
      ...others.map((name) => of(name, item)),
      of(channel, item, { peer: true, count: Math.ceil(count / 25) }),
    ]),
    rounds,
  );
  const table = new Table("queues-between-threads", "From one thread to another: items a second", [
    "by",
    "numbers",
    "small objects",
  ]);
  const rate = (name, item, end = "") =>
    figureOf(results.get(`${name} of ${item}${end}`))?.map((ns) => 1e9 / ns) ?? null;
  const add = (label, name, end) => table.row(label, rate(name, "number", end), rate(name, "object", end));
  for (const name of ours) {
    if (results.get(`${name} of number`) === null) continue;
    add(name === "Queue" ? "Queue, putSync and getSync" : name, name);
    if (name === "Queue") add("Queue, traced", name, ", traced");
  }
  add("postMessage", "postMessage");
  add("postMessage, 100 items a message", "postMessage, batched");
  add("multithreading channel of 1024", channel);
  explainGaps(table, new Map([...results].filter(([key, list]) => list !== null || key.endsWith(" of number"))));
  measures.queueBetween = rate("Queue", "number");
  measures.queueBetweenTraced = rate("Queue", "number", ", traced");
  return table;
}

export default (context) => [inside(context), between(context)];
