/** How many requests a second a manager's server answers, from one client and from four at once. */
import { ratio, Table } from "../figures.mjs";
import { explainGaps, figureOf, takeTurns } from "../measure.mjs";

/** How many clients there are. */
const CLIENTS = [1, 4];

function requests({ rounds, scale, measures }) {
  const count = scale(10_000);
  const of = (name, clients) => ({
    key: `${name} by ${clients}`,
    task: "manager-requests.mjs",
    args: [name, clients, count / clients],
  });
  const rows = [
    ["getSync", "value.getSync()"],
    ["await get", "await value.get()"],
    ["get, 64 at once", "value.get(), 64 at once"],
    ["CPython", "CPython's SyncManager: value.get()"],
  ];
  const results = takeTurns(
    rows.flatMap(([name]) => CLIENTS.map((clients) => of(name, clients))),
    rounds,
  );
  const rate = (name, clients) => figureOf(results.get(`${name} by ${clients}`))?.map((ns) => 1e9 / ns) ?? null;
  const table = new Table("managers", "Requests a second to a manager's server, of all clients together", [
    "by",
    "one client",
    "× CPython",
    "four clients",
    "× CPython",
  ]);
  for (const [name, label] of rows) {
    if (rate(name, 1) === null) continue;
    const beside = (clients) => {
      const python = rate("CPython", clients);
      return python === null ? "" : ratio(rate(name, clients), python);
    };
    table.row(label, rate(name, 1), beside(1), rate(name, 4), beside(4));
  }
  explainGaps(table, results);
  measures.managerRequests = rate("getSync", 1);
  measures.managerRequestsPython = rate("CPython", 1);
  return table;
}

export default (context) => [requests(context)];
