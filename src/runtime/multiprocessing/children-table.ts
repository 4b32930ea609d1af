/** The children of one thread that are processes of the user's: what the io-service does for `Process`. */
import { Child, type ChildEvents, type ChildSettings } from "./child.js";
import { ToChild } from "./messages.js";
import { ProcessRecord } from "./process-record.js";
import { forgetChild, watchChild } from "./reaper.js";

interface Entry {
  readonly child: Child;
  readonly daemon: boolean;
}

/** Starts a child that is killed if this process ends before it. */
export function startChild(settings: ChildSettings, start: Uint8Array, events: ChildEvents): Child {
  let pid = 0;
  const child = new Child(settings, {
    started: (number) => {
      pid = number;
      watchChild(pid);
      events.started(pid);
    },
    failed: events.failed,
    frame: events.frame,
    read: () => events.read?.(),
    ended: (exitCode) => {
      forgetChild(pid);
      events.ended(exitCode);
    },
  });
  if (child.pid !== undefined) child.send(ToChild.Start, 0, start);
  return child;
}

export class ChildrenTable {
  readonly #byPid = new Map<number, Entry>();
  readonly #onEmpty: () => void;

  /** `onEmpty` is called whenever the last child has ended. */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  get size(): number {
    return this.#byPid.size;
  }

  /** Starts a process; its record says how it goes. */
  start(buffer: SharedArrayBuffer, settings: ChildSettings, start: Uint8Array, daemon: boolean): void {
    const record = new ProcessRecord(buffer);
    let pid = 0;
    try {
      const child = startChild(settings, start, {
        started: (number) => {
          pid = number;
        },
        failed: (error) => record.setFailed(error.message),
        frame: () => {},
        ended: (exitCode) => {
          this.#byPid.delete(pid);
          record.setEnded(exitCode);
          if (this.#byPid.size === 0) this.#onEmpty();
        },
      });
      if (child.pid === undefined) return;
      this.#byPid.set(pid, { child, daemon });
      record.setStarted(pid);
    } catch (error) {
      record.setFailed((error as Error).message);
    }
  }

  /** Sends a signal to a child that lives. */
  signal(pid: number, name: NodeJS.Signals): void {
    this.#byPid.get(pid)?.child.signal(name);
  }

  /** Terminates the daemons. */
  terminateDaemons(): void {
    for (const { child, daemon } of this.#byPid.values()) if (daemon) child.signal("SIGTERM");
  }
}
