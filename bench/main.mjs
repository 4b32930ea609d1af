/**
 * `npm run bench [-- PART… OPTIONS]`: what things cost, ours beside the peers, in one run on one machine. Medians, with
 * the least and the greatest of the rounds beside them, and ratios.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, installPackages } from "../scripts/install.mjs";
import { describeMachine, machineLine, peersLine } from "./machine.mjs";
import { targets } from "./parts/targets.mjs";
import { writeTables } from "./written-tables.mjs";

const parts = [
  "start-up",
  "events",
  "locks",
  "queues",
  "pools",
  "executor",
  "workers",
  "process-locks",
  "process-pools",
  "process-queues",
  "managers",
];
/** Names for several parts. */
const groups = {
  runtime: ["locks", "queues", "pools", "executor", "workers"],
  processes: ["process-locks", "process-pools", "process-queues", "managers"],
};

const usage = `usage: npm run bench -- [PART…] [--quick] [--rounds N] [--json FILE] [--write] [--no-build]
  PART         ${[...parts, ...Object.keys(groups)].join(", ")}; all of them by default
  --quick      one short round: shows that everything runs, not what it costs
  --rounds N   how often each figure is taken; 3 by default (11 for start-up)
  --json FILE  writes every sample
  --write      puts the tables into README.md and docs/benchmarks.md
  --no-build   measures dist/ as it is`;

function fail(message) {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        json: { type: "string" },
        write: { type: "boolean", default: false },
        "no-build": { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return fail(error.message);
  }
}

const { values, positionals } = readArguments();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
for (const name of positionals) {
  if (!parts.includes(name) && !(name in groups)) {
    fail(`Unknown part '${name}'. The parts are: ${[...parts, ...Object.keys(groups)].join(", ")}.`);
  }
}
const wanted = new Set(positionals.flatMap((name) => groups[name] ?? [name]));
if (values.rounds !== undefined && !/^[1-9]\d*$/.test(values.rounds)) fail(`--rounds ${values.rounds} is no number`);
if (values.write && values.quick) fail("--quick measures too little to be written");

const { quick } = values;
if (quick) process.env.HEDDLE_BENCH_QUICK = "1";
const rounds = quick ? 1 : Number(values.rounds ?? 3);
const context = {
  quick,
  rounds,
  longRounds: quick ? 1 : Number(values.rounds ?? 11),
  /** How many of something a round takes. */
  scale: (count) => (quick ? Math.ceil(count / 50) : count),
  /** Figures that the targets are told from. */
  measures: {},
};

if (!values["no-build"]) {
  installPackages();
  build();
}
const machine = describeMachine();
const began = performance.now();
console.log(`\n${machineLine(machine)}, ${machine.memoryGiB} GiB\nheddle ${machine.heddle}; ${peersLine(machine)}`);
console.log(
  quick
    ? "One short round: these figures say nothing."
    : `Medians of ${rounds} rounds (least…greatest), one process a figure, the subjects of a table taking turns.`,
);
const tables = [];
for (const name of parts) {
  if (wanted.size > 0 && !wanted.has(name)) continue;
  const partBegan = performance.now();
  try {
    const { default: run } = await import(`./parts/${name}.mjs`);
    for (const table of run(context)) {
      console.log(table.toText());
      tables.push(table);
    }
  } catch (error) {
    console.error(`\n${name} failed: ${error.message}`);
    process.exitCode = 1;
  }
  console.log(`\n  (${name}: ${Math.round((performance.now() - partBegan) / 1000)} s)`);
}
const summary = quick ? null : targets(context.measures);
if (summary !== null) {
  console.log(summary.toText());
  // In the documents it stands whole or not at all.
  if (wanted.size === 0 || groups.runtime.every((name) => wanted.has(name))) tables.push(summary);
}
console.log(`\n${Math.round((performance.now() - began) / 1000)} seconds.`);
if (values.json !== undefined) {
  const file = resolve(values.json);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ machine, rounds, quick, tables }, null, 1)}\n`);
  console.log(`Every sample is in ${file}`);
}
if (values.write && process.exitCode) console.log("Nothing was written into the documents, because a part failed.");
else if (values.write)
  console.log(`${writeTables(tables, machine)} tables written into README.md and docs/benchmarks.md.`);
