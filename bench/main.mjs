/** `npm run bench [-- PART…]`: every figure of the README, ours beside the peers, in one run. Medians and ratios. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus, platform, release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, installPackages } from "../scripts/install.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, "..", "dist", "cli.cjs");

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Prints rows of [name, figure…] under a title, columns aligned. */
export function table(title, columns, rows) {
  const cells = [columns, ...rows].map((row) => row.map(String));
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  console.log(`\n${title}`);
  for (const row of cells) {
    console.log(`  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ")}`);
  }
}

/** Runs one measurement in a process of its own and gives what it printed after RESULT. */
function measure(args, { traced = false } = {}) {
  const argv = traced
    ? [cli, "run", "--report", "none", "--out", join(here, "..", "out", "bench.heddle"), ...args]
    : args;
  const { stdout, stderr, status } = spawnSync(process.execPath, argv, { encoding: "utf8", timeout: 120_000 });
  const line = stdout.split("\n").find((text) => text.startsWith("RESULT "));
  if (status !== 0 || !line) throw new Error(`${argv.join(" ")} failed with code ${status}\n${stdout}${stderr}`);
  return JSON.parse(line.slice(7));
}

function pools() {
  const script = join(here, "tasks", "pool.mjs");
  const subjects = [
    ["heddle threads", false],
    ["heddle threads", true],
    ["heddle processes", false],
    ["piscina", false],
    ["tinypool", false],
    ["workerpool", false],
    ["plain workers", false],
  ];
  const times = subjects.map(() => []);
  for (let round = 0; round < 3; round++) {
    subjects.forEach(([name, traced], i) => {
      times[i].push(measure([script, name, "30000"], { traced }));
    });
  }
  const reference = median(times[3]);
  table(
    "Pools: empty tasks, two workers, a burst of 30,000",
    ["pool", "tasks/s", "× piscina"],
    subjects.map(([name, traced], i) => {
      const ns = median(times[i]);
      return [traced ? `${name}, traced` : name, Math.round(1e9 / ns), (reference / ns).toFixed(2)];
    }),
  );
}

function locks() {
  const script = join(here, "tasks", "lock.mjs");
  const plain = [];
  const traced = [];
  for (let round = 0; round < 3; round++) {
    plain.push(measure([script]));
    traced.push(measure([script], { traced: true }));
  }
  const of = (runs, name) => median(runs.map((run) => run[name]));
  table(
    "Locks and events: ns an operation, one thread, uncontended",
    ["operation", "untraced", "traced", "traced ÷ bare CAS"],
    Object.keys(plain[0]).map((name) => [
      name,
      of(plain, name).toFixed(1),
      of(traced, name).toFixed(1),
      (of(traced, name) / of(plain, "bare CAS lock + unlock")).toFixed(1),
    ]),
  );
}

async function startUp() {
  const file = join(here, "start-up.mjs");
  if (!existsSync(file)) throw new Error("bench/start-up.mjs is missing");
  await (await import(pathToFileURL(file).href)).default?.();
}

const parts = { "start-up": startUp, locks, pools };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !(name in parts));
  if (unknown !== undefined) {
    console.error(`Unknown part '${unknown}'. The parts are: ${Object.keys(parts).join(", ")}.`);
    process.exit(2);
  }
  installPackages();
  build();
  console.log(`Node ${process.version}, ${platform()} ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim()}`);
  for (const [name, part] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await part();
}
