/** A manager's server in a process of its own, as the thread that started it has it. */
import { ProcessError } from "../../core/errors.js";
import type { Connection } from "../connection.js";
import { Pipe } from "../pipe.js";
import { Process } from "../process.js";
import { END, type Ready, type ServerSettings, serveManager } from "./server-process.js";

export class StartedServer {
  readonly process: Process<never>;
  /** What it is told to end by; it ends, too, when this does. */
  readonly #control: Connection;

  /** Starts it. */
  constructor(settings: ServerSettings, name: string) {
    const [control, theirs] = Pipe({ name: "control of a manager" });
    this.#control = control;
    try {
      const process = new Process({ target: serveManager, args: [settings, theirs], daemon: true, name });
      process.start();
      this.process = process as never;
    } catch (error) {
      control.close();
      throw error;
    } finally {
      theirs.close();
    }
  }

  /** Resolves with where it serves, or why it does not. */
  async ready(): Promise<Ready> {
    let ready: Ready;
    try {
      ready = await this.#control.recv();
    } catch {
      await this.process.join();
      return this.#endedEarly();
    }
    return this.#begun(ready);
  }

  /** Blocking {@link ready}. */
  readySync(): Ready {
    let ready: Ready;
    try {
      ready = this.#control.recvSync();
    } catch {
      this.process.joinSync();
      return this.#endedEarly();
    }
    return this.#begun(ready);
  }

  #begun(ready: Ready): Ready {
    if ("error" in ready) this.#control.close();
    return ready;
  }

  #endedEarly(): Ready {
    this.#control.close();
    const { exitCode } = this.process;
    return {
      error: new ProcessError(`the server's process ended before it served anybody, with exit code ${exitCode}`),
    };
  }

  /** Ends it, by force if it takes more than `timeout` milliseconds twice. */
  async end(timeout: number): Promise<void> {
    this.#tellEnd();
    for (const force of this.#forces()) {
      await this.process.join({ timeout });
      if (!this.process.isAlive()) break;
      force();
    }
    await this.process.join();
    this.#control.close();
  }

  /** Blocking {@link end}. */
  endSync(timeout: number): void {
    this.#tellEnd();
    for (const force of this.#forces()) {
      this.process.joinSync({ timeout });
      if (!this.process.isAlive()) break;
      force();
    }
    this.process.joinSync();
    this.#control.close();
  }

  #forces(): (() => void)[] {
    return [() => this.process.terminate(), () => this.process.kill()];
  }

  #tellEnd(): void {
    try {
      this.#control.sendSync(END);
    } catch {
      // It has ended already.
    }
  }
}
