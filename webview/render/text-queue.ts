import type { Brush } from "./brush.js";

interface Text {
  text: string;
  from: number;
  room: number;
  middle: number;
  color: string;
  alpha: number;
  /** Colour behind the letters; "" for none. */
  ground: string;
}

/** Texts that wait until the rectangles under them are on the canvas. Device pixels. */
export class TextQueue {
  readonly #texts: Text[] = [];
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  /** A text within a box from `left` to `right`, of which only what is below `width` is visible. */
  add(
    text: string,
    left: number,
    right: number,
    middle: number,
    color: string,
    alpha: number,
    width: number,
    ratio: number,
    ground = "",
  ): void {
    const from = Math.max(0, left) + 4 * ratio;
    const room = Math.min(width, right) - from - 4 * ratio;
    if (room < 14 * ratio) return;
    // The objects are used again in each frame.
    this.#texts[this.#count] ??= { text, from, room, middle, color, alpha, ground };
    const slot = this.#texts[this.#count++]!;
    slot.text = text;
    slot.from = from;
    slot.room = room;
    slot.middle = middle + ratio * 0.5;
    slot.color = color;
    slot.alpha = alpha;
    slot.ground = ground;
  }

  draw(brush: Brush): void {
    const { context } = brush;
    for (let i = 0; i < this.#count; i++) {
      const { text, from, room, middle, color, alpha, ground } = this.#texts[i]!;
      if (alpha !== 1) context.globalAlpha = alpha;
      brush.text(text, from, middle, room, color, ground);
      if (alpha !== 1) context.globalAlpha = 1;
    }
  }
}
