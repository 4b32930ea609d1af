// biome-ignore-all lint/complexity/noBannedTypes: Function is any function or class
/**
 * Finds where a function stands by asking the inspector of its own thread. For modules that the loader has not seen (a
 * script under plain `node`), for the message about a closure, and for a function that is about to cross as text and
 * uses what its module may call by the name of a global; it costs milliseconds, once per function.
 */
import { Session } from "node:inspector";
import { topLevelNameAt } from "./free-variables.js";
import type { ModuleReference } from "./function-registry.js";

/** What the inspector told. */
export interface FunctionLocation {
  /** Set if it is a top-level function or class of a module. */
  readonly reference: ModuleReference | null;
  /** The names of the scopes around it below the module's. */
  readonly locals: readonly string[];
}

interface Property {
  name: string;
  value?: {
    objectId?: string;
    description?: string;
    value?: { scriptId: string; lineNumber: number; columnNumber: number };
  };
}

/** Sends a request. Within one thread the inspector answers before this returns. */
type Post = (method: string, params?: object) => Record<string, unknown>;

const HOLD = Symbol.for("heddle.locate");

/** What `look` finds out about a function by an inspector, given its internal properties; null when it cannot be told. */
function inspect<R>(fn: Function, look: (post: Post, internals: readonly Property[], session: Session) => R): R | null {
  const holder = globalThis as unknown as Record<symbol, unknown>;
  const session = new Session();
  try {
    session.connect();
    const post: Post = (method, params = {}) => {
      let answer: Record<string, unknown> = {};
      session.post(method, params as never, (_error: Error | null, result?: object) => {
        answer = (result ?? {}) as Record<string, unknown>;
      });
      return answer;
    };
    holder[HOLD] = fn;
    const object = post("Runtime.evaluate", { expression: 'globalThis[Symbol.for("heddle.locate")]' });
    const objectId = (object.result as { objectId?: string } | undefined)?.objectId;
    if (objectId === undefined) return null;
    const internals = post("Runtime.getProperties", { objectId, ownProperties: true }).internalProperties;
    return look(post, (internals ?? []) as Property[], session);
  } catch {
    return null;
  } finally {
    delete holder[HOLD];
    session.disconnect();
  }
}

/** Locates a function; null when it cannot be told. */
export function locateFunction(fn: Function): FunctionLocation | null {
  return inspect(fn, (post, internals, session) => {
    const at = internals.find((p) => p.name === "[[FunctionLocation]]")?.value?.value;
    if (at === undefined) return null;
    const scripts = new Map<string, string>();
    session.on("Debugger.scriptParsed", (message) => scripts.set(message.params.scriptId, message.params.url));
    post("Debugger.enable");
    const source = String(post("Debugger.getScriptSource", { scriptId: at.scriptId }).scriptSource ?? "");
    post("Debugger.disable");
    const url = scripts.get(at.scriptId) ?? "";
    const found = topLevelNameAt(source, at.lineNumber, at.columnNumber);
    if (found === null) return null;
    const fileUrl = url.startsWith("/") ? `file://${encodeURI(url)}` : url;
    const reference: ModuleReference | null =
      found.name !== null && fileUrl.startsWith("file:") ? { kind: "module", url: fileUrl, name: found.name } : null;
    return { reference, locals: found.locals };
  });
}

/** Which of these names of globals are something else where a function stands; none when it cannot be told. */
export function shadowedGlobals(fn: Function, names: readonly string[]): string[] {
  const found = inspect(fn, (post, internals) => {
    const properties = (objectId: string) =>
      (post("Runtime.getProperties", { objectId, ownProperties: true }).result ?? []) as Property[];
    const isGlobalItself = (objectId: string, name: string) => {
      const answer = post("Runtime.callFunctionOn", {
        objectId,
        functionDeclaration: "function (name) { return this === globalThis[name]; }",
        arguments: [{ value: name }],
      });
      return (answer.result as { value?: unknown } | undefined)?.value === true;
    };
    const left = new Set(names);
    const shadowed: string[] = [];
    const scopes = internals.find((p) => p.name === "[[Scopes]]")?.value?.objectId;
    // From the innermost outwards.
    for (const { value: scope } of scopes === undefined ? [] : properties(scopes)) {
      if (scope?.objectId === undefined || scope.description === "Global") continue;
      for (const { name, value } of properties(scope.objectId)) {
        if (!left.delete(name)) continue;
        // As `import { performance } from "node:perf_hooks"`.
        if (value?.objectId === undefined || !isGlobalItself(value.objectId, name)) shadowed.push(name);
      }
    }
    return shadowed;
  });
  return found ?? [];
}
