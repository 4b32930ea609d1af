/** What a finding does not speak of recedes: other lanes, and other times. */
import type { Lane } from "../model/lanes.js";
import type { Brush } from "./brush.js";
import type { Scene } from "./renderer.js";

/** How much of the ground covers what recedes. */
const VEIL = 0.74;

/** Veils lanes that a finding is not about, and the time before and after it; names those of its lanes that are out of view. */
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
  const isInView = lanes.some((lane, i) => i >= first && i < last && spotlight.lanes.has(lane.id));
  context.globalAlpha = VEIL;
  // Where nothing of it is in view, all would be dark.
  for (let i = isInView ? first : last; i < last; i++) {
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
  const beyond = (sign: string, found: readonly Lane[], y: number): void => {
    const [lane] = found;
    if (!lane) return;
    const words = `${sign} ${lane.title}${found.length > 1 ? ` and ${found.length - 1} more` : ""}`;
    const left = Math.max(8 * ratio, (brush.width - brush.measure(words)) / 2);
    brush.text(words, left, y, brush.width - left - 8 * ratio, theme.foreground, theme.background);
  };
  const isLit = (lane: Lane): boolean => spotlight.lanes.has(lane.id);
  beyond("▲", lanes.slice(0, first).filter(isLit), 12 * ratio);
  beyond("▼", lanes.slice(last).filter(isLit), brush.height - 12 * ratio);
}
