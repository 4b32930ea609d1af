import type { PixelRange } from "../model/interval-index.js";
import type { Lane } from "../model/lanes.js";
import type { Brush } from "./brush.js";
import type { Scene } from "./renderer.js";

/** The most marks that are looked at a frame: beyond, they are one line of triangles anyway. */
const MOST = 20_000;

/** A thread's marks, as triangles that hang from the top of its lane. */
export function drawMarks(brush: Brush, scene: Scene, lane: Lane, y: number, range: PixelRange): void {
  const { marks } = scene.model.threads[lane.index]!;
  if (marks.count === 0) return;
  const scale = range.pixels / (range.end - range.start);
  let row = 0;
  let high = marks.count;
  while (row < high) {
    const middle = (row + high) >>> 1;
    if (marks.time[middle]! < range.start) row = middle + 1;
    else high = middle;
  }
  const { context } = brush;
  context.fillStyle = scene.theme.accent;
  context.beginPath();
  let lastX = -10;
  const s = 4 * brush.ratio;
  for (let seen = 0; row < marks.count && seen < MOST; row++, seen++) {
    const time = marks.time[row]!;
    if (time >= range.end) break;
    const x = Math.round((time - range.start) * scale);
    if (x - lastX < 2) continue;
    lastX = x;
    context.moveTo(x - s, y);
    context.lineTo(x + s, y);
    context.lineTo(x, y + s * 1.6);
    context.closePath();
  }
  context.fill();
  for (const [thing, width] of [
    [scene.hover, 1],
    [scene.selection, 2],
  ] as const) {
    if (thing?.type !== "mark" || thing.lane !== lane.id) continue;
    const x = Math.round((marks.time[thing.row]! - range.start) * scale);
    const wide = s + (width + 0.5) * brush.ratio;
    context.beginPath();
    context.moveTo(x - wide, y);
    context.lineTo(x + wide, y);
    context.lineTo(x, y + wide * 1.6);
    context.closePath();
    context.fillStyle = scene.theme.accent;
    context.fill();
    context.lineWidth = width * brush.ratio;
    context.strokeStyle = scene.theme.foreground;
    context.stroke();
  }
  brush.forgetColor();
}
