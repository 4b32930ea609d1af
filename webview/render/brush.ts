/** A canvas in device pixels, with the few operations the lanes are drawn with. All arguments are device pixels. */
import type { Theme } from "./theme.js";

const MEASURED = 5000;

export class Brush {
  readonly context: CanvasRenderingContext2D;
  width = 0;
  height = 0;
  ratio = 1;
  #color = "";
  readonly #widths = new Map<string, number>();
  #font = "";

  constructor(canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d", { alpha: false })!;
  }

  resize(width: number, height: number, ratio: number): void {
    const { canvas } = this.context;
    const w = Math.max(1, Math.round(width * ratio));
    const h = Math.max(1, Math.round(height * ratio));
    if (canvas.width !== w) canvas.width = w;
    if (canvas.height !== h) canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    this.width = w;
    this.height = h;
    if (this.ratio !== ratio) this.#widths.clear();
    this.ratio = ratio;
  }

  /** To be called before each picture: canvas state is lost when it is resized. */
  begin(theme: Theme): void {
    this.#color = "";
    this.setFont(theme.font);
    this.context.textBaseline = "middle";
    this.context.globalAlpha = 1;
  }

  setFont(font: string): void {
    const scaled = font.replace(/^([\d.]+)px/, (_, size) => `${Number(size) * this.ratio}px`);
    if (scaled !== this.#font) this.#widths.clear();
    this.#font = scaled;
    this.context.font = scaled;
  }

  rect(x: number, y: number, w: number, h: number, color: string): void {
    if (color !== this.#color) {
      this.context.fillStyle = color;
      this.#color = color;
    }
    this.context.fillRect(x, y, w, h);
  }

  /** To be called after drawing on the context directly. */
  forgetColor(): void {
    this.#color = "";
  }

  outline(x: number, y: number, w: number, h: number, color: string, thickness: number): void {
    this.rect(x, y, w, thickness, color);
    this.rect(x, y + h - thickness, w, thickness, color);
    this.rect(x, y, thickness, h, color);
    this.rect(x + w - thickness, y, thickness, h, color);
  }

  /**
   * As much of a text as fits into `room`, with its middle at `y`; nothing if not even three letters do. A `ground`
   * of that colour keeps it legible over anything.
   */
  text(text: string, x: number, y: number, room: number, color: string, ground = ""): void {
    if (room < 14 * this.ratio || !text) return;
    let shown = text;
    const width = this.#measure(text);
    if (width > room) {
      let fit = Math.floor((room / width) * text.length);
      do {
        if (--fit < 3) return;
        shown = `${text.slice(0, fit)}…`;
      } while (this.#measure(shown) > room);
    }
    if (ground) {
      const { ratio } = this;
      this.context.globalAlpha = 0.9;
      this.rect(x - 3 * ratio, y - 7 * ratio, this.#measure(shown) + 6 * ratio, 14 * ratio, ground);
      this.context.globalAlpha = 1;
    }
    this.#color = color;
    this.context.fillStyle = color;
    this.context.fillText(shown, x, y);
  }

  /** Width of a text. */
  measure(text: string): number {
    return this.#measure(text);
  }

  #measure(text: string): number {
    let width = this.#widths.get(text);
    if (width === undefined) {
      if (this.#widths.size > MEASURED) this.#widths.clear();
      width = this.context.measureText(text).width;
      this.#widths.set(text, width);
    }
    return width;
  }
}
