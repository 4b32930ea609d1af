/** Pools of processes beside CPython's and those of Node: empty tasks, chunks, and the start. */
import { ratio, Table } from "../figures.mjs";
import { explainGaps, figureOf, takeTurns } from "../measure.mjs";

const perSecond = (figure) => figure?.map((ns) => 1e9 / ns) ?? null;
/** What CPython does, by a script of its own. */
const cpython = (key, ...args) => ({ key, task: "python.mjs", args: ["pools.py", ...args], peer: true });

function emptyTasks({ rounds, scale, measures }) {
  const count = scale(20_000);
  const forms = ["burst", "inflight"];
  const of = (name, form, { isTraced = false, ...more } = {}) => ({
    key: `${name}${isTraced ? ", traced" : ""}: ${form}`,
    task: "pool.mjs",
    args: [name, form, count],
    traced: isTraced,
    ...more,
  });
  const peers = ["tinypool, processes", "workerpool, processes"];
  const python = "CPython ProcessPoolExecutor";
  const results = takeTurns(
    forms.flatMap((form) => [
      of("ProcessPoolExecutor", form),
      of("ProcessPoolExecutor", form, { isTraced: true }),
      ...peers.map((name) => of(name, form, { peer: true })),
      of("child_process.fork", form),
      ...(form === "burst" ? [cpython(`${python}: burst`, "submit", count)] : []),
    ]),
    rounds,
  );
  const table = new Table(
    "process-pools",
    `Empty tasks a second, two processes, ${count.toLocaleString("en-US")} tasks`,
    ["pool", "all at once", "× child_process.fork", "64 in flight", "× child_process.fork"],
  );
  const rate = (name, form) => perSecond(figureOf(results.get(`${name}: ${form}`)));
  for (const name of ["ProcessPoolExecutor", "ProcessPoolExecutor, traced", ...peers, "child_process.fork", python]) {
    const cells = forms.flatMap((form) => [
      rate(name, form),
      ratio(rate(name, form), rate("child_process.fork", form)),
    ]);
    table.row(name === "child_process.fork" ? "child_process.fork, one message a task" : name, ...cells);
  }
  table.note("Every result is checked, and that two processes gave them.");
  explainGaps(table, results);
  measures.processTasks = rate("ProcessPoolExecutor", "burst");
  measures.pythonTasks = rate(python, "burst");
  return table;
}

function chunks({ rounds, scale, measures }) {
  const count = scale(1_000_000);
  const ours = "Pool.map";
  const python = "CPython Pool.map";
  const subjects = [
    { key: ours, task: "pool-map.mjs", args: [count] },
    { key: `${ours}, traced`, task: "pool-map.mjs", args: [count], traced: true },
    cpython(python, "map", count),
  ];
  const results = takeTurns(subjects, rounds);
  const items = count.toLocaleString("en-US");
  const table = new Table(
    "pool-map",
    `Pool.map of n => n + 1 over ${items} numbers, two processes, chunks as they are`,
    ["by", "items a second", "× CPython"],
  );
  const rate = (key) => perSecond(figureOf(results.get(key)));
  for (const { key } of subjects) table.row(key, rate(key), ratio(rate(key), rate(python)));
  explainGaps(table, results);
  measures.poolMap = rate(ours);
  return table;
}

function starts({ rounds, measures }) {
  const subjects = [
    { key: "Pool", task: "pool-start.mjs", args: ["Pool"] },
    { key: "Pool, traced", task: "pool-start.mjs", args: ["Pool"], traced: true },
    { key: "child_process.fork", task: "pool-start.mjs", args: ["fork"] },
    cpython("CPython Pool, spawned", "start"),
  ];
  const results = takeTurns(subjects, rounds);
  const table = new Table("pool-start", "Four processes ready for work: milliseconds", ["what", "time", "× fork"]);
  const time = (key) => figureOf(results.get(key), "ms");
  for (const { key } of subjects) {
    const label = key === "child_process.fork" ? "four times child_process.fork, which load the same module" : key;
    table.row(label, time(key), ratio(time(key), time("child_process.fork")));
  }
  table.note("Until the last of the four has begun its first task or, forked, has loaded the module.");
  explainGaps(table, results);
  measures.poolStart = time("Pool");
  measures.forks = time("child_process.fork");
  return table;
}

export default (context) => [emptyTasks(context), chunks(context), starts(context)];
