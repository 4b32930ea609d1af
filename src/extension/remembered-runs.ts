/** What the workspace keeps of the runs that go on, so that a window that is loaded again takes them up. */
import type { Memento } from "vscode";
import type { RunPlan } from "./run-plan.js";
import type { RunRecord } from "./trace-run.js";

const KEY = "heddle.runs";

export class RememberedRuns {
  readonly #memento: Memento;
  #kept = "";

  constructor(memento: Memento) {
    this.#memento = memento;
  }

  /** What was kept last, oldest first. What another version left, in another form, does not count. */
  read(): RunRecord[] {
    const kept = this.#memento.get<unknown>(KEY);
    return Array.isArray(kept) ? kept.filter(isRecord) : [];
  }

  /** Keeps these, and nothing else, if they are others than before. */
  async keep(records: readonly RunRecord[]): Promise<void> {
    const text = JSON.stringify(records);
    if (text === this.#kept) return;
    this.#kept = text;
    await this.#memento.update(KEY, records.length === 0 ? undefined : records);
  }
}

function isRecord(value: unknown): value is RunRecord {
  if (typeof value !== "object" || value === null) return false;
  const { plan, startedAt, pid, processStart } = value as Partial<Record<keyof RunRecord, unknown>>;
  return (
    isPlan(plan) &&
    typeof startedAt === "number" &&
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    typeof processStart === "string"
  );
}

function isPlan(value: unknown): value is RunPlan {
  if (typeof value !== "object" || value === null) return false;
  const plan = value as Partial<Record<keyof RunPlan, unknown>>;
  const { script, tracePath, cwd, node, cli, folder, nodeArguments, environment, onHang } = plan;
  return (
    [script, tracePath, cwd, node, cli, folder ?? ""].every((one) => typeof one === "string") &&
    Array.isArray(nodeArguments) &&
    typeof environment === "object" &&
    environment !== null &&
    (onHang === "stop" || onHang === "wait")
  );
}
