/** The empty task as a module with named functions. */
import emptyTask from "./echo.cjs";

export function echo(n) {
  return emptyTask(n);
}

export function increment(n) {
  return n + 1;
}

/** Blocks the worker until the lock `gate` is free, after saying so. */
export function waitAtGate(arrived, gate) {
  arrived.putSync(true);
  gate.acquireSync();
  gate.release();
  return "passed";
}
