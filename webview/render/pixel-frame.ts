/**
 * A picture made of rectangles, put together in memory and handed to the canvas as a whole.
 *
 * With everything in view a frame has many thousand rectangles of a pixel or two. As calls of the canvas each costs
 * twice: when it is made, and again when the browser draws what it was told. Written into an array of pixels a
 * rectangle costs about as much as its pixels, and the canvas gets one call a frame.
 *
 * All places and sizes are whole device pixels; what lies outside is cut off. An ink is a pixel as ImageData has it
 * (little endian ABGR, alpha not multiplied in), so that a translucent one can be laid over what is there.
 */

export type Ink = number;

/** Rectangles narrower than this are written pixel by pixel: `fill` costs more than it saves. */
const NARROW = 12;

export class PixelFrame {
  width = 1;
  height = 1;
  #image = new ImageData(1, 1);
  #pixels = new Uint32Array(this.#image.data.buffer);

  resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    this.width = width;
    this.height = height;
    this.#image = new ImageData(width, height);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
  }

  /** Row by row from the top; to be written to where {@link rect} is not enough. */
  get pixels(): Uint32Array {
    return this.#pixels;
  }

  clear(ink: Ink): void {
    this.#pixels.fill(ink);
  }

  rect(x: number, y: number, width: number, height: number, ink: Ink): void {
    const left = Math.max(x, 0);
    const top = Math.max(y, 0);
    const right = Math.min(x + width, this.width);
    const bottom = Math.min(y + height, this.height);
    if (left >= right || top >= bottom) return;
    if (ink >>> 24 !== 255) {
      this.#lay(left, top, right, bottom, ink);
      return;
    }
    const pixels = this.#pixels;
    const stride = this.width;
    let from = top * stride + left;
    const wide = right - left;
    if (wide < NARROW) {
      for (let row = top; row < bottom; row++, from += stride)
        for (let at = from, end = from + wide; at < end; at++) pixels[at] = ink;
    } else {
      for (let row = top; row < bottom; row++, from += stride) pixels.fill(ink, from, from + wide);
    }
  }

  outline(x: number, y: number, width: number, height: number, thickness: number, ink: Ink): void {
    this.rect(x, y, width, thickness, ink);
    this.rect(x, y + height - thickness, width, thickness, ink);
    this.rect(x, y, thickness, height, ink);
    this.rect(x + width - thickness, y, thickness, height, ink);
  }

  /** Puts it on a canvas of the same size. */
  showOn(context: CanvasRenderingContext2D): void {
    context.putImageData(this.#image, 0, 0);
  }

  /** Over what is there. Neighbours are mostly alike, so the last answer is kept. */
  #lay(left: number, top: number, right: number, bottom: number, ink: Ink): void {
    const pixels = this.#pixels;
    let below = pixels[top * this.width + left]!;
    let mixed = over(ink, below);
    for (let row = top; row < bottom; row++) {
      for (let at = row * this.width + left, end = row * this.width + right; at < end; at++) {
        const pixel = pixels[at]!;
        if (pixel !== below) {
          below = pixel;
          mixed = over(ink, below);
        }
        pixels[at] = mixed;
      }
    }
  }
}

/** An ink laid over an opaque pixel. */
export function over(ink: Ink, pixel: Ink): Ink {
  const part = (ink >>> 24) / 255;
  const channel = (shift: number): number =>
    Math.round(((ink >>> shift) & 255) * part + ((pixel >>> shift) & 255) * (1 - part)) << shift;
  return ((255 << 24) | channel(16) | channel(8) | channel(0)) >>> 0;
}

/** The same ink, letting more of the ground through. */
export function faded(ink: Ink, part: number): Ink {
  return ((Math.round((ink >>> 24) * part) << 24) | (ink & 0xffffff)) >>> 0;
}

/** A darker pixel (factor below 1). */
export function shade(ink: Ink, factor: number): Ink {
  const channel = (shift: number): number => Math.floor(((ink >>> shift) & 255) * factor) << shift;
  return ((ink & 0xff000000) | channel(16) | channel(8) | channel(0)) >>> 0;
}
