/** Empty tasks in pools of two workers, ours beside all others. */
import { ratio, Table } from "../figures.mjs";
import { explainGaps, figureOf, takeTurns } from "../measure.mjs";

const peers = ["piscina", "piscina, 64 a worker", "tinypool", "workerpool", "poolifier", "multithreading"];

export default function pools({ rounds, scale, measures }) {
  const count = scale(20_000);
  const of = (name, form, { isTraced = false, ...more } = {}) => ({
    key: `${name}${isTraced ? ", traced" : ""}: ${form}`,
    task: "pool.mjs",
    args: [name, form, count],
    traced: isTraced,
    ...more,
  });
  const forms = ["burst", "inflight"];
  const results = takeTurns(
    forms.flatMap((form) => [
      of("ThreadPoolExecutor", form),
      of("ThreadPoolExecutor", form, { isTraced: true }),
      of("ProcessPoolExecutor", form),
      of("ProcessPoolExecutor", form, { isTraced: true }),
      ...peers.map((name) => of(name, form, { peer: true })),
      of("plain workers", form),
      of("plain workers, batched", form),
    ]),
    rounds,
  );
  const rate = (name, form) => figureOf(results.get(`${name}: ${form}`))?.map((ns) => 1e9 / ns) ?? null;
  const table = new Table("pools", `Empty tasks a second, two workers, ${count.toLocaleString("en-US")} tasks`, [
    "pool",
    "all at once",
    "× piscina",
    "64 in flight",
    "× piscina",
  ]);
  const names = [...results.keys()]
    .filter((key) => key.endsWith(": burst"))
    .map((key) => key.slice(0, -": burst".length));
  for (const name of names) {
    const cells = forms.flatMap((form) => [rate(name, form), ratio(rate(name, form), rate("piscina", form))]);
    const label = name === "plain workers, batched" ? "plain workers, one message a microtask" : name;
    table.row(label, ...cells);
  }
  table.note("Every result is checked, and that two workers gave them.");
  explainGaps(table, results);
  for (const form of forms) {
    measures[`pool ${form}`] = rate("ThreadPoolExecutor", form);
    measures[`pool ${form}, traced`] = rate("ThreadPoolExecutor, traced", form);
    for (const name of ["piscina", "multithreading", "plain workers"]) measures[`${name} ${form}`] = rate(name, form);
  }
  return [table];
}
