/** What the report says of connections and of managers. */
import type { ObjectTrack, TraceModel } from "../model.js";
import { kindName } from "../object-lane.js";
import { withoutColumn } from "../strings.js";
import { Durations } from "./durations.js";
import type { ConnectionReport, ManagerReport, RequestsReport } from "./report-types.js";
import type { ObjectNumbers } from "./trace-numbers.js";

export function connectionReport(
  model: TraceModel,
  object: ObjectTrack,
  id: string,
  numbers: ObjectNumbers,
): ConnectionReport {
  return {
    id,
    kind: kindName(object.kind),
    name: object.name,
    site: withoutColumn(object.site),
    pids: object.processes.map((index) => model.processes[index]!.pid),
    messages: object.tally.messages,
    bytes: object.tally.bytes,
    transit: numbers.use.summary(),
    receiveWait: numbers.wait.summary(),
    sendWait: numbers.putWait.summary(),
  };
}

/** What is known of some requests. */
class RequestNumbers {
  requests = 0;
  failed = 0;
  readonly #total = new Durations();
  readonly #served = new Durations();
  readonly #wire = new Durations();

  add(total: number, served: number, failed: boolean): void {
    this.requests++;
    if (failed) this.failed++;
    this.#total.add(total);
    this.#served.add(served);
    this.#wire.add(Math.max(0, total - served));
  }

  get cost(): number {
    return Math.max(this.#total.total, this.#served.total);
  }

  report(): RequestsReport {
    return {
      requests: this.requests,
      failed: this.failed,
      total: this.#total.summary(),
      served: this.#served.summary(),
      wire: this.#wire.summary(),
    };
  }
}

/** By the process of the server, the costliest first. */
export function managerReports(model: TraceModel): ManagerReport[] {
  const { requests } = model;
  const managers = new Map<
    number,
    { all: RequestNumbers; methods: Map<number, RequestNumbers>; clients: Set<number> }
  >();
  for (let i = 0; i < requests.count; i++) {
    const server = model.threads[requests.server[i]!]?.process ?? -1;
    let manager = managers.get(server);
    if (manager === undefined) {
      manager = { all: new RequestNumbers(), methods: new Map(), clients: new Set() };
      managers.set(server, manager);
    }
    const name = requests.name[i]!;
    let method = manager.methods.get(name);
    if (method === undefined) {
      method = new RequestNumbers();
      manager.methods.set(name, method);
    }
    if (requests.thread[i]! >= 0) manager.clients.add(requests.thread[i]!);
    const total = requests.end[i]! - requests.start[i]!;
    const served = requests.serveEnd[i]! - requests.serveStart[i]!;
    for (const numbers of [manager.all, method]) numbers.add(total, served, requests.failed[i] === 1);
  }
  return [...managers]
    .sort(([, x], [, y]) => y.all.cost - x.all.cost)
    .map(([server, { all, methods, clients }]) => ({
      pid: model.processes[server]?.pid ?? 0,
      name: model.processes[server]?.name ?? "",
      clients: clients.size,
      ...all.report(),
      methods: [...methods]
        .sort(([, x], [, y]) => y.cost - x.cost)
        .map(([name, numbers]) => ({ name: model.strings[name] ?? "", ...numbers.report() })),
    }));
}
