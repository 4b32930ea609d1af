/** Starts the page: connects the host's messages, the reader of the trace, and the timeline. */
import type { ToWebview } from "../src/protocol/messages.js";
import { App } from "./app.js";
import { findHost } from "./host.js";
import { TraceLoader } from "./trace-loader.js";
import "./style/index.css";

const host = findHost();
const app = new App(host, document.body);

const loader = new TraceLoader({
  began: (model) => app.setModel(model),
  grew: (show) => app.changed(show),
  progress: (read, total) => app.setProgress(read, total),
  loaded: () => app.setProgress(1, 1),
  failed: (title, detail) => app.fail(title, detail),
});

function receive(message: ToWebview): void {
  switch (message.type) {
    case "trace-reset":
      app.reset(message.name, message.live, message.path);
      loader.reset(message.live ? 0 : (message.size ?? 0));
      return;
    case "trace-bytes":
      loader.push(message.bytes, message.done);
      return;
    case "trace-status":
      app.setStatus(message.state, message.detail);
      return;
    case "settings":
      app.applySettings(message.settings);
      return;
    case "reveal-time":
      app.showSpan(message.fromNs, message.toNs);
      return;
    case "command":
      app.run(message.command);
      return;
  }
}

window.addEventListener("error", (event) => {
  const { error } = event as { error: unknown };
  host.send({ type: "error", message: event.message, stack: error instanceof Error ? (error.stack ?? "") : "" });
});
window.addEventListener("unhandledrejection", (event) => {
  const reason: unknown = event.reason;
  host.send({
    type: "error",
    message: reason instanceof Error ? reason.message : String(reason),
    stack: reason instanceof Error ? (reason.stack ?? "") : "",
  });
});

host.start(receive);
