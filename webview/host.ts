/**
 * Where the page lives: in VS Code, with messages of the protocol, or alone in a file that carries its trace with it.
 */
import {
  type FromWebview,
  isRememberedView,
  isToWebview,
  type RememberedView,
  type ToWebview,
  type ViewMode,
} from "../src/protocol/messages.js";

interface VsCodeApi {
  postMessage(message: FromWebview): void;
  getState(): unknown;
  setState(state: RememberedView): void;
}

declare global {
  var acquireVsCodeApi: (() => VsCodeApi) | undefined;
}

export interface Host {
  readonly mode: ViewMode;
  /** Whether an extension listens: sources can be opened, runs stopped. */
  readonly connected: boolean;
  send(message: FromWebview): void;
  /** Keeps how the trace is looked at beyond the life of the page, where the host can. */
  remember(view: RememberedView): void;
  recall(): RememberedView | null;
  /** Starts listening; what comes is given to `receive`, in order. */
  start(receive: (message: ToWebview) => void): void;
}

export function findHost(): Host {
  const mode: ViewMode = document.body.dataset.mode === "compact" ? "compact" : "full";
  return typeof globalThis.acquireVsCodeApi === "function"
    ? vsCodeHost(globalThis.acquireVsCodeApi(), mode)
    : fileHost(mode);
}

function vsCodeHost(api: VsCodeApi, mode: ViewMode): Host {
  return {
    mode,
    connected: true,
    send: (message) => api.postMessage(message),
    remember: (view) => api.setState(view),
    recall() {
      const state = api.getState();
      return isRememberedView(state) ? state : null;
    },
    start(receive) {
      window.addEventListener("message", (event: MessageEvent<unknown>) => {
        if (isToWebview(event.data)) receive(event.data);
      });
      api.postMessage({ type: "ready", mode });
    },
  };
}

function fileHost(mode: ViewMode): Host {
  return {
    mode,
    connected: false,
    send: () => {},
    remember: () => {},
    recall: () => null,
    start(receive) {
      const element = document.getElementById("heddle-trace");
      const name = element?.dataset.name ?? document.title;
      receive({ type: "trace-reset", name, live: false });
      if (!element) {
        receive({ type: "trace-status", state: "failed", detail: "This page carries no trace." });
        return;
      }
      unpack(element.textContent ?? "").then(
        (bytes) => receive({ type: "trace-bytes", bytes, done: true }),
        (error: unknown) =>
          receive({
            type: "trace-status",
            state: "failed",
            detail: `The trace in this page cannot be read: ${error instanceof Error ? error.message : String(error)}`,
          }),
      );
    },
  };
}

/** Base64 of gzip to bytes. */
async function unpack(text: string): Promise<Uint8Array> {
  const packed = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
