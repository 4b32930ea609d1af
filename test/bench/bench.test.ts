/** The benchmarks run, check what they measure, and put it where it belongs. What they measure is not tested here. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(__dirname, "..", "..");
const main = join(root, "bench", "main.mjs");

interface Table {
  id: string;
  row(name: string, ...cells: unknown[]): void;
  toMarkdown(): string;
  toText(): string;
}

interface Raw {
  tables: { id: string; columns: string[]; rows: (string | { median: number; samples: number[] })[][] }[];
}

/** A module of bench/, which has no types. */
async function load(name: string) {
  return (await import(pathToFileURL(join(root, "bench", name)).href)) as {
    Figure: new (samples: number[]) => object;
    Table: new (id: string, title: string, columns: string[]) => Table;
    fillPlaces(text: string, tables: Table[], machine: object): { filled: string; count: number };
  };
}

const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8", cwd: root });

describe("the benchmarks", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-bench-test-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("name the parts when asked for one that does not exist", () => {
    const { status, stderr } = bench("lock");
    assert.equal(status, 2);
    assert.match(stderr, /Unknown part 'lock'\. The parts are: .*\blocks\b.*\bruntime\b/);
  });

  it("show the median with the least and the greatest, as text and as Markdown", async () => {
    const { Figure, Table } = await load("figures.mjs");
    const table = new Table("id", "Title", ["what", "time", "× other"]);
    table.row("a | b", new Figure([30, 10, 1234.5]), "2.00");
    table.row("c");
    assert.deepEqual(table.toMarkdown().split("\n").slice(2), [
      "| what | time | × other |",
      "|---|---:|---:|",
      "| a \\| b | 30.0 (10.0…1,235) | 2.00 |",
      "| c |  |  |",
    ]);
    assert.match(table.toText(), /a \| b {2}30\.0 \(10\.0…1,235\) {5}2\.00/);
  });

  it("fill only the places of the tables they have", async () => {
    const { Table } = await load("figures.mjs");
    const { fillPlaces } = await load("written-tables.mjs");
    const place = (id: string, content: string) => `<!-- bench: ${id} -->\n${content}<!-- /bench -->\n`;
    const table = new Table("one", "New", ["what"]);
    const text = `Before\n${place("one", "old\n")}Between\n${place("two", "old\n")}After\n`;
    const machine = { date: "2026-01-02", node: "v1", system: "linux", cpu: "CPU", cores: 2 };
    const { filled, count } = fillPlaces(text, [table], machine);
    assert.equal(count, 1);
    const content = "New:\n\n| what |\n|---|\n\n_2026-01-02, Node v1, linux, 2 × CPU_\n";
    assert.equal(filled, `Before\n${place("one", content)}Between\n${place("two", "old\n")}After\n`);
    assert.deepEqual(fillPlaces(filled, [table], machine), { filled, count: 1 });
  });

  it("measure one round of the executors, keep every sample, and have a place for every table", function () {
    this.timeout(120_000);
    const document = readFileSync(join(root, "docs", "benchmarks.md"), "utf8");
    const file = join(folder, "samples.json");
    const { status, stdout, stderr } = bench("executor", "--quick", "--no-build", "--json", file);
    assert.equal(status, 0, stdout + stderr);
    const { tables } = JSON.parse(readFileSync(file, "utf8")) as Raw;
    assert.deepEqual(
      tables.map(({ id }) => id),
      ["map", "queued-tasks", "giving-up"],
    );
    for (const { id, columns, rows } of tables) {
      assert.ok(document.includes(`<!-- bench: ${id} -->`), id);
      for (const [name, ...cells] of rows) {
        assert.equal(cells.length, columns.length - 1);
        for (const cell of cells) {
          if (typeof cell === "string") continue;
          assert.ok(Number.isFinite(cell!.median), `${id}, ${name}: ${stdout}`);
        }
      }
    }
    assert.match(stdout, /ThreadPoolExecutor/);
  });
});
