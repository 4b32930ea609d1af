/**
 * Where traces are kept: which folder a run writes to, which files of it are ours to delete, what they are called.
 */
import { mkdir, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { basename, isAbsolute, join, resolve } from "node:path";
import { nameOfScript } from "../runner/trace-place.js";
import { isBeingWritten, readSummary } from "./trace-summary.js";

/** NAME-YYYY-MM-DD-HH-MM-SS.heddle, perhaps with -2 and so on: only files of this form are ever deleted by age. */
const recorded = /^(.+)-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d(-\d+)?\.heddle$/;
/** NAME-YYYYMMDD-HHMMSS.heddle: what `heddle run` makes in a terminal. */
const recordedInTerminal = /^(.+)-\d{8}-\d{6}(-\d+)?\.heddle$/;

export interface TraceFolder {
  readonly path: string;
  /** Why it is not the folder that was asked for; "" if it is. */
  readonly problem: string;
}

/**
 * The folder for a run's trace, made if needed and known to be writable.
 * @param setting The user's setting; "" for the default.
 * @param base The workspace folder of the script, or undefined.
 * @param fallback A folder of the extension's own.
 * @throws NodeJS.ErrnoException if the fallback cannot be written either.
 */
export async function prepareFolder(setting: string, base: string | undefined, fallback: string): Promise<TraceFolder> {
  const wanted = wantedFolder(setting, base);
  if (wanted !== undefined) {
    try {
      await makeWritable(wanted);
      // A default nobody asked for should not turn up in anybody's commits.
      if (setting === "") await writeFile(join(wanted, ".gitignore"), "*\n", { flag: "wx" }).catch(() => {});
      return { path: wanted, problem: "" };
    } catch (error) {
      await makeWritable(fallback);
      const why = error instanceof Error ? error.message : String(error);
      return { path: fallback, problem: `The trace folder ${wanted} cannot be written (${why}).` };
    }
  }
  await makeWritable(fallback);
  return { path: fallback, problem: "" };
}

/** The folder as it is set, whether it exists or not. */
export function wantedFolder(setting: string, base: string | undefined): string | undefined {
  if (setting !== "" && isAbsolute(setting)) return setting;
  return base === undefined ? undefined : resolve(base, setting === "" ? ".heddle" : setting);
}

async function makeWritable(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  // Permission bits do not tell (read-only mounts, full disks, root): only writing does.
  const probe = join(folder, `.heddle-probe-${process.pid}-${Date.now()}`);
  const handle = await open(probe, "wx");
  await handle.close();
  await rm(probe);
}

/** A path for a new trace that no file has yet. */
export async function newTracePath(folder: string, script: string, at = new Date()): Promise<string> {
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}-${two(at.getMinutes())}-${two(at.getSeconds())}`;
  const name = `${nameOfScript(script)}-${day}-${time}`;
  for (let n = 1; ; n++) {
    const path = join(folder, `${name}${n === 1 ? "" : `-${n}`}.heddle`);
    if (!(await exists(path))) return path;
  }
}

/** What a person calls a trace: the script of a recorded one, else the file's name. */
export function traceName(path: string): string {
  const file = basename(path);
  return (recorded.exec(file) ?? recordedInTerminal.exec(file))?.[1] ?? basename(file, ".heddle");
}

/** The `.heddle` files of a folder; none if it cannot be read. */
export async function listTraces(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith(".heddle")).map((name) => join(folder, name));
}

/**
 * Deletes the oldest recorded traces of a folder, so that `keep` are left. Other files are left alone, also renamed
 * traces and those that something writes now, in another window for instance; links are not followed.
 * @returns What was deleted.
 */
export async function deleteOldTraces(folder: string, keep: number, except: ReadonlySet<string>): Promise<string[]> {
  const traces: { path: string; time: number }[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile() || !recorded.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (!except.has(path)) traces.push({ path, time: (await stat(path)).mtimeMs });
  }
  traces.sort((a, b) => b.time - a.time);
  const deleted: string[] = [];
  for (const { path, time } of traces.slice(keep)) {
    if (
      await readSummary(path)
        .then((summary) => isBeingWritten(summary, time))
        .catch(() => false)
    )
      continue;
    await rm(path, { force: true });
    deleted.push(path);
  }
  return deleted;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
