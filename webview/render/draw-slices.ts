/** Draws rows of slices: those of a thread, the holders of a lock, the threads on a core, the messages of a connection. */
import type { TraceModel } from "../../src/analysis/model.js";
import { isEvidence } from "../../src/analysis/report/findings/evidence.js";
import { displayName } from "../model/format.js";
import type { IntervalIndex } from "../model/interval-index.js";
import { type Lane, size } from "../model/lanes.js";
import { outlineChosen, outlineStuck } from "./draw-outlines.js";
import type { Picture } from "./picture.js";
import { faded, type Ink, type PixelFrame } from "./pixel-frame.js";
import { ASYNC_FLAG, FAILED_FLAG } from "./slice-style.js";

/** How strongly slices show that the search did not find, or of which a finding does not speak. */
export const DIMMED = 0.28;
/** Device pixels from which on a slice stands by itself. */
const ALONE_FROM = 3;

/** Neighbours of one colour, each too narrow to be told apart, become one rectangle. */
class Run {
  readonly #frame: PixelFrame;
  readonly #y: number;
  readonly #height: number;
  #from = 0;
  #to = 0;
  #ink: Ink = 0;

  constructor(frame: PixelFrame, y: number, height: number) {
    this.#frame = frame;
    this.#y = y;
    this.#height = height;
  }

  add(left: number, right: number, ink: Ink): void {
    if (ink === this.#ink && left <= this.#to && this.#to > this.#from) {
      if (right > this.#to) this.#to = right;
      return;
    }
    this.end();
    this.#from = left;
    this.#to = right;
    this.#ink = ink;
  }

  end(): void {
    if (this.#to > this.#from) this.#frame.rect(this.#from, this.#y, this.#to - this.#from, this.#height, this.#ink);
    this.#from = this.#to = 0;
  }
}

/** A thread's slices of one depth. */
export function drawSlices(picture: Picture, lane: Lane, index: IntervalIndex, y: number): void {
  const { scene, range, frame, texts, styles, names, ratio } = picture;
  const { model, theme, foundName, litObject, spotlight } = scene;
  const { inks } = theme;
  const thread = model.threads[lane.index]!;
  // Lanes that a finding does not speak of recede as a whole.
  const light = spotlight?.lanes.has(lane.id) ? spotlight.spec : null;
  const { kind, flags, name, object } = thread.slices;
  const height = Math.round((size.sliceRow - 1) * ratio);
  const gap = Math.max(1, Math.round(ratio * 0.75));
  const thin = Math.max(1, Math.floor(ratio));
  const edge = Math.round(2 * ratio);
  const run = new Run(frame, y, height);
  index.walk(range, (row, x0, x1, merged) => {
    const style = styles.of(kind[row]!, flags[row]!, name[row]!, model.strings);
    const left = Math.max(-2, Math.round(x0));
    const right = Math.min(range.pixels + 2, Math.max(left + 1, Math.round(x1)));
    const isLit = light !== null && isEvidence(light, thread, row);
    const dimmed = light ? !isLit : foundName >= 0 && name[row] !== foundName;
    if (merged > 1 || right - left < ALONE_FROM) {
      const plain = dimmed ? faded(style.ink, DIMMED) : foundName < 0 || isLit ? style.ink : inks.foreground;
      run.add(left, right, plain);
      return;
    }
    run.end();
    const ink = (of: Ink): Ink => (dimmed ? faded(of, DIMMED) : of);
    const width = right - left - gap;
    frame.rect(left, y, width, height, ink(style.ink));
    if (flags[row]! & ASYNC_FLAG && right - left > 6) frame.outline(left, y, width, height, thin, ink(inks.wait));
    if (flags[row]! & FAILED_FLAG) frame.rect(left, y + height - edge, width, edge, ink(inks.warn));
    if (litObject >= 0 && object[row] === litObject)
      frame.rect(left, y + height - edge, width, edge, ink(inks.foreground));
    if ((foundName >= 0 || isLit) && !dimmed) frame.outline(left, y, width, height, thin, inks.foreground);
    const words = names.of(model.strings, name[row]!, kind[row]!);
    texts.add(words, left, right, y + height / 2, style.text, dimmed ? DIMMED : 1, range.pixels, ratio);
  });
  run.end();
  outlineStuck(picture, lane, index, y, height);
  outlineChosen(picture, lane, "slice", index, y, height);
}

/** A thread's name, short: the main thread of one process among several goes by the process's. */
function ownerName({ threads, processes }: TraceModel, index: number): string {
  const thread = threads[index];
  if (thread === undefined) return "other";
  const process = processes.length > 1 && thread.isMain ? processes[thread.process]!.name : "";
  return displayName(process || thread.name);
}

/** Which thread had a lock or a core, or sent a message. `words` is what stands there, the thread's name if not told. */
export function drawOwners(
  picture: Picture,
  lane: Lane,
  index: IntervalIndex,
  threads: Int32Array,
  type: "hold" | "core" | "message",
  y: number,
  height: number,
  words?: (row: number) => string,
): void {
  const { scene, range, frame, texts, styles, ratio } = picture;
  const gap = Math.max(1, Math.round(ratio * 0.75));
  const run = new Run(frame, y, height);
  index.walk(range, (row, x0, x1, merged) => {
    const thread = threads[row]!;
    const style = styles.ofThread(thread);
    const left = Math.max(-2, Math.round(x0));
    const right = Math.min(range.pixels + 2, Math.max(left + 1, Math.round(x1)));
    if (merged > 1 || right - left < ALONE_FROM) {
      run.add(left, right, style.ink);
      return;
    }
    run.end();
    frame.rect(left, y, right - left - gap, height, style.ink);
    const name = words === undefined ? ownerName(scene.model, thread) : words(row);
    texts.add(name, left, right, y + height / 2, style.text, 1, range.pixels, ratio);
  });
  run.end();
  outlineChosen(picture, lane, type, index, y, height);
}
