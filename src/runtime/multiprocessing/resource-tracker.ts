/**
 * Names of shared memory are removed also when the program that made them is killed.
 *
 * A name lives as Python has it: until all of the program is gone, not just the process that made it, because that one
 * may have ended normally and left the block to its parent. Who removes it is a shell, like the one that kills children
 * (`reaper.ts`): it reads which names there are from a pipe. When the pipe closes, its thread or process has ended; if
 * names are left, it waits for the end of the process the user started, then removes what is still there and says so.
 * While that one lives on, it looks once a second. Names that a killed child leaves thus last as long as those of a
 * child that returned.
 *
 * What it has to say goes to the standard error of that process. A child's own may be a pipe to a parent that is gone by
 * then, so that of the first one is opened for it, if that can be (a socket cannot).
 *
 * A name may have been removed and given to another block meanwhile, so each is told with its inode, and only that file
 * is removed. The shell holds nothing but the names and its errors' descriptor; without names left it ends at once.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { SHM_FOLDER } from "../platform/linux.js";
import { rootPid } from "./root-process.js";

// Names may hold any character but "/" and NUL, so they come last in a line, between two slashes, and are never
// expanded. A redirection of exec that fails ends a shell, and the root can end between a look and that: "command" keeps
// the shell. The start time tells the root from a later process of the same number.
const SCRIPT = `{ printf heddle-tracker > /proc/$$/comm; } 2>/dev/null
trap '' HUP INT TERM QUIT
set -f
root=$1
shm=$2
exec 3>&2
if [ "$root" != "$3" ] && { true >> "/proc/$root/fd/2"; } 2>/dev/null; then
  command exec 2> /dev/null 3>> "/proc/$root/fd/2"
fi
look() {
  stat=
  { read -r stat < "/proc/$root/stat"; } 2>/dev/null
  set -- \${stat##*) }
  case $1 in ''|Z|X|x) now=gone ;; *) now=\${20} ;; esac
}
look
born=$now
count=0
while IFS=' ' read -r op inode name; do
  name=\${name#/}
  name=\${name%/}
  case $op in
    +) eval "inode_$count=\\$inode; name_$count=\\$name"; count=$((count + 1)) ;;
    -) i=0
       while [ $i -lt $count ]; do
         eval "known=\\$inode_$i"
         if [ "$known" = "$inode" ]; then
           count=$((count - 1))
           eval "inode_$i=\\$inode_$count; name_$i=\\$name_$count"
           break
         fi
         i=$((i + 1))
       done ;;
  esac
done
still_there() {
  [ -f "$shm/$2" ] || return 1
  wanted=$1
  set -- $(ls -id -- "$shm/$2" 2>/dev/null)
  [ "$1" = "$wanted" ]
}
tries=0
while [ $count -gt 0 ]; do
  look
  [ "$now" = gone ] || [ "$now" != "$born" ] && break
  tries=$((tries + 1))
  if [ $tries -lt 10 ]; then sleep 0.05 2>/dev/null || sleep 1; else sleep 1; fi
  any=0
  i=0
  while [ $i -lt $count ]; do
    eval "inode=\\$inode_$i; name=\\$name_$i"
    if still_there "$inode" "$name"; then any=1; break; fi
    i=$((i + 1))
  done
  [ $any = 1 ] || exit 0
done
i=0
left=0
names=
while [ $i -lt $count ]; do
  eval "inode=\\$inode_$i; name=\\$name_$i"
  if still_there "$inode" "$name" && rm -f -- "$shm/$name"; then
    names="$names\${names:+, }'/$name'"
    left=$((left + 1))
  fi
  i=$((i + 1))
done
[ $left -gt 0 ] && printf '%s\\n' "resource_tracker: There appear to be $left leaked shared_memory objects to clean up at shutdown: {$names}" >&3
exit 0`;

let tracker: ChildProcess | null = null;
/** What this thread has registered: the inode of each name. */
const registered = new Map<string, string>();

/** Inodes that a name had before: an attempt to create it again is told, and forgotten, while there is the first one. */
const earlier = new Map<string, string[]>();
const sleep = new Int32Array(new SharedArrayBuffer(4));

/** Returns when the tracker will know, whatever happens to this process then: Node would keep what does not fit. */
function tell(op: "+" | "-", identity: string, name: string): void {
  const line = `${op} ${identity} /${name}/\n`;
  const stdin = tracker?.stdin;
  const fd = (stdin as { _handle?: { fd?: number } } | null | undefined)?._handle?.fd;
  if (fd === undefined || fd < 0) {
    stdin?.write(line);
    return;
  }
  const bytes = Buffer.from(line);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      // Without a tracker the memory is as good; only a crash leaves its name.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      Atomics.wait(sleep, 0, 0, 1);
    }
  }
}

function start(): ChildProcess {
  const shell = spawn("/bin/sh", ["-c", SCRIPT, "heddle-tracker", String(rootPid()), SHM_FOLDER, String(process.pid)], {
    stdio: ["pipe", "ignore", "inherit"],
    env: { PATH: "/usr/bin:/bin" },
  });
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  // It must not keep the program alive.
  shell.unref();
  (shell.stdin as unknown as { unref?(): void }).unref?.();
  return shell;
}

/**
 * Has a name removed when the program is over. `identity`: what tells its block from others of that name. Names with a
 * line break are not tracked.
 */
export function trackName(name: string, identity: string): void {
  if (name.includes("\n")) return;
  tracker ??= start();
  const before = registered.get(name);
  if (before !== undefined) earlier.set(name, [...(earlier.get(name) ?? []), before]);
  registered.set(name, identity);
  tell("+", identity, name);
}

/** Forgets a name that has been removed; of another thread's or process's nothing is known here, nor need it be. */
export function forgetName(name: string): void {
  const identity = registered.get(name);
  if (identity === undefined) return;
  const before = earlier.get(name)?.pop();
  if (before === undefined) registered.delete(name);
  else registered.set(name, before);
  tell("-", identity, name);
}
