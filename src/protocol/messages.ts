/**
 * What the extension and the web view say to each other: two discriminated unions, one a direction.
 *
 * The trace itself travels as the bytes of the `.heddle` file, in order, in as many messages as the sender likes; the
 * web view parses them itself. There is no other format, live or afterwards.
 *
 * The order of a conversation: the page loads and sends `ready`; the extension answers with `settings`, then
 * `trace-reset`, then `trace-bytes` until `done`. A panel that is hidden and shown again starts over with `ready`.
 */

/** Who is asking for a picture: the whole timeline, or the small one of the sidebar. */
export type ViewMode = "full" | "compact";

/** What a run does right now, as far as the extension knows. */
export type RunState =
  /** The bytes come from a file that no run of ours writes. */
  | "file"
  | "starting"
  | "running"
  | "stopping"
  | "ended"
  /** It never came to a trace: `detail` says why. */
  | "failed";

/** From the extension to the web view. */
export type ToWebview =
  /**
   * Forget what is shown: a new trace begins. `name` is what a person calls it (the script or file name). `path` is
   * its file: a page that is loaded again with the same one comes back as it was left. `size` is how many bytes a trace
   * that does not grow has, so that the page can say how far it has read.
   */
  | {
      readonly type: "trace-reset";
      readonly name: string;
      readonly live: boolean;
      readonly path?: string;
      readonly size?: number;
    }
  /**
   * The next bytes of the file. `done`: no more will come, even if the file has no end mark. Send a `Uint8Array`;
   * `bytes` may be empty.
   */
  | { readonly type: "trace-bytes"; readonly bytes: Uint8Array; readonly done: boolean }
  /** Where the run stands; `detail` is a sentence for a person, "" if there is nothing to say. */
  | { readonly type: "trace-status"; readonly state: RunState; readonly detail: string }
  | { readonly type: "settings"; readonly settings: ViewSettings }
  /** Show this span of time, in nanoseconds since the start of the trace. */
  | { readonly type: "reveal-time"; readonly fromNs: number; readonly toNs: number }
  /** Do what a key would do; from the extension's commands and menus. */
  | { readonly type: "command"; readonly command: ViewCommand };

export type ViewCommand = "fit" | "follow" | "search" | "keys" | "zoom-in" | "zoom-out" | "next" | "previous";

/** The web view takes the defaults of {@link defaultSettings} for what the extension does not send. */
export interface ViewSettings {
  /** Scroll along with a live trace from its beginning. */
  readonly follow: boolean;
  /** Show lanes of threads that only the system knows, V8's helpers for instance. */
  readonly showSystemThreads: boolean;
}

export const defaultSettings: ViewSettings = { follow: true, showSystemThreads: false };

/** From the web view to the extension. */
export type FromWebview =
  /** The page listens now. `mode` is the mode it runs in. */
  | { readonly type: "ready"; readonly mode: ViewMode }
  /**
   * Open the source; line and column count from 1. `file` is a path or a `file:` URL, as it is in the trace.
   * `keepFocus`: the keys stay with the timeline, and a file that is not there is no error.
   */
  | {
      readonly type: "open-source";
      readonly file: string;
      readonly line: number;
      readonly column: number;
      readonly keepFocus?: boolean;
    }
  /** Stop the run that this view shows. */
  | { readonly type: "stop" }
  /** The compact view was clicked: open the whole timeline, at this span if there is one. */
  | { readonly type: "open-timeline"; readonly fromNs: number | null; readonly toNs: number | null }
  /** Export the shown trace as a one-file HTML. */
  | { readonly type: "export-html" }
  /** The headline, whenever it changes (at most a few times a second): for the status bar and the tree. */
  | { readonly type: "headline"; readonly headline: Headline }
  /** Something in the page went wrong that a person should find in the log. */
  | { readonly type: "error"; readonly message: string; readonly stack: string }
  /** Answer of a test's question: the frame statistics and lane count; sent once after each whole load. */
  | { readonly type: "state"; readonly lanes: number; readonly events: number; readonly complete: boolean };

/** The run in four numbers; times in nanoseconds, summed over threads where they are shares. */
export interface Headline {
  readonly durationNs: number;
  readonly coresUsed: number;
  readonly coresAvailable: number;
  readonly runningNs: number;
  readonly blockedNs: number;
  readonly readyNs: number;
  readonly live: boolean;
}

/**
 * What a page keeps of how a trace is looked at, by the web view's own state: VS Code gives it back to the page and to
 * the extension when the window was reloaded.
 */
export interface RememberedView {
  readonly path: string;
  readonly name: string;
  /** Nanoseconds since the start of the trace. */
  readonly start: number;
  readonly end: number;
  readonly following: boolean;
  /** CSS pixels. */
  readonly scrollTop: number;
  /** Whose lanes are hidden. */
  readonly collapsed: readonly string[];
  /** The selected thing as the page knows it; null without one. */
  readonly selection: unknown;
}

/** Whether a stored value, perhaps of another version, can be taken up again. */
export function isRememberedView(value: unknown): value is RememberedView {
  if (typeof value !== "object" || value === null) return false;
  const view = value as Partial<Record<keyof RememberedView, unknown>>;
  return (
    typeof view.path === "string" &&
    typeof view.name === "string" &&
    typeof view.start === "number" &&
    typeof view.end === "number" &&
    typeof view.following === "boolean" &&
    typeof view.scrollTop === "number" &&
    Array.isArray(view.collapsed) &&
    "selection" in view
  );
}

const toWebviewTypes: ReadonlySet<string> = new Set<ToWebview["type"]>([
  "trace-reset",
  "trace-bytes",
  "trace-status",
  "settings",
  "reveal-time",
  "command",
]);

const fromWebviewTypes: ReadonlySet<string> = new Set<FromWebview["type"]>([
  "ready",
  "open-source",
  "stop",
  "open-timeline",
  "export-html",
  "headline",
  "error",
  "state",
]);

/** Whether a value that came in is one of ours: other parties post messages to the same window. */
export function isToWebview(value: unknown): value is ToWebview {
  return hasType(value, toWebviewTypes);
}

export function isFromWebview(value: unknown): value is FromWebview {
  return hasType(value, fromWebviewTypes);
}

function hasType(value: unknown, types: ReadonlySet<string>): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { type } = value as { type?: unknown };
  return typeof type === "string" && types.has(type);
}
