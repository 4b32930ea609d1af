/** What `hold` of everything that can be acquired returns: it is given back at the end of the `using` block. */
import type { Hold } from "../types.js";

/** Some older Node versions lack the symbol; `using` needs it. */
(Symbol as { dispose?: symbol }).dispose ??= Symbol.for("nodejs.dispose");
(Symbol as { asyncDispose?: symbol }).asyncDispose ??= Symbol.for("nodejs.asyncDispose");

export class HeldUntilDisposed implements Hold {
  private held: { release(): void } | null;

  constructor(held: { release(): void }) {
    this.held = held;
  }

  release(): void {
    const { held } = this;
    this.held = null;
    held?.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
