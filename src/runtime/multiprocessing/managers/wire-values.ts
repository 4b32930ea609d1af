/**
 * Values between a client and a manager's server. They are encoded as everywhere in the library, but of its objects only
 * two kinds cross, whatever a peer sends: proxies, and references to functions. All other handles are refused: they would
 * let a peer reach into memory, descriptors and names of this process.
 *
 * A reference to a function never runs code by itself. What a server does with one is in {@link functionOf}.
 */
import { DataCloneError, RemoteError } from "../../core/errors.js";
import { type FunctionReference, referenceName, resolveReference } from "../../core/function-reference.js";
import { findRegistered } from "../../core/function-registry.js";
import { type Handle, toHandle } from "../../core/handles.js";
import { decode, detach, encodeUnsent } from "../../core/structured-clone.js";
import { LONGEST_MESSAGE, type Token } from "./protocol.js";

export const PROXY = "ManagerProxy";
const FUNCTION = "ManagerFunction";

type AnyFunction = (...args: never[]) => unknown;

/** Where a message goes, or comes from: whose tokens are in it. */
export interface WireEnd {
  /** The proxy of an object of that server. */
  proxyOf(token: Token): object;
}

let onWire: WireEnd | null = null;

/** The end of the wire for which a value is encoded now, or null for another way to another thread or process. */
export function currentWire(): WireEnd | null {
  return onWire;
}

/** A function on its way to a server. */
export class FunctionOnWire {
  constructor(readonly reference: FunctionReference) {}

  [toHandle](): Handle {
    if (onWire === null) throw new DataCloneError("a function for a manager's server goes to no other place");
    return { tag: FUNCTION, value: this.reference };
  }
}

/** Encodes a value for one end. Throws `DataCloneError` for what cannot cross, `RangeError` for what is too long. */
export function encodeForWire(value: unknown, end: WireEnd, path: string): Uint8Array {
  const before = onWire;
  onWire = end;
  try {
    const { bytes, moved } = encodeUnsent(value, { crossing: "process", once: true, path });
    if (bytes.length > LONGEST_MESSAGE - 64) {
      throw new RangeError(`${bytes.length} bytes are too long for a manager, which takes ${LONGEST_MESSAGE} at most`);
    }
    if (moved.length > 0) detach(moved);
    return bytes;
  } finally {
    onWire = before;
  }
}

/**
 * Encodes a request, whose parts are ours and whose arguments, at `place` among them, are the user's: an error's path
 * begins with them.
 */
export function encodeRequest(parts: readonly unknown[], place: number, end: WireEnd): Uint8Array {
  try {
    return encodeForWire(parts, end, "");
  } catch (error) {
    if (!(error instanceof DataCloneError) || !error.path.startsWith(`[${place}]`)) throw error;
    const { functionName, variables } = error;
    const path = `args${error.path.slice(`[${place}]`.length)}`;
    throw new DataCloneError(path + error.message.slice(error.path.length), { path, functionName, variables });
  }
}

/** A value that came over the wire, and whether there were functions in it. */
export interface Arrived {
  readonly value: unknown;
  readonly functions: boolean;
}

/** Decodes what came from one end. Throws `RemoteError` for what it may not hold, and some error for what is broken. */
export function decodeFromWire(bytes: Uint8Array, end: WireEnd, origin: string): Arrived {
  let functions = false;
  const fromHandle = ({ tag, value }: Handle): object => {
    if (tag === PROXY) return proxyFromWire(value, end);
    if (tag === FUNCTION) {
      functions = true;
      return new FunctionOnWire(checkedReference(value));
    }
    throw new RemoteError(`objects of kind ${String(tag).slice(0, 40)} do not cross to or from a manager`);
  };
  return { value: decode(bytes, { origin, fromHandle }), functions };
}

let readForeign: (value: unknown) => object;

/** Tells how the handle of a proxy of another server is read. */
export function setForeignReader(read: (value: unknown) => object): void {
  readForeign = read;
}

function proxyFromWire(value: unknown, end: WireEnd): object {
  const { token, address } = value as { token: Token; address?: unknown };
  return address === undefined ? end.proxyOf(checkedToken(token)) : readForeign(value);
}

/** Throws `RemoteError` for what is no token. */
export function checkedToken(token: unknown): Token {
  const { id, typeId, name, exposed, proxy, trace } = (token ?? {}) as Partial<Token>;
  const isText = (text: unknown) => typeof text === "string" && text.length < 1000;
  const wellFormed =
    isText(id) && isText(typeId) && isText(name) && (proxy === null || isText(proxy)) && Array.isArray(exposed);
  const isTraced = Array.isArray(trace) && trace.length === 3 && trace.every((part) => Number.isInteger(part));
  if (!(trace === null || isTraced) || !wellFormed || !exposed.every(isText))
    throw new RemoteError("the peer sent something else than a token");
  return token as Token;
}

function checkedReference(value: unknown): FunctionReference {
  const reference = (value ?? {}) as Record<string, unknown>;
  const texts: Record<string, readonly string[]> = {
    module: ["url", "name"],
    library: ["namespace", "name"],
    builtin: ["module"],
    source: ["name", "expression"],
  };
  const wanted = Object.hasOwn(texts, String(reference.kind)) ? texts[String(reference.kind)] : undefined;
  const path = reference.kind !== "builtin" || Array.isArray(reference.path);
  if (wanted === undefined || !path || !wanted.every((key) => typeof reference[key] === "string")) {
    throw new RemoteError("the peer sent something else than a function");
  }
  return value as FunctionReference;
}

/** What is allowed of the language itself: it computes and does nothing else. */
const HARMLESS = new Set(["Number", "String", "Boolean", "parseInt", "parseFloat"]);

/**
 * The function that a client wants a server to run. In a server whose key is that of its own program (no `authkey` was
 * given), clients are parts of that program, and any function does that could go to a process. Elsewhere they may be
 * anybody who knows the key: then it must be a top-level function of a module that the server's own script has imported,
 * or one that only computes. Nothing is imported and no source is run. Throws `RemoteError` otherwise.
 */
export function functionOf(reference: FunctionReference, ownProgram: boolean): AnyFunction | Promise<AnyFunction> {
  if (ownProgram) return resolveReference(reference);
  if (reference.kind === "module") {
    const found = findRegistered(reference.url, reference.name);
    if (typeof found === "function") return found as AnyFunction;
  }
  if (reference.kind === "builtin" && reference.module === "") {
    const [first, second, more] = reference.path;
    const harmless = second === undefined ? HARMLESS.has(String(first)) : first === "Math" && more === undefined;
    if (harmless) return resolveReference(reference);
  }
  throw new RemoteError(
    `the server does not run ${referenceName(reference)}: it takes only top-level functions of modules that its own ` +
      "script imports, unless the manager was made without an authkey",
  );
}
