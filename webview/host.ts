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
      const text = element?.textContent?.trim() ?? "";
      receive({ type: "trace-reset", name, live: false, size: unpackedSize(text) });
      if (!element) {
        receive({ type: "trace-status", state: "failed", detail: "This page carries no trace." });
        return;
      }
      unpack(text, (bytes, done) => receive({ type: "trace-bytes", bytes, done })).catch((error: unknown) =>
        receive({
          type: "trace-status",
          state: "failed",
          detail: `The trace in this page cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        }),
      );
    },
  };
}

/** Signs of base64 that are turned into bytes at a time; a multiple of four. */
const PIECE = 256 * 1024;

/** Base64 of gzip to bytes, piece by piece: other things have their turn between. */
async function unpack(text: string, take: (bytes: Uint8Array, done: boolean) => void): Promise<void> {
  let at = 0;
  const packed = new ReadableStream<BufferSource>({
    async pull(controller) {
      // Unpacking is the page's own work too; without a turn between the pieces all of them would be one task.
      await nextTurn();
      if (at >= text.length) {
        controller.close();
        return;
      }
      controller.enqueue(bytesOf(text.slice(at, at + PIECE)));
      at += PIECE;
    },
  });
  const reader = packed.pipeThrough(new DecompressionStream("gzip")).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    take(value ?? new Uint8Array(0), done);
    if (done) return;
  }
}

function nextTurn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Gzip's last four bytes are the size of what was packed. */
function unpackedSize(text: string): number {
  const end = text.length - (text.length % 4);
  try {
    const tail = bytesOf(text.slice(Math.max(0, end - 8), end));
    return tail.length < 4 ? 0 : new DataView(tail.buffer).getUint32(tail.length - 4, true);
  } catch {
    return 0; // Reading it will tell what is wrong.
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
