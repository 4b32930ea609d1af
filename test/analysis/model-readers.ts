/** Reads what a synthetic trace became, in forms that a test can write down. */
import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { FlowKind, SliceKind, ThreadState, type ThreadTrack, type TraceModel } from "../../src/analysis/model.js";
import type { SyntheticTrace } from "./synthetic-trace.js";

export function modelOf(trace: SyntheticTrace, options?: { end?: boolean }): TraceModel {
  const { model, problem } = analyseFile(trace.bytes(options));
  assert.equal(problem, null);
  return model;
}

export const threadNamed = (model: TraceModel, name: string): ThreadTrack => {
  const thread = model.threads.find((t) => t.name === name);
  assert.ok(thread, `no thread ${name}`);
  return thread;
};

const stateNames = new Map(Object.entries(ThreadState).map(([name, state]) => [state as number, name]));
/** [state, from, to] in milliseconds. */
export const statesOf = ({ states }: ThreadTrack) =>
  Array.from({ length: states.count }, (_, i) => [
    stateNames.get(states.state[i]!),
    states.start[i]! / 1e6,
    states.end[i]! / 1e6,
  ]);
const sliceNames = new Map(Object.entries(SliceKind).map(([name, kind]) => [kind as number, name]));
/** [kind, depth, from, to] in milliseconds. */
export const slicesOf = ({ slices }: ThreadTrack) =>
  Array.from({ length: slices.count }, (_, i) => [
    sliceNames.get(slices.kind[i]!),
    slices.depth[i]!,
    slices.start[i]! / 1e6,
    slices.end[i]! / 1e6,
  ]);
export const steps = (columns: { count: number; time: Float64Array; value: Float64Array } | null) =>
  Array.from({ length: columns!.count }, (_, i) => [columns!.time[i]! / 1e6, columns!.value[i]!]);
/** [kind, from thread, at, to thread, at]. */
export const flowsOf = (model: TraceModel) => {
  const names = new Map(Object.entries(FlowKind).map(([name, kind]) => [kind as number, name]));
  const { flows } = model;
  return Array.from({ length: flows.count }, (_, i) => [
    names.get(flows.kind[i]!),
    model.threads[flows.fromThread[i]!]!.name,
    flows.fromTime[i]! / 1e6,
    model.threads[flows.toThread[i]!]!.name,
    flows.toTime[i]! / 1e6,
  ]);
};
