/** Frames around what the pointer is on and what is selected. */
import type { IntervalIndex } from "../model/interval-index.js";
import type { Lane } from "../model/lanes.js";
import type { Thing } from "../model/things.js";
import type { Picture } from "./picture.js";
import type { Ink } from "./pixel-frame.js";

/** Within one row of slices, holders or a core's threads. */
export function outlineChosen(
  picture: Picture,
  lane: Lane,
  type: "slice" | "hold" | "core" | "message",
  index: IntervalIndex,
  y: number,
  height: number,
): void {
  const { model } = picture.scene;
  forChosen(picture, lane, type, (thing, thickness, ink) => {
    if (index.positionOf(thing.row) < 0) return;
    const columns =
      thing.type === "slice"
        ? model.threads[thing.thread]!.slices
        : thing.type === "hold"
          ? model.objects[thing.object]!.holds!
          : thing.type === "message"
            ? model.objects[thing.object]!.messages!
            : model.cores[lane.index]!;
    outlineSpan(picture, columns.start[thing.row]!, columns.end[thing.row]!, y, height, ink, thickness);
  });
}

/** Waits that can never end. */
export function outlineStuck(picture: Picture, lane: Lane, index: IntervalIndex, y: number, height: number): void {
  const { still, model, theme } = picture.scene;
  // Where contrast counts, the colour of errors is too near to that of waits.
  const ink = theme.highContrast ? theme.inks.foreground : theme.inks.stuck;
  for (const row of still?.rows.get(lane.index) ?? []) {
    if (index.positionOf(row) < 0) continue;
    const { start, end } = model.threads[lane.index]!.slices;
    outlineSpan(picture, start[row]!, end[row]!, y, height, ink, 2);
  }
}

/** On a thread's state band. */
export function outlineState(picture: Picture, lane: Lane, y: number, height: number): void {
  const { states } = picture.scene.model.threads[lane.index]!;
  forChosen(picture, lane, "state", (thing, thickness, ink) =>
    outlineSpan(picture, states.start[thing.row]!, states.end[thing.row]!, y, height, ink, thickness),
  );
}

function forChosen(
  { scene }: Picture,
  lane: Lane,
  type: Thing["type"],
  draw: (thing: Exclude<Thing, { type: "value" }>, thickness: number, ink: Ink) => void,
): void {
  const { hover, selection, spotlight, theme } = scene;
  const longest = spotlight?.longest;
  if (longest?.type === type && longest.lane === lane.id) draw(longest, 2, theme.inks.accent);
  if (hover?.type === type && hover.lane === lane.id && hover.type !== "value") draw(hover, 1, theme.inks.foreground);
  if (selection?.type === type && selection.lane === lane.id && selection.type !== "value")
    draw(selection, 2, theme.inks.accent);
}

function outlineSpan(
  { frame, range, ratio, scene }: Picture,
  start: number,
  end: number,
  y: number,
  height: number,
  ink: Ink,
  thickness: number,
): void {
  const ground = scene.theme.inks.background;
  const scale = range.pixels / (range.end - range.start);
  const x0 = Math.max(-4, Math.round((start - range.start) * scale));
  const x1 = Math.min(range.pixels + 4, Math.round(((Number.isNaN(end) ? range.now : end) - range.start) * scale));
  if (x1 < 0 || x0 > range.pixels) return;
  const beyond = Math.round(ratio);
  const left = x0 - beyond;
  const top = y - beyond;
  const width = Math.max(3, x1 - x0 + beyond);
  const tall = height + 2 * beyond;
  const thick = Math.round(thickness * ratio);
  frame.outline(left, top, width, tall, thick, ink);
  // It stands off from what it frames, whatever colour that has.
  if (thickness > 1 && width > 6 * thick)
    frame.outline(left + thick, top + thick, width - 2 * thick, tall - 2 * thick, beyond, ground);
}
