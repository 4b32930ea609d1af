import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { RememberedRuns } from "../../src/extension/remembered-runs.js";
import type { RunRecord } from "../../src/extension/trace-run.js";

/** As the workspace's own: what is kept is kept as JSON. */
class MemoryMemento {
  kept: string | undefined;
  updates = 0;
  keys(): readonly string[] {
    return this.kept === undefined ? [] : ["heddle.runs"];
  }
  get<T>(): T | undefined {
    return this.kept === undefined ? undefined : JSON.parse(this.kept);
  }
  async update(_key: string, value: unknown): Promise<void> {
    this.updates++;
    this.kept = value === undefined ? undefined : JSON.stringify(value);
  }
}

const record = (pid: number): RunRecord => ({
  plan: {
    script: "/work/ä b.ts",
    tracePath: `/work/.heddle/${pid}.heddle`,
    cwd: "/work",
    folder: "file:///work",
    node: "/usr/bin/node",
    nodeArguments: ["--no-deprecation"],
    cli: "/ext/dist/cli.cjs",
    environment: { A: "b", HOME: null },
    onHang: "wait",
  },
  startedAt: 1_700_000_000_000,
  pid,
  processStart: "12345",
});

describe("the runs that a workspace remembers", () => {
  it("come back as they were kept, in another window", async () => {
    const memento = new MemoryMemento();
    await new RememberedRuns(memento).keep([record(1), record(2)]);
    deepStrictEqual(new RememberedRuns(memento).read(), [record(1), record(2)]);
  });

  it("are written only when they change, and leave nothing behind in the end", async () => {
    const memento = new MemoryMemento();
    const runs = new RememberedRuns(memento);
    await runs.keep([record(1)]);
    await runs.keep([record(1)]);
    strictEqual(memento.updates, 1);
    await runs.keep([]);
    deepStrictEqual(memento.keys(), []);
  });

  it("are only those that this version understands", () => {
    const memento = new MemoryMemento();
    const { plan, ...others } = record(3);
    const wrong = [
      null,
      7,
      {},
      others,
      { ...record(3), pid: "3" },
      { ...record(3), pid: -1 },
      { ...record(3), processStart: undefined },
      { ...others, plan: { ...plan, node: undefined } },
      { ...others, plan: { ...plan, onHang: "ask" } },
      { ...others, plan: { ...plan, environment: null } },
    ];
    memento.kept = JSON.stringify([...wrong, record(4)]);
    deepStrictEqual(new RememberedRuns(memento).read(), [record(4)]);
    for (const kept of ["null", '"text"', "{}"]) {
      memento.kept = kept;
      deepStrictEqual(new RememberedRuns(memento).read(), []);
    }
  });
});
