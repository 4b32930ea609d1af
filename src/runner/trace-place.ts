/** Where a trace goes when nobody says where: `.heddle/` beside the user, or the temporary folder. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { basename, extname, join } from "node:path";

/** Paths to try in this order. */
export function tracePlaces(script: string, cwd: string, at: Date): string[] {
  const name = traceName(script, at);
  return [join(cwd, ".heddle"), join(tmpdir(), `heddle-${userName()}`)].map((folder) => unused(folder, name));
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

function unused(folder: string, name: string): string {
  for (let number = 1; ; number++) {
    const file = join(folder, `${name}${number > 1 ? `-${number}` : ""}.heddle`);
    if (!existsSync(file)) return file;
  }
}

function userName(): string {
  try {
    return String(userInfo().uid);
  } catch {
    return "user";
  }
}
