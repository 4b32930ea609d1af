/** The public part of managers. */
export { BaseManager, type Creators, type ManagerOptions, type Server } from "./base-manager.js";
export { type AutoProxy, BaseProxy } from "./base-proxy.js";

// Before any proxy can arrive.
import "./client.js";

export {
  ArrayProxy,
  type DictOperations,
  DictProxy,
  type ListOperations,
  ListProxy,
  NamespaceProxy,
  ValueProxy,
} from "./container-proxies.js";
export { PoolProxy } from "./pool-proxy.js";
export type { RegisterOptions } from "./registry.js";
export { SharedMemoryManager } from "./shared-memory-manager.js";
export { AcquirerProxy, BarrierProxy, ConditionProxy, EventProxy, QueueProxy } from "./signal-proxies.js";
export { type Creations, Manager, ManagerSync, SyncManager } from "./sync-manager.js";
