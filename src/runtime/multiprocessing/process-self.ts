/** Who this process is, who started it, and who its children are to be. */
import { RuntimeError } from "../core/errors.js";
import { type Inside, inside, setInside } from "./process-inside.js";
import { processKey, setProcessKey } from "./process-key.js";
import { rootPid, setRootPid } from "./root-process.js";
import type { ProcessIdentity } from "./start-message.js";

/** `Process.prototype`: the class itself needs what is here. */
let prototype: object;
let self: object;
let parent: object | null = null;
/** How many children this thread has made. */
let created = 0;

/** Makes the process that this is, until its parent says who it is. For the class of processes. */
export function makeSelf(ofClass: object): void {
  prototype = ofClass;
  self = sharingKey(stranger({ pid: process.pid }));
}

function stranger(who: Partial<Inside>): object {
  const process = Object.create(prototype) as object;
  setInside(process, {
    name: "MainProcess",
    daemon: false,
    authkey: new Uint8Array(0),
    identity: [],
    target: undefined,
    targetReference: null,
    args: [],
    record: null,
    pid: null,
    closed: false,
    noticed: false,
    sentinel: null,
    ...who,
  });
  return process;
}

/** Has all threads of this process share the key of the process that it is. */
function sharingKey(process: object): object {
  Object.defineProperty(inside(process), "authkey", {
    get: processKey,
    set: setProcessKey,
    enumerable: true,
  });
  return process;
}

/** Makes this process who its parent said it is. */
export function becomeProcess(who: ProcessIdentity): void {
  const { name, daemon, authkey, identity } = who;
  setRootPid(who.root);
  parent = stranger({ name: who.parent.name, pid: who.parent.pid, authkey });
  setProcessKey(authkey);
  self = sharingKey(stranger({ name, daemon, identity, pid: process.pid }));
}

/** Gives the process that this is its class, its fields and what it runs. Returns it. */
export function takeOwnWork(
  type: { readonly prototype: object } | null,
  fields: object,
  target: ((...args: never[]) => unknown) | null,
  args: readonly unknown[],
): object {
  const it = inside(self);
  it.target = target ?? undefined;
  it.args = args;
  if (type !== null) Object.setPrototypeOf(self, type.prototype);
  return Object.assign(self, fields);
}

/** The object of the calling process. */
export function ownProcess(): object {
  return self;
}

/** The object of the process that started this one, or null. */
export function ownParent(): object | null {
  return parent;
}

/** Who a child is to be, as it is told itself. */
export function whoIs(it: Pick<Inside, "name" | "daemon" | "authkey" | "identity">): ProcessIdentity {
  return {
    name: it.name,
    daemon: it.daemon,
    authkey: it.authkey,
    identity: it.identity,
    parent: { pid: process.pid, name: inside(self).name },
    root: rootPid(),
  };
}

/** What tells the next child of this thread from the others. */
export function nextIdentity(): readonly number[] {
  return [...inside(self).identity, ++created];
}

/** Who a worker of a pool is: as a `Process` made and started here would be. Throws `RuntimeError` in a daemon. */
export function identityOfWorker(name: string, daemon: boolean): ProcessIdentity {
  assertMayHaveChildren();
  const { authkey } = inside(self);
  return whoIs({ name, daemon, authkey, identity: nextIdentity() });
}

/** Throws `RuntimeError` in a daemon. */
export function assertMayHaveChildren(): void {
  if (inside(self).daemon) throw new RuntimeError("daemonic processes are not allowed to have children");
}

/** This process may have children though it is a daemon: it sees to their end itself. */
export function allowChildren(): void {
  inside(self).daemon = false;
}
