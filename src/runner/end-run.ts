/**
 * Ends the processes of a run whose runner was killed: `end-run.cjs PID STARTED MARKER`. What the recorder has written
 * is in the trace already; it opens up to the cut.
 */
import { PATIENCE, ProcessTree } from "./process-tree.js";

const [pid, started = "", marker] = process.argv.slice(2);
const tree = new ProcessTree(marker, { pid: Number(pid), started });
void tree.end("SIGTERM", PATIENCE);
