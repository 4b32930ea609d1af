/** A plain worker: answers [id, value], or a list of them. */
const { parentPort } = require("node:worker_threads");
const echo = require("./echo.cjs");

parentPort.on("message", (message) => {
  if (typeof message[0] === "number") parentPort.postMessage([message[0], echo(message[1])]);
  else parentPort.postMessage(message.map(([id, value]) => [id, echo(value)]));
});
