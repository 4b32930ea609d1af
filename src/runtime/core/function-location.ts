// biome-ignore-all lint/complexity/noBannedTypes: Function is any function or class
/**
 * Finds where a function stands by asking the inspector of its own thread. Only for modules that the loader has not
 * seen (a script under plain `node`), and for the message about a closure; it costs milliseconds, once per function.
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

interface Internal {
  name: string;
  value?: { objectId?: string; value?: { scriptId: string; lineNumber: number; columnNumber: number } };
}

const HOLD = Symbol.for("heddle.locate");

/** Locates a function; null when it cannot be told. */
export function locateFunction(fn: Function): FunctionLocation | null {
  const holder = globalThis as unknown as Record<symbol, unknown>;
  const session = new Session();
  try {
    session.connect();
    const post = (method: string, params: object = {}): Record<string, unknown> => {
      let answer: Record<string, unknown> = {};
      // Within one thread the inspector answers before `post` returns.
      session.post(method, params as never, (_error: Error | null, result?: object) => {
        answer = (result ?? {}) as Record<string, unknown>;
      });
      return answer;
    };
    holder[HOLD] = fn;
    const object = post("Runtime.evaluate", { expression: 'globalThis[Symbol.for("heddle.locate")]' });
    const objectId = (object.result as { objectId?: string } | undefined)?.objectId;
    if (objectId === undefined) return null;
    const internals = (post("Runtime.getProperties", { objectId, ownProperties: true }).internalProperties ??
      []) as Internal[];
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
  } catch {
    return null;
  } finally {
    delete holder[HOLD];
    session.disconnect();
  }
}
