import { SliceKind } from "../../src/analysis/model.js";
import type { Ink } from "./pixel-frame.js";
import type { Theme } from "./theme.js";

export interface SliceStyle {
  readonly ink: Ink;
  readonly text: string;
}

/** A promise's wait: the thread itself goes on. */
export const ASYNC_FLAG = 1;
/** It failed or timed out. */
export const FAILED_FLAG = 2;

/** Colours of slices; those of tasks and spans depend on the name only, so a name looks the same everywhere. */
export class SliceStyles {
  readonly #palette: readonly SliceStyle[];
  readonly #named: (SliceStyle | undefined)[] = [];
  readonly #nobody: SliceStyle;
  readonly #wait: SliceStyle;
  readonly #async: SliceStyle;
  readonly #gc: SliceStyle;
  readonly #delay: SliceStyle;

  constructor(theme: Theme) {
    const { wait, asyncWait, gc, loopDelay, faint, palette } = theme.inks;
    this.#wait = { ink: wait, text: theme.waitText };
    this.#async = { ink: asyncWait, text: theme.asyncWaitText };
    this.#gc = { ink: gc, text: theme.gcText };
    this.#delay = { ink: loopDelay, text: theme.loopDelayText };
    this.#nobody = { ink: faint, text: theme.foreground };
    this.#palette = theme.paletteText.map((text, i) => ({ ink: palette[i]!, text }));
  }

  of(kind: number, flags: number, name: number, strings: readonly string[]): SliceStyle {
    switch (kind) {
      case SliceKind.Span:
      case SliceKind.Task:
      case SliceKind.Request:
      case SliceKind.Serve:
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
    return this.#palette[n % this.#palette.length]!;
  }

  /** A thread's colour on lanes of locks and cores. */
  ofThread(thread: number): SliceStyle {
    return thread < 0 ? this.#nobody : this.numbered(thread);
  }
}

function hash(text: string): number {
  let value = 2166136261;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
  return (value ^ (value >>> 15)) >>> 0;
}
