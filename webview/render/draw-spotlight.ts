/** What a finding does not speak of recedes: other lanes, and other times. */
import type { Lane } from "../model/lanes.js";
import type { Brush } from "./brush.js";
import type { Scene } from "./renderer.js";

/** How much of the ground covers what recedes. */
const VEIL = 0.74;

/** Veils lanes that a finding is not about, and the time before and after it. */
export function drawSpotlight(
  brush: Brush,
  { lanes, spotlight, theme, viewport }: Scene,
  first: number,
  last: number,
  topOf: (lane: Lane) => number,
): void {
  if (!spotlight) return;
  const { context, ratio } = brush;
  const clip = (x: number): number => Math.max(0, Math.min(brush.width, Math.round(x * ratio)));
  const from = clip(viewport.xOf(spotlight.from));
  const to = clip(viewport.xOf(spotlight.to));
  context.globalAlpha = VEIL;
  for (let i = first; i < last; i++) {
    const lane = lanes[i]!;
    if (lane.kind === "group") continue;
    const y = topOf(lane);
    const height = Math.round(lane.height * ratio);
    if (!spotlight.lanes.has(lane.id)) {
      brush.rect(0, y, brush.width, height, theme.background);
      continue;
    }
    brush.rect(0, y, from, height, theme.background);
    brush.rect(to, y, brush.width - to, height, theme.background);
  }
  context.globalAlpha = 1;
  const thick = Math.max(1, Math.round(ratio));
  if (from > 0) brush.rect(from - thick, 0, thick, brush.height, theme.accent);
  if (to < brush.width) brush.rect(to, 0, thick, brush.height, theme.accent);
}
