/** A plain worker: answers [index, numbers] with each number plus one. */
const { parentPort } = require("node:worker_threads");

const increment = (n) => n + 1;

parentPort.on("message", ([from, values]) => parentPort.postMessage([from, values.map((n) => increment(n))]));
