/** Arrows between lanes: those of what is selected or hovered strongly, all others faintly while they are few. */
import { FlowKind, SliceKind } from "../../src/analysis/model.js";
import { arrowEnd, arrowStart } from "../model/arrow-ends.js";
import { formatBytes } from "../model/format.js";
import type { Lane } from "../model/lanes.js";
import { extentOf, type Thing } from "../model/things.js";
import type { Brush } from "./brush.js";
import type { Scene } from "./renderer.js";

/** More arrows than this at once only make a tangle. */
const MOST_FAINT = 24;

export function drawFlows(brush: Brush, scene: Scene): void {
  const { flows, model, viewport, theme } = scene;
  const laneOfThread = new Map<number, Lane>();
  for (const lane of scene.lanes) if (lane.kind === "thread") laneOfThread.set(lane.index, lane);
  if (laneOfThread.size === 0) return;

  const strong = new Set<number>();
  for (const thing of [scene.selection, scene.hover]) {
    if (thing?.type === "message") {
      const flow = arrowOfMessage(scene, thing);
      if (flow >= 0) strong.add(flow);
    }
    if (!thing || !("thread" in thing)) continue;
    const { start, end } = extentOf(model, thing);
    // A long slice has many; what began and ended it says most.
    for (const flow of isWait(scene, thing) ? flows.wakeOf(thing.thread, end) : flows.into(thing.thread, end, end, 4))
      strong.add(flow);
    for (const flow of flows.into(thing.thread, start, start, 2)) strong.add(flow);
    for (const flow of flows.outOf(thing.thread, start, end, 12)) strong.add(flow);
  }
  const { context } = brush;
  const faint = flows.between(viewport.start, viewport.end, MOST_FAINT);
  if (faint) {
    context.globalAlpha = 0.45;
    for (let flow = faint[0]; flow < faint[1]; flow++) if (!strong.has(flow)) arrow(flow, theme.muted, 1);
    context.globalAlpha = 1;
  }
  for (const flow of strong) arrow(flow, theme.highContrast ? theme.foreground : theme.accent, 1.75);
  for (const flow of strong) if (model.flows.kind[flow] === FlowKind.Message) label(flow);
  brush.forgetColor();

  function arrow(flow: number, color: string, thickness: number): void {
    const { fromThread, fromTime, toThread, toTime, kind } = model.flows;
    const from = laneOfThread.get(fromThread[flow]!);
    const to = laneOfThread.get(toThread[flow]!);
    if (!from || !to || from === to) return;
    const ratio = brush.ratio;
    const x0 = viewport.xOf(fromTime[flow]!) * ratio;
    const x1 = viewport.xOf(toTime[flow]!) * ratio;
    if (Math.max(x0, x1) < 0 || Math.min(x0, x1) > brush.width) return;
    const [y0, y1] = heights(flow, from, to);
    if (Math.max(y0, y1) < 0 || Math.min(y0, y1) > brush.height) return;
    const bend = Math.max(14 * ratio, Math.min(60 * ratio, Math.abs(x1 - x0) / 2));
    context.strokeStyle = color;
    context.lineWidth = thickness * ratio;
    context.setLineDash(kind[flow] === FlowKind.Wake ? [] : [4 * ratio, 3 * ratio]);
    context.beginPath();
    context.moveTo(x0, y0);
    context.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = color;
    context.beginPath();
    const s = (2.5 + thickness) * ratio;
    context.moveTo(x1 + 1, y1);
    context.lineTo(x1 - 1.6 * s, y1 - s);
    context.lineTo(x1 - 1.6 * s, y1 + s);
    context.closePath();
    context.fill();
    context.beginPath();
    context.arc(x0, y0, 0.7 * s, 0, 2 * Math.PI);
    context.fill();
  }

  /** A message's size, in the middle of its arrow. */
  function label(flow: number): void {
    const { fromThread, fromTime, toThread, toTime, bytes } = model.flows;
    const from = laneOfThread.get(fromThread[flow]!);
    const to = laneOfThread.get(toThread[flow]!);
    if (!from || !to || from === to) return;
    const { ratio } = brush;
    const x = ((viewport.xOf(fromTime[flow]!) + viewport.xOf(toTime[flow]!)) / 2) * ratio;
    const [y0, y1] = heights(flow, from, to);
    const y = (y0 + y1) / 2;
    if (x < 0 || x > brush.width || y < 0 || y > brush.height) return;
    const words = formatBytes(bytes[flow]!);
    context.font = `${10 * ratio}px ${theme.smallFont.replace(/^\S+ /, "")}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const width = context.measureText(words).width + 8 * ratio;
    context.fillStyle = theme.background;
    context.fillRect(x - width / 2, y - 7 * ratio, width, 14 * ratio);
    context.fillStyle = theme.foreground;
    context.fillText(words, x, y);
    context.textAlign = "start";
  }

  /** Where it leaves and arrives, device pixels. */
  function heights(flow: number, from: Lane, to: Lane): [number, number] {
    const { indexes, scrollTop } = scene;
    return [
      (from.top - scrollTop + arrowStart(model, indexes, from, flow)) * brush.ratio,
      (to.top - scrollTop + arrowEnd(model, indexes, to, flow)) * brush.ratio,
    ];
  }
}

/** The arrow of a message: the one that arrives when it did; or -1. */
function arrowOfMessage({ flows, model }: Scene, thing: Extract<Thing, { type: "message" }>): number {
  const messages = model.objects[thing.object]!.messages!;
  const to = messages.toThread[thing.row]!;
  if (to < 0) return -1;
  const end = messages.end[thing.row]!;
  const arrows = flows.into(to, end, end, 50);
  const { kind, object, bytes } = model.flows;
  return (
    arrows.find(
      (flow) =>
        kind[flow] === FlowKind.Message && object[flow] === thing.object && bytes[flow] === messages.bytes[thing.row],
    ) ?? -1
  );
}

function isWait(scene: Scene, thing: Thing): boolean {
  if (thing.type !== "slice") return false;
  const kind = scene.model.threads[thing.thread]!.slices.kind[thing.row]!;
  return kind >= SliceKind.LockWait && kind <= SliceKind.OtherWait;
}
