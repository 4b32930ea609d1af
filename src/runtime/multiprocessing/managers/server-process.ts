// biome-ignore-all lint/complexity/noBannedTypes: Function is any function or class
/**
 * A server in a process of its own: what `BaseManager.start` runs there.
 *
 * The process imports the script again, as every process does, so a class of managers that is registered at the top level
 * of it has its types there by itself. What was registered elsewhere comes along as references, where it can.
 *
 * It ends when the control connection ends or says so, however its parent ended.
 */

import { DataCloneError } from "../../core/errors.js";
import { analyseFunction } from "../../core/free-variables.js";
import {
  type FunctionReference,
  referenceTo,
  registerInternal,
  resolveReference,
} from "../../core/function-reference.js";
import { findModuleReference } from "../../core/function-registry.js";
import type { Connection } from "../connection.js";
import type { Address } from "../listener.js";
import { allowChildren } from "../process.js";
import { type RegisteredType, typesOf } from "./registry.js";
import { ServedManager } from "./served-manager.js";

/** A registered type on its way to the server. */
interface TypeOnTheWay {
  readonly typeId: string;
  readonly callable: FunctionReference | null;
  readonly class: FunctionReference | null;
  /** Whether there is a function or class, though it may not have a reference. */
  readonly isMade: boolean;
  readonly exposed: readonly string[] | null;
  readonly methodToTypeId: readonly (readonly [string, string])[];
}

/** What a server is told. */
export interface ServerSettings {
  readonly managerClass: FunctionReference;
  readonly types: readonly TypeOnTheWay[];
  readonly address: Address | null;
  readonly key: Uint8Array;
  readonly ownProgram: boolean;
  readonly initializer: FunctionReference | null;
  readonly initArgs: readonly unknown[];
}

/** What it says when it is ready, or cannot be. */
export type Ready = { readonly address: Address } | { readonly error: unknown };

/** What it is told to end. */
export const END = "end";

/**
 * The reference of a function or class, if it is at the top level of a module or stands alone; or null. What closes over
 * something is not looked into: the server's process is likely to have it by importing the script.
 */
function reference(fn: Function | null): FunctionReference | null {
  if (fn === null) return null;
  return findModuleReference(fn) ?? (analyseFunction(fn)?.free.length === 0 ? referenceTo(fn) : null);
}

/** The types that users registered for a class of managers, for a server elsewhere. */
export function typesOnTheWay(managerClass: object): TypeOnTheWay[] {
  const library = typesOf(libraryClassOf(managerClass));
  return [...typesOf(managerClass).values()]
    .filter((type) => library.get(type.typeId) !== type)
    .map((type) => {
      const callable = reference(type.callable);
      const made = reference(type.class);
      return {
        typeId: type.typeId,
        callable,
        class: made,
        isMade: type.callable !== null || type.class !== null,
        exposed: type.exposed,
        methodToTypeId: [...type.methodToTypeId],
      };
    });
}

/** The class of the library that a class of managers is, or comes from. */
function libraryClassOf(managerClass: object): Function {
  for (let at = managerClass; at !== Function.prototype; at = Object.getPrototypeOf(at) as object) {
    if (libraryClasses.has(at as Function)) return at as Function;
  }
  throw new TypeError("that is no class of managers");
}

const libraryClasses = new Set<Function>();

/** Tells that a class of managers is one of the library: its types are known in every process. */
export function registerManagerClass(managerClass: Function): void {
  libraryClasses.add(managerClass);
}

/** The reference of a class of managers; that of the library's which it comes from if it is at the top level of no module. */
export function classReference(managerClass: Function): FunctionReference {
  try {
    return referenceTo(managerClass, "the manager's class");
  } catch (error) {
    if (!(error instanceof DataCloneError)) throw error;
    return referenceTo(libraryClassOf(managerClass));
  }
}

async function typesHere(settings: ServerSettings): Promise<Map<string, RegisteredType>> {
  const types = typesOf(await resolveReference(settings.managerClass));
  for (const type of settings.types) {
    const known = types.get(type.typeId);
    if (known !== undefined && (known.callable !== null || known.class !== null)) continue;
    if (type.isMade && type.callable === null && type.class === null) {
      throw new DataCloneError(
        `the function or class registered for ${type.typeId} is not known in the server's process: call register at the ` +
          "top level of the script, not behind isMain, so that every process that imports the script registers it, too",
      );
    }
    types.set(type.typeId, {
      typeId: type.typeId,
      callable: type.callable === null ? null : ((await resolveReference(type.callable)) as never),
      class: type.class === null ? null : ((await resolveReference(type.class)) as never),
      exposed: type.exposed,
      proxyType: known?.proxyType ?? null,
      methodToTypeId: new Map(type.methodToTypeId),
    });
  }
  return types;
}

async function serveManager(settings: ServerSettings, control: Connection): Promise<void> {
  allowChildren();
  // Ctrl-C goes to all processes of a terminal; the one that started the server says when it is to end.
  process.on("SIGINT", () => {});
  let served: ServedManager;
  try {
    const types = await typesHere(settings);
    if (settings.initializer !== null) {
      const initializer = (await resolveReference(settings.initializer)) as (...args: unknown[]) => unknown;
      await initializer(...settings.initArgs);
    }
    served = new ServedManager(types, settings.address, settings.key, settings.ownProgram);
    await control.send({ address: served.address } satisfies Ready);
  } catch (error) {
    await control.send({ error } satisfies Ready);
    return;
  }
  const end = new AbortController();
  control.recv().then(
    () => end.abort(),
    () => end.abort(),
  );
  await served.serve(end.signal);
  // What its objects still do is of no use to anybody.
  process.exit(0);
}

registerInternal("managers.serveManager", serveManager);

export { serveManager };
