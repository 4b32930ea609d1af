import type { PixelRange } from "../model/interval-index.js";
import type { PixelFrame } from "./pixel-frame.js";
import type { Scene } from "./renderer.js";
import type { SliceNames } from "./slice-names.js";
import type { SliceStyles } from "./slice-style.js";
import type { TextQueue } from "./text-queue.js";

/** What the lanes are drawn from, and onto. */
export interface Picture {
  readonly scene: Scene;
  readonly range: PixelRange;
  readonly frame: PixelFrame;
  readonly texts: TextQueue;
  readonly styles: SliceStyles;
  readonly names: SliceNames;
  /** Device pixels a CSS pixel. */
  readonly ratio: number;
}
