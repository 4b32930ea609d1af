/** Starts the page: connects the host's messages, the reader of the trace, and the timeline. */
import { TraceBuilder } from "../src/analysis/trace-builder.js";
import type { ToWebview } from "../src/protocol/messages.js";
import { App } from "./app.js";
import { findHost } from "./host.js";
import "./style/index.css";

const host = findHost();
const app = new App(host, document.body);

let builder = new TraceBuilder();
let shown = false;

function receive(message: ToWebview): void {
  switch (message.type) {
    case "trace-reset":
      builder = new TraceBuilder();
      shown = false;
      app.reset(message.name, message.live, message.path);
      return;
    case "trace-bytes":
      takeBytes(message.bytes, message.done);
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

function takeBytes(bytes: Uint8Array, done: boolean): void {
  builder.push(bytes);
  if (done) builder.finish();
  if (builder.problem !== null) {
    app.fail("This trace cannot be read", builder.problem);
    return;
  }
  const { model } = builder;
  if (done && model.threads.length === 0) {
    app.fail("The trace is empty", "It ends before the script's first event.");
    return;
  }
  if (model.threads.length === 0) return;
  if (!shown) app.setModel(model);
  else app.changed();
  shown = true;
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
