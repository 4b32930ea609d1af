/**
 * Requests to managers: what the client and the server tell of one, in whatever order that comes, is one row, and arrows
 * lead from asking to serving and from there to the answer.
 */
import { type GrowingFlows, GrowingRequests } from "./columns.js";
import { FlowKind } from "./model.js";

export class Requests {
  readonly columns = new GrowingRequests();
  /** Rows of those that are not over, by the client's pid and its number of the request. */
  readonly #open = new Map<number, Map<number, number>>();

  constructor(private readonly flows: GrowingFlows) {}

  #row(pid: number, number: number, name: number): number {
    let ofClient = this.#open.get(pid);
    if (ofClient === undefined) {
      ofClient = new Map();
      this.#open.set(pid, ofClient);
    }
    let row = ofClient.get(number);
    if (row === undefined) {
      row = this.columns.push(name);
      ofClient.set(number, row);
    }
    return row;
  }

  #known(pid: number, number: number): number {
    return this.#open.get(pid)?.get(number) ?? -1;
  }

  begin(t: number, thread: number, pid: number, number: number, name: number): number {
    const row = this.#row(pid, number, name);
    const { columns } = this;
    columns.start[row] = t;
    columns.thread[row] = thread;
    // What tells of it later, by a clock that differs or a late drain, began no earlier.
    if (columns.serveStart[row]! >= 0) this.#asked(row);
    return row;
  }

  end(t: number, pid: number, number: number, failed: boolean): void {
    const row = this.#known(pid, number);
    if (row < 0) return;
    const { columns } = this;
    columns.end[row] = Math.max(t, columns.start[row]!);
    if (failed) columns.failed[row] = 1;
    this.#settle(row, pid, number);
  }

  serveBegin(t: number, thread: number, pid: number, number: number, name: number): number {
    const row = this.#row(pid, number, name);
    const { columns } = this;
    columns.serveStart[row] = t;
    columns.server[row] = thread;
    if (columns.thread[row]! >= 0) this.#asked(row);
    return row;
  }

  serveEnd(t: number, pid: number, number: number, failed: boolean): void {
    const row = this.#known(pid, number);
    if (row < 0) return;
    const { columns } = this;
    columns.serveEnd[row] = Math.max(t, columns.serveStart[row]!);
    if (failed) columns.failed[row] = 1;
    this.#settle(row, pid, number);
  }

  #asked(row: number): void {
    const { start, thread, serveStart, server } = this.columns;
    this.flows.push(FlowKind.Request, thread[row]!, start[row]!, server[row]!, serveStart[row]!, -1);
  }

  /** What both sides have told of to the end is over. */
  #settle(row: number, pid: number, number: number): void {
    const { thread, end, server, serveEnd } = this.columns;
    const answered = !Number.isNaN(end[row]!);
    const served = !Number.isNaN(serveEnd[row]!);
    if (answered && served) {
      this.flows.push(FlowKind.Reply, server[row]!, serveEnd[row]!, thread[row]!, end[row]!, -1);
    }
    // A client that is not recorded never answers; a server that is not never serves.
    if ((answered || thread[row]! < 0) && (served || server[row]! < 0)) this.#open.get(pid)?.delete(number);
  }
}
