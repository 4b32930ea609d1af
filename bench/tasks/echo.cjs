/**
 * The empty task of all pools: gives back what it is given. Asked with an object it helps the bench instead: `where`
 * keeps the worker busy for a moment and says which one it is, `gate` blocks it until the gate opens.
 */
const { threadId } = require("node:worker_threads");

function help({ where, gate }) {
  if (where) {
    const until = performance.now() + 3;
    while (performance.now() < until);
    return `${process.pid}:${threadId}`;
  }
  Atomics.add(gate, 1, 1);
  Atomics.notify(gate, 1);
  while (Atomics.load(gate, 0) === 0) Atomics.wait(gate, 0, 0);
  return "passed";
}

function echo(n) {
  return typeof n === "object" ? help(n) : n;
}

module.exports = echo;
