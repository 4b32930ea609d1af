/** Where a trace goes when nobody says where: `.heddle/` beside the user, or the temporary folder. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { basename, extname, join } from "node:path";

/** Folders to try in this order. */
export function traceFolders(cwd: string): string[] {
  return [join(cwd, ".heddle"), join(tmpdir(), `heddle-${userName()}`)];
}

/** Names to try in this order: of several runs in one second each gets its own. */
export function* traceNames(script: string, at: Date): Generator<string, never> {
  const name = traceName(script, at);
  yield `${name}.heddle`;
  for (let number = 2; ; number++) yield `${name}-${number}.heddle`;
}

/** Makes the folder of traces in the user's own folder and keeps it out of version control. */
export function prepareFolder(folder: string): void {
  if (basename(folder) !== ".heddle" || existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, ".gitignore"), "*\n");
}

function traceName(script: string, at: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const time = `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
  return `${basename(script, extname(script))}-${day}-${time}`;
}

function userName(): string {
  try {
    return String(userInfo().uid);
  } catch {
    return "user";
  }
}
