// biome-ignore-all lint/suspicious/noExplicitAny: what is given no type argument is any, as in the contract
/** Which types a class of managers can make, and which of their methods may be called. */
import { checkOptions, knownOptions } from "../../core/check-options.js";
import { describe } from "../../core/describe-value.js";
import { RuntimeError } from "../../core/errors.js";
import type { BaseProxy } from "./base-proxy.js";
import { GET_VALUE } from "./base-proxy.js";

export interface RegisterOptions<T, A extends unknown[], P> {
  /** Makes, or looks up, the object; runs at the server. Left out where the manager only connects. */
  callable?: ((...args: A) => T) | undefined;
  /** The class to make the object of, instead of `callable`. */
  class?: (new (...args: A) => T) | undefined;
  /** The methods that may be called; by default all that do not begin with an underscore. */
  exposed?: readonly string[] | undefined;
  /** The class of the proxies; by default each exposed method as it stands. */
  proxyType?: (new (...args: any) => P) | undefined;
  /** For methods whose result stays at the server: the registered type to give it. */
  methodToTypeId?: Readonly<Record<string, string>> | undefined;
  /** False if the manager is not to have a method that makes the object. */
  createMethod?: boolean | undefined;
}

const REGISTER_OPTIONS = knownOptions(
  "{ class: Account }",
  "callable",
  "class",
  "exposed",
  "proxyType",
  "methodToTypeId",
  "createMethod",
);

/** A registered type. */
export interface RegisteredType {
  readonly typeId: string;
  readonly callable: ((...args: unknown[]) => unknown) | null;
  readonly class: (new (...args: unknown[]) => unknown) | null;
  readonly exposed: readonly string[] | null;
  readonly proxyType: (new (...args: never[]) => BaseProxy) | null;
  readonly methodToTypeId: ReadonlyMap<string, string>;
}

/** Names that every object has by birth: no method of a user's is meant by them. */
const INHERITED = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...Object.getOwnPropertyNames(Function.prototype),
  "prototype",
]);
INHERITED.delete("name");
INHERITED.delete("length");
INHERITED.delete("toString");
INHERITED.delete("apply");
INHERITED.delete("call");
INHERITED.delete("bind");

function checkName(name: unknown, what: string): string {
  if (typeof name !== "string") throw new TypeError(`${what} must be a string`);
  if (name === "" || name === GET_VALUE || INHERITED.has(name)) {
    throw new RangeError(`${what} cannot be ${JSON.stringify(name)}`);
  }
  return name;
}

function optionalFunction<F>(value: F | undefined, what: string): F | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "function") throw new TypeError(`${what} must be a function`);
  return value;
}

/** Checks what a user registers. */
export function registeredType(typeId: string, options: RegisterOptions<any, any, any>): RegisteredType {
  checkName(typeId, "typeId");
  checkOptions(options, REGISTER_OPTIONS);
  const { exposed, methodToTypeId } = options;
  if (exposed !== undefined && exposed !== null && !Array.isArray(exposed)) {
    throw new TypeError(`exposed must be an array of names, not ${describe(exposed)}`);
  }
  const type = {
    typeId,
    callable: optionalFunction(options.callable, "callable"),
    class: optionalFunction(options.class, "class"),
    exposed: exposed?.map((name) => checkName(name, "an exposed method")) ?? null,
    proxyType: optionalFunction(options.proxyType, "proxyType"),
    methodToTypeId: new Map(Object.entries(methodToTypeId ?? {})),
  };
  if (type.callable !== null && type.class !== null) throw new TypeError("give callable or class, not both");
  for (const id of type.methodToTypeId.values()) checkName(id, "a typeId of methodToTypeId");
  return type as unknown as RegisteredType;
}

/** The methods of an object that may be called if nobody says which: its functions without an underscore before. */
export function publicMethods(object: object): string[] {
  const names = new Set<string>();
  for (let at = object; at !== null && at !== Object.prototype && at !== Function.prototype; ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === "function" && !name.startsWith("_") && !name.endsWith("Sync") && !INHERITED.has(name)) {
        names.add(name);
      }
    }
    at = Object.getPrototypeOf(at) as object;
  }
  return [...names];
}

/** The types of each class of managers, without those of the classes above it. */
const registries = new WeakMap<object, Map<string, RegisteredType>>();

export function register(managerClass: object, type: RegisteredType): void {
  const own = registries.get(managerClass) ?? new Map<string, RegisteredType>();
  registries.set(managerClass, own.set(type.typeId, type));
}

/** All types that a class of managers has, with those of the classes above it. */
export function typesOf(managerClass: object): Map<string, RegisteredType> {
  const types = new Map<string, RegisteredType>();
  for (let at: object | null = managerClass; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    for (const [typeId, type] of registries.get(at) ?? []) if (!types.has(typeId)) types.set(typeId, type);
  }
  return types;
}

/** A type that a class of managers has. Throws `RuntimeError` if it has none of that name. */
export function typeOf(managerClass: object, typeId: string): RegisteredType {
  const type = typesOf(managerClass).get(typeId);
  if (type === undefined) throw new RuntimeError(`type ${typeId} is not registered`);
  return type;
}
