/** A trace as one table: a row per state, slice, hold, flow, mark and counter value. */
import { FlowKind, SliceKind, ThreadState, type TraceModel } from "../analysis/model.js";

const names = (kinds: Record<string, number>) => new Map(Object.entries(kinds).map(([name, kind]) => [kind, name]));
const STATES = names(ThreadState);
const SLICES = names(SliceKind);
const FLOWS = names(FlowKind);

const HEAD = ["type", "kind", "pid", "tid", "thread", "start_ns", "end_ns", "name", "object", "site", "value", "flags"];

/** Lines with their line ends. Times are integers; an open end is empty. */
export function* csvLines(model: TraceModel): Generator<string> {
  yield `${HEAD.join(",")}\n`;
  const pidOf = (process: number) => model.processes[process]?.pid ?? 0;
  const text = (index: number) => model.strings[index] ?? "";
  const objectName = (index: number) => (index < 0 ? "" : (model.objects[index]?.name ?? ""));
  for (const thread of model.threads) {
    const who = [pidOf(thread.process), thread.tid, thread.name];
    const { states, slices, marks } = thread;
    for (let i = 0; i < states.count; i++) {
      const core = states.core[i]!;
      yield row(
        "state",
        STATES.get(states.state[i]!),
        ...who,
        states.start[i]!,
        states.end[i]!,
        "",
        "",
        "",
        core < 0 ? "" : core,
        "",
      );
    }
    for (let i = 0; i < slices.count; i++) {
      const flags = slices.flags[i]!;
      const words = [flags & 1 ? "async" : "", flags & 2 ? "failed" : "", flags & 4 ? "cut" : ""]
        .filter(Boolean)
        .join(" ");
      yield row(
        "slice",
        SLICES.get(slices.kind[i]!),
        ...who,
        slices.start[i]!,
        slices.end[i]!,
        text(slices.name[i]!),
        objectName(slices.object[i]!),
        text(slices.site[i]!),
        slices.value[i]!,
        words,
      );
    }
    for (let i = 0; i < marks.count; i++) {
      const t = marks.time[i]!;
      yield row("mark", "", ...who, t, t, text(marks.name[i]!), "", text(marks.site[i]!), "", "");
    }
  }
  for (const object of model.objects) {
    if (object.holds) {
      for (let i = 0; i < object.holds.count; i++) {
        const thread = model.threads[object.holds.thread[i]!];
        const who = thread ? [pidOf(thread.process), thread.tid, thread.name] : ["", "", ""];
        yield row(
          "hold",
          "",
          ...who,
          object.holds.start[i]!,
          object.holds.end[i]!,
          "",
          object.name,
          text(object.holds.site[i]!),
          "",
          "",
        );
      }
    }
    for (const kind of ["waiters", "depth", "queued", "busy"] as const) {
      const steps = object[kind];
      for (let i = 0; steps && i < steps.count; i++) {
        const t = steps.time[i]!;
        yield row("step", kind, pidOf(object.process), "", "", t, t, "", object.name, "", steps.value[i]!, "");
      }
    }
  }
  for (const counter of model.counters) {
    for (let i = 0; i < counter.values.count; i++) {
      const t = counter.values.time[i]!;
      yield row(
        "counter",
        counter.unit,
        pidOf(counter.process),
        "",
        "",
        t,
        t,
        counter.name,
        "",
        "",
        counter.values.value[i]!,
        "",
      );
    }
  }
  const { flows } = model;
  for (let i = 0; i < flows.count; i++) {
    const to = model.threads[flows.toThread[i]!];
    const from = model.threads[flows.fromThread[i]!];
    const who = to ? [pidOf(to.process), to.tid, to.name] : ["", "", ""];
    const kind = FLOWS.get(flows.kind[i]!);
    yield row(
      "flow",
      kind,
      ...who,
      flows.fromTime[i]!,
      flows.toTime[i]!,
      from?.name ?? "",
      objectName(flows.object[i]!),
      "",
      "",
      "",
    );
  }
}

function row(...cells: (string | number | undefined)[]): string {
  return `${cells.map(cell).join(",")}\n`;
}

function cell(value: string | number | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "number")
    return Number.isNaN(value) ? "" : Number.isInteger(value) ? String(value) : String(value);
  // A spreadsheet must not take a name for a formula.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
