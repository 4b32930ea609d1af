import { SliceKind } from "../../src/analysis/model.js";
import type { Theme } from "./theme.js";

export interface SliceStyle {
  readonly fill: string;
  readonly text: string;
}

/** A promise's wait: the thread itself goes on. */
export const ASYNC_FLAG = 1;
/** It failed or timed out. */
export const FAILED_FLAG = 2;

/** Colours of slices; those of tasks and spans depend on the name only, so a name looks the same everywhere. */
export class SliceStyles {
  readonly #theme: Theme;
  readonly #named: (SliceStyle | undefined)[] = [];
  readonly #wait: SliceStyle;
  readonly #async: SliceStyle;
  readonly #gc: SliceStyle;
  readonly #delay: SliceStyle;

  constructor(theme: Theme) {
    this.#theme = theme;
    this.#wait = { fill: theme.wait, text: theme.waitText };
    this.#async = { fill: theme.asyncWait, text: theme.foreground };
    this.#gc = { fill: theme.gc, text: theme.foreground };
    this.#delay = { fill: theme.loopDelay, text: theme.foreground };
  }

  of(kind: number, flags: number, name: number, strings: readonly string[]): SliceStyle {
    switch (kind) {
      case SliceKind.Span:
      case SliceKind.Task:
        this.#named[name] ??= this.numbered(hash(strings[name] ?? ""));
        return this.#named[name];
      case SliceKind.Gc:
        return this.#gc;
      case SliceKind.LoopDelay:
        return this.#delay;
      default:
        return flags & ASYNC_FLAG ? this.#async : this.#wait;
    }
  }

  /** The colour of the n-th thing. */
  numbered(n: number): SliceStyle {
    const i = n % this.#theme.palette.length;
    return { fill: this.#theme.palette[i]!, text: this.#theme.paletteText[i]! };
  }

  /** A thread's colour on lanes of locks and cores. */
  ofThread(thread: number): SliceStyle {
    if (thread < 0) return { fill: this.#theme.faint, text: this.#theme.foreground };
    return this.numbered(thread);
  }
}

function hash(text: string): number {
  let value = 2166136261;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
  return (value ^ (value >>> 15)) >>> 0;
}
