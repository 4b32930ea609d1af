/** What a thread waits for that is no lock and no queue: under which name it is shown, and whose it is. */
import { ObjectKind, WaitReason } from "../trace/events.js";
import type { GrowingModel, ProcessGroup } from "./growing-model.js";
import { signalKindOf } from "./signals.js";
import type { ThreadLane } from "./thread-lane.js";

export interface Awaited {
  readonly name: string;
  /** Index of the object, or -1. */
  readonly index: number;
  /** The thread whose end is awaited. */
  readonly joined: ThreadLane | undefined;
  readonly joinedProcess: ProcessGroup | undefined;
  /** The kind of the condition, event or barrier, or 0. */
  readonly signalKind: number;
}

export function whatIsAwaited(
  model: GrowingModel,
  group: ProcessGroup,
  lane: ThreadLane,
  object: number,
  reason: number,
): Awaited {
  let name = "wait";
  let index = -1;
  let joined: ThreadLane | undefined;
  let joinedProcess: ProcessGroup | undefined;
  const ofPool = () => {
    if (object === 0) return "";
    const pool = model.object(group, object, ObjectKind.ThreadPoolExecutor);
    index = pool.index;
    return ` ${pool.name}`;
  };
  switch (reason) {
    case WaitReason.ThreadJoin:
      joined = group.threads.get(object);
      name = `join ${joined?.name ?? model.table.all[group.spawned.get(object)?.name ?? 0] ?? ""}`.trimEnd();
      break;
    case WaitReason.ProcessJoin:
      joinedProcess = model.knownProcess(object);
      name = `join ${joinedProcess?.name || "process"}`;
      break;
    case WaitReason.Result:
      name = `result${ofPool()}`;
      break;
    case WaitReason.Futures:
      name = `futures${ofPool()}`;
      break;
    case WaitReason.Shutdown:
      name = `shutdown${ofPool()}`;
      break;
    case WaitReason.QueueJoin:
      if (object !== 0) {
        const queue = model.object(group, object, ObjectKind.Queue);
        index = queue.index;
        name = `join ${queue.name}`;
      } else name = "join queue";
      break;
    case WaitReason.IdleWorker: {
      const pool = lane.pool >= 0 ? model.objects[lane.pool]! : null;
      index = pool?.index ?? -1;
      name = "idle";
      break;
    }
    case WaitReason.Sleep:
      name = "sleep";
      break;
    case WaitReason.Receive:
    case WaitReason.Send: {
      const connection = group.objects.get(object);
      index = connection?.traffic ? connection.index : -1;
      name = `${reason === WaitReason.Receive ? "receive" : "send"} ${index < 0 ? "" : connection!.name}`.trimEnd();
      break;
    }
    case WaitReason.AnyOf:
      name = "wait for any of several";
      break;
    case WaitReason.Accept:
      name = "accept";
      break;
    case WaitReason.Connect:
      name = "connect";
      break;
  }
  const signalKind = signalKindOf(reason);
  if (signalKind !== 0) {
    const awaited = model.object(group, object, signalKind);
    index = awaited.index;
    name = `wait ${awaited.name}`;
  }
  return { name, index, joined, joinedProcess, signalKind };
}
