/**
 * Tells whether a process is the one that was seen before: its number may have been given to another one since, so a
 * process is its number and the time of its start.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";

/** When the process began, in words that mean something on this system only; undefined if there is none (any more). */
export async function processStart(pid: number): Promise<string | undefined> {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  if (process.platform === "linux") return await startOnLinux(pid);
  const [command, ...args] =
    process.platform === "win32"
      ? ["powershell", "-NoProfile", "-Command", `(Get-Process -Id ${pid}).StartTime.Ticks`]
      : ["ps", "-o", "lstart=", "-p", String(pid)];
  return await new Promise((done) => {
    execFile(command!, args, { encoding: "utf8" }, (_error, stdout) => done(stdout.trim() || undefined));
  });
}

/** Whether there is a process of that number at all: much cheaper than {@link processStart} where that asks a program. */
export async function exists(pid: number): Promise<boolean> {
  if (process.platform === "linux") return (await startOnLinux(pid)) !== undefined;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function startOnLinux(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1");
    // The name before it may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
