/**
 * What belongs to the arguments of tasks and cannot be in shared memory: SharedArrayBuffers and MessagePorts. It goes
 * through a port to each worker.
 *
 * Which worker will take a task is not known when it is queued. Buffers are shared, so they are sent to all workers
 * before the task can be taken. A MessagePort can go to one only: it is kept here, out of the user's reach, until the
 * worker that has begun the task asks for it; an owner that is busy elsewhere answers when it next looks at its inbox.
 */
import { MessageChannel, MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { movable } from "../core/structured-clone.js";
import type { ExtrasMessage } from "./thread-task.js";

export class TaskExtras {
  readonly #ports: MessagePort[] = [];
  readonly #open = new Map<number, readonly unknown[]>();

  /** A new worker: it needs what was sent to the others too. */
  addWorker(port: MessagePort): void {
    this.#ports.push(port);
    for (const [ticket, extras] of this.#open) {
      if (movable(extras).length === 0) port.postMessage({ ticket, extras } satisfies ExtrasMessage);
    }
  }

  /** A worker is no more. */
  removeWorker(port: MessagePort): void {
    const at = this.#ports.indexOf(port);
    if (at >= 0) this.#ports.splice(at, 1);
  }

  /** A task that nobody has begun is about to be queued again, under another number. */
  move(from: number, to: number): void {
    const extras = this.#open.get(from);
    if (extras === undefined) return;
    this.#open.delete(from);
    this.#open.set(to, extras);
    if (movable(extras).length > 0) return;
    for (const port of this.#ports) port.postMessage({ ticket: to, extras } satisfies ExtrasMessage);
  }

  /** A task with extras is about to be queued. */
  add(ticket: number, extras: readonly unknown[]): void {
    if (extras.some((extra) => extra instanceof MessagePort)) {
      this.#open.set(ticket, moved(extras));
      return;
    }
    for (const port of this.#ports) port.postMessage({ ticket, extras } satisfies ExtrasMessage);
    this.#open.set(ticket, extras);
  }

  /** Sends to a worker what it needs for the task it has begun. */
  send(ticket: number, port: MessagePort): void {
    const extras = this.#open.get(ticket);
    if (extras === undefined) return;
    this.#open.delete(ticket);
    port.postMessage({ ticket, extras } satisfies ExtrasMessage, movable(extras));
  }

  /** A task is over. */
  remove(ticket: number): void {
    if (this.#open.size === 0) return;
    const extras = this.#open.get(ticket);
    if (extras === undefined) return;
    this.#open.delete(ticket);
    // Of a task that was cancelled: its other end learns that nobody will answer.
    for (const port of movable(extras)) port.close();
  }
}

/** The same, with ports that are detached where they were: nobody else may use what is on its way. */
function moved(extras: readonly unknown[]): readonly unknown[] {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(extras, movable(extras));
  const { message } = receiveMessageOnPort(port2) as { message: readonly unknown[] };
  port1.close();
  return message;
}
