/** What is said of messages between processes and of requests to managers. */
import { SliceKind, type TraceModel } from "../../src/analysis/model.js";
import { displayName, formatBytes, formatDuration, formatInstant, shortSite } from "../model/format.js";
import { objectKindName } from "../model/lanes.js";
import { extentOf, type Thing } from "../model/things.js";
import type { TrackIndexes } from "../model/track-indexes.js";
import { type Description, type Fact, sliceAt, threadName } from "./description.js";

/** The wait that a message ends is over a moment before the message is taken: nanoseconds. */
const TAKEN_NS = 5_000;

export function describeMessage(
  model: TraceModel,
  indexes: TrackIndexes,
  thing: Extract<Thing, { type: "message" }>,
): Description {
  const object = model.objects[thing.object]!;
  const messages = object.messages!;
  const { row } = thing;
  const { start, end, open } = extentOf(model, thing);
  const from = messages.thread[row]!;
  const to = messages.toThread[row]!;
  const precision = Math.max(1, (end - start) / 100);
  const facts: Fact[] = [
    { label: "size", value: formatBytes(messages.bytes[row]!) },
    { label: "on its way", value: open ? `${formatDuration(end - start)} so far` : formatDuration(end - start) },
    { label: "sent", value: formatInstant(start, precision) },
  ];
  const links: Fact[] = [
    { label: "from", value: threadName(model, from), target: sliceAt(model, indexes, from, start) },
    to < 0
      ? { label: "to", value: open ? "not received yet" : "never received" }
      : {
          label: "to",
          value: threadName(model, to),
          target: sliceAt(model, indexes, to, Math.max(start, end - TAKEN_NS)),
        },
  ];
  const received = model.strings[messages.toSite[row]!];
  if (received) links.push({ label: "received at", value: displayName(shortSite(received)) });
  return {
    tone: to < 0 && !open ? "failed" : "span",
    kind: `message of a ${objectKindName(object.kind)}`,
    title: displayName(object.name),
    facts,
    links,
    site: model.strings[messages.site[row]!] || object.site,
    detail: "",
  };
}

/** How the time of a request was spent, and where its other side is. */
export function requestFacts(model: TraceModel, thread: number, row: number): { facts: Fact[]; links: Fact[] } {
  const { requests } = model;
  const { slices } = model.threads[thread]!;
  const request = slices.value[row]!;
  if (!(request >= 0 && request < requests.count)) return { facts: [], links: [] };
  const total = requests.end[request]! - requests.start[request]!;
  const served = requests.serveEnd[request]! - requests.serveStart[request]!;
  const facts: Fact[] = [];
  if (!Number.isNaN(served)) facts.push({ label: "in the server", value: formatDuration(served) });
  if (!Number.isNaN(total - served))
    facts.push({ label: "on the wire", value: formatDuration(Math.max(0, total - served)) });
  const asks = slices.kind[row] === SliceKind.Request;
  const other = (asks ? requests.server : requests.thread)[request]!;
  const time = (asks ? requests.serveStart : requests.start)[request]!;
  const kind = asks ? SliceKind.Serve : SliceKind.Request;
  const links: Fact[] =
    other < 0
      ? []
      : [
          {
            label: asks ? "served by" : "asked by",
            value: threadName(model, other),
            target: sliceOfRequest(model, other, kind, request, time),
          },
        ];
  return { facts, links };
}

/** The slice of a request on one of its sides. */
function sliceOfRequest(model: TraceModel, thread: number, kind: number, request: number, time: number): Thing | null {
  const { slices } = model.threads[thread]!;
  // Over all depths the rows are nearly sorted by start: go on from the first one that is late enough.
  let low = 0;
  let high = slices.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (slices.start[middle]! < time - 1e6) low = middle + 1;
    else high = middle;
  }
  for (let row = Math.max(0, low - 64); row < slices.count && slices.start[row]! < time + 1e8; row++) {
    if (slices.kind[row] === kind && slices.value[row] === request)
      return { type: "slice", lane: `thread:${thread}`, thread, row };
  }
  return null;
}
