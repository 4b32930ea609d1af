/**
 * `process.exit()` in a child process, without taking V8 down first: as Python's forked children end, by `os._exit`.
 *
 * Node joins V8's background threads when a process exits. One of them that compiles may wait at that moment for a
 * garbage collection, which only the main thread can do, and then neither ever goes on (nodejs/node#54918, open). A young
 * process that has just mapped shared memory is in that state more often than others, as V8 counts what is mapped among
 * the memory that asks for a collection: on a busy machine one child in some hundred hung like that, under Node 24.
 *
 * By then all listeners for the end have run, and what was written is written. What C++ does besides is done here: its
 * buffers are flushed, and the terminal and the descriptors are left as they were found. Where Node has more to do (a
 * profile, coverage, a debugger), and in the main process, which is the user's, the end stays Node's own.
 */
import { constants } from "node:fs";
import * as inspector from "node:inspector";
import * as module from "node:module";
import { isMainThread } from "node:worker_threads";
import { isChildProcess } from "../core/main-script.js";

const F_GETFL = 3;
const F_SETFL = 4;
const STANDARD = [0, 1, 2] as const;

/** Options of Node's that have it write something when a process ends. */
const WRITES_AT_THE_END = /--(?:\S*-)?(?:prof|inspect|trace-event|report)/;

type NativeFunction = (...args: unknown[]) => unknown;

/** What is needed of the bridge. */
interface Bridge {
  load(path: null): { func(declaration: string): NativeFunction };
}

interface WithExit {
  reallyExit(code?: number): never;
}

interface WithCompileCache {
  getCompileCacheDir?(): string | undefined;
  flushCompileCache?(): void;
}

function nodeHasMoreToDo(): boolean {
  const options = `${process.execArgv.join(" ")} ${process.env.NODE_OPTIONS ?? ""}`;
  return process.env.NODE_V8_COVERAGE !== undefined || inspector.url() !== undefined || WRITES_AT_THE_END.test(options);
}

/** How the flags of the descriptors that the process was given are to be left. */
type FlagsAfter = (now: number) => number;

/** What ends the process at once. */
function ending({ load }: Bridge, flagsAfter: FlagsAfter): (code?: number) => never {
  const library = load(null);
  const exit = library.func("void _exit(int code)");
  const flush = library.func("int fflush(void *stream)");
  const flags = library.func("int fcntl(int fd, int command, ...)");
  let resetTerminal: NativeFunction | null = null;
  try {
    resetTerminal = library.func("int uv_tty_reset_mode()");
  } catch {
    // a Node that does not export libuv: nothing then sets a child's terminal back but its parent
  }
  const left = STANDARD.map((fd) => {
    const now = flags(fd, F_GETFL, "int", 0) as number;
    return now === -1 ? -1 : flagsAfter(now);
  });
  return (code) => {
    const { getCompileCacheDir, flushCompileCache } = module as WithCompileCache;
    if (getCompileCacheDir?.() !== undefined) flushCompileCache?.();
    flush(null);
    resetTerminal?.();
    for (const fd of STANDARD) {
      const after = left[fd] as number;
      if (after !== -1 && flags(fd, F_GETFL, "int", 0) !== after) flags(fd, F_SETFL, "int", after);
    }
    exit(Number(code ?? 0));
    throw new Error("_exit returned");
  };
}

/** Has `process.exit()` end this process at once, if it is a child of this library. To be called once. */
export function exitImmediately(bridge: Bridge): void {
  if (!isMainThread || !isChildProcess || process.platform === "win32") return;
  const owner = process as unknown as WithExit;
  const reallyExit = owner.reallyExit;
  // As they were found.
  const end = ending(bridge, (now) => now);
  owner.reallyExit = (code) => (nodeHasMoreToDo() ? reallyExit.call(process, code) : end(code));
}

/** What ends any process at once, or null where Node has more to do. How its descriptors were found nobody knows by now. */
export function endNow(bridge: Bridge): ((code?: number) => never) | null {
  if (!isMainThread || process.platform === "win32" || nodeHasMoreToDo()) return null;
  return ending(bridge, (now) => now & ~constants.O_NONBLOCK);
}
