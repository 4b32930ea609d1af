/**
 * A run ends when its runner does, however that ends: the runner tidies up after all but a SIGKILL or a crash of its
 * own. For those there is a guard: a shell that waits for the runner's pipe to close. If nobody has said that the run is
 * over by then, it becomes a Node that ends all of the run's processes, as Stop does (`end-run.ts`). The script could
 * not watch over itself: it may be busy, blocked or stopped. The shell costs a megabyte, and nothing while it waits.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { findProcess } from "./process-tree.js";

// Signals of a terminal go to all of its processes; the guard has to outlive the runner.
const SCRIPT = `trap '' HUP INT QUIT TERM
read -r said && exit
exec "$@"`;

/** Shorter runs do without a guard, milliseconds. */
const DELAY = 100;

export class Guard {
  readonly #timer: NodeJS.Timeout | undefined;
  #shell: ChildProcess | undefined;

  /** `pid` is the script's process, `marker` as for a process tree, `nodePath` what may end the run. */
  constructor(pid: number, marker: string, nodePath: string) {
    if (process.platform === "win32") return;
    const started = findProcess(pid)?.started;
    if (started === undefined) return;
    const command = [nodePath, join(__dirname, "end-run.cjs"), String(pid), started, marker];
    this.#timer = setTimeout(() => this.#start(command), DELAY).unref();
  }

  #start(command: readonly string[]): void {
    const shell = spawn("/bin/sh", ["-c", SCRIPT, "heddle-guard", ...command], {
      stdio: ["pipe", "ignore", "ignore"],
      // What a Node within another program needs to be one.
      env: process.env.ELECTRON_RUN_AS_NODE ? { ELECTRON_RUN_AS_NODE: "1" } : {},
    });
    shell.on("error", () => {});
    shell.stdin.on("error", () => {});
    // Nobody waits for the shell itself.
    shell.unref();
    (shell.stdin as unknown as { unref?(): void }).unref?.();
    this.#shell = shell;
  }

  /** The run is over: there is nothing left to guard. */
  dismiss(): void {
    clearTimeout(this.#timer);
    this.#shell?.stdin?.end("over\n");
  }
}
