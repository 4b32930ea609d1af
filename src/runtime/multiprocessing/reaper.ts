/**
 * Children end when their parent does, however it ends. A child whose loop turns sees its channel close; one that is
 * busy or blocked cannot. So a parent has a reaper: a shell that reads which children live. When the pipe from the
 * parent closes, it leaves them a moment to end by themselves and clean up, then kills what is left. It costs one process
 * of a megabyte, and no native code.
 */
import { type ChildProcess, spawn } from "node:child_process";

// Its name in lists of processes, and in the trace, says whose it is.
const SCRIPT = `{ printf heddle-reaper > /proc/$$/comm; } 2>/dev/null
trap '' HUP INT TERM QUIT
pids=' '
while read -r op pid; do
  case $op in
    +) pids="$pids$pid " ;;
    -) case $pids in *" $pid "*) pids="\${pids%% $pid *} \${pids#* $pid }" ;; esac ;;
  esac
done
[ "$pids" = ' ' ] || sleep 0.2 2>/dev/null || sleep 1
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done`;

let reaper: ChildProcess | null = null;
const watched = new Set<number>();

function tell(line: string): void {
  reaper?.stdin?.write(line);
}

/** Has a child killed if this process ends before it. */
export function watchChild(pid: number): void {
  if (process.platform === "win32") return;
  watched.add(pid);
  if (reaper === null) {
    reaper = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], env: { PATH: "/usr/bin:/bin" } });
    reaper.on("error", () => {});
    reaper.stdin?.on("error", () => {});
    // Nobody waits for the shell itself.
    reaper.unref();
    (reaper.stdin as unknown as { unref?(): void })?.unref?.();
  }
  tell(`+ ${pid}\n`);
}

/** Forgets a child that has ended: its number may be another process's soon. */
export function forgetChild(pid: number): void {
  if (watched.delete(pid)) tell(`- ${pid}\n`);
}
