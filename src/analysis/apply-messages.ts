/** What connections, messages and requests to managers do to the model. */
import { EventKind, type ObjectKind } from "../trace/events.js";
import type { CurrentRecord } from "./current-record.js";
import type { ProcessGroup } from "./growing-model.js";
import { SliceKind } from "./model.js";
import { isConnectionKind } from "./object-lane.js";
import { SliceFlag } from "./thread-lane.js";

export function applyMessage(record: CurrentRecord): void {
  const { model, group, lane, t, flags, object, a, b, failed } = record;
  switch (record.kind) {
    case EventKind.ConnectionEnd:
      if (isConnectionKind(flags)) model.connect(group, object, flags as ObjectKind, a, b === 0 ? 0 : 1);
      return;

    case EventKind.MessageSend:
    case EventKind.MessageReceive: {
      const traffic = group.objects.get(object)?.traffic;
      const end = group.ends.get(object);
      if (!traffic || end === undefined || !(a >= 0)) return;
      if (record.kind === EventKind.MessageSend) traffic.sent(t, lane.index, record.site, end, a, b, model.flows);
      else traffic.received(t, lane.index, record.site, end, a, b, model.flows);
      return;
    }

    case EventKind.RequestBegin: {
      const name = record.text(b);
      const row = model.served.begin(t, lane.index, group.pid, a, name);
      const flag = record.async ? SliceFlag.Async : 0;
      lane.beginRequest(0, a, t, SliceKind.Request, name, record.site, flag, row);
      return;
    }
    case EventKind.RequestEnd:
      lane.endRequest(0, a, t, failed);
      model.served.end(t, group.pid, a, failed);
      return;
    case EventKind.ServeBegin: {
      const row = model.served.serveBegin(t, lane.index, clientOf(group, object), a, record.text(b));
      // The client's name for it may tell more.
      const known = model.requests.name[row]!;
      lane.beginRequest(clientOf(group, object), a, t, SliceKind.Serve, known, 0, 0, row);
      return;
    }
    case EventKind.ServeEnd:
      lane.endRequest(clientOf(group, object), a, t, failed);
      model.served.serveEnd(t, clientOf(group, object), a, failed);
  }
}

/** What a server numbered by itself, since the client is not recorded, is told apart from all clients' requests. */
function clientOf(server: ProcessGroup, pid: number): number {
  return pid === 0 ? -1 - server.pid : pid;
}
