/** Sockets that a process of this library has left which was killed: whoever makes the next of their kind removes them. */
import { readdirSync, readFileSync } from "node:fs";
import { connectionClient } from "./connection-client.js";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  try {
    // Dead, and nobody has asked how it ended.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

/**
 * The paths of those sockets: `socketOf` tells where one is by the name of what was made for it in `folder`, which
 * begins with `prefix` and the number of its process. A process of a number may live where it cannot be seen from here,
 * so nobody must listen there either.
 */
export function staleSockets(folder: string, prefix: string, socketOf: (name: string) => string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .filter((name) => !isAlive(Number(/^\d+/.exec(name.slice(prefix.length))?.[0] ?? process.pid)))
    .map(socketOf)
    .filter(nobodyListens);
}

function nobodyListens(path: string): boolean {
  try {
    const { ends } = connectionClient().ask((call) => ({ op: "connect", call, address: { path }, key: null }));
    for (const { id } of ends ?? []) connectionClient().post({ op: "close", id });
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ECONNREFUSED" || code === "ENOENT";
  }
}
