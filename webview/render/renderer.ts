import type { TraceModel } from "../../src/analysis/model.js";
import type { FlowIndex } from "../model/flows.js";
import type { Lane } from "../model/lanes.js";
import type { Spotlight } from "../model/spotlight.js";
import type { StandingStill } from "../model/standing-still.js";
import type { Thing } from "../model/things.js";
import type { TrackIndexes } from "../model/track-indexes.js";
import type { Viewport } from "../model/viewport.js";
import type { Theme } from "./theme.js";

/** All that a picture of the lanes depends on. */
export interface Scene {
  readonly model: TraceModel;
  readonly indexes: TrackIndexes;
  readonly flows: FlowIndex;
  readonly lanes: readonly Lane[];
  readonly viewport: Viewport;
  /** Height of all lanes above the visible ones, CSS pixels. */
  readonly scrollTop: number;
  readonly theme: Theme;
  readonly ticks: readonly number[];
  readonly selection: Thing | null;
  readonly hover: Thing | null;
  /** The lane under the pointer or with the keyboard's focus. */
  readonly activeLane: string;
  /** Index into `strings` of the name that the search shows, or -1. */
  readonly foundName: number;
  /** The object whose slices light up everywhere, or -1. */
  readonly litObject: number;
  /** A span the user drags or has marked, nanoseconds. */
  readonly range: { readonly from: number; readonly to: number } | null;
  /** Where the pointer is, CSS pixels, or NaN. */
  readonly pointerX: number;
  /** The program can never go on, and whose waits are to be pointed out; null while it can. */
  readonly still: StandingStill | null;
  /** What a finding speaks of, while it is pointed at; null without one. */
  readonly spotlight: Spotlight | null;
  /** The run goes on: its newest instant is marked. */
  readonly live: boolean;
}

/** Something that can draw a scene. */
export interface Renderer {
  /** Of the drawing area; `ratio` device pixels a CSS pixel. */
  resize(width: number, height: number, ratio: number): void;
  draw(scene: Scene): void;
}
