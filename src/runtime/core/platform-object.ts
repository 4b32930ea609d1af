// biome-ignore-all lint/complexity/noBannedTypes: Function is any function or class
/**
 * Objects of Node and of the language that are more than their fields: a URL, a Blob, an iterator. Copied field by
 * field, as instances of users' classes are, they would arrive empty, without a word. Node's own structured clone copies
 * some of them and, in its newer versions, refuses the others.
 */
import { types } from "node:util";

/** What becomes of an object that crosses. `Fields`: its fields are copied. */
export const Nature = { Fields: 0, Cloned: 1, Bound: 2 } as const;
export type Nature = (typeof Nature)[keyof typeof Nature];

/** By the prototype of an object. */
const natures = new WeakMap<object, Nature>();

/** Where the classes of the platform are found by their names, besides the global object. */
const NAMESPACES = ["Intl", "WebAssembly", "Temporal"];

/** `Cloned`: Node copies it to another thread of this process. `Bound`: it cannot leave its thread. */
export function natureOf(object: object): Nature {
  const proto = Object.getPrototypeOf(object) as object;
  let nature = natures.get(proto);
  if (nature === undefined) {
    nature = find(object, proto);
    natures.set(proto, nature);
  }
  return nature;
}

function find(object: object, own: object): Nature {
  if (types.isKeyObject(object) || types.isCryptoKey(object) || object instanceof WebAssembly.Module) {
    return Nature.Cloned;
  }
  let nature: Nature = / Iterator$/.test(Object.prototype.toString.call(object).slice(8, -1))
    ? Nature.Bound
    : Nature.Fields;
  for (let proto: object | null = own; proto !== null && proto !== Object.prototype; proto = parentOf(proto)) {
    // How Node marks what its structured clone knows.
    if (Object.getOwnPropertySymbols(proto).some((symbol) => symbol.description === "messaging_clone_symbol")) {
      return Nature.Cloned;
    }
    const type = Object.getOwnPropertyDescriptor(proto, "constructor")?.value as unknown;
    if (typeof type === "function" && isOfPlatform(type)) nature = Nature.Bound;
  }
  return nature;
}

const parentOf = (proto: object): object | null => Object.getPrototypeOf(proto) as object | null;

/** True for a class that can be had by its name without an import, unless a script has put it there. */
function isOfPlatform(type: Function): boolean {
  const holders = [globalThis, ...NAMESPACES.map((name) => (globalThis as Record<string, unknown>)[name])];
  return holders.some((holder) => {
    if (typeof holder !== "object" || holder === null) return false;
    const property = Object.getOwnPropertyDescriptor(holder, type.name);
    return property?.enumerable === false && (holder as Record<string, unknown>)[type.name] === type;
  });
}
