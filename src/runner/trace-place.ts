/** Where a trace goes when nobody says where: `.heddle/` beside the user, or the temporary folder. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { basename, extname, join } from "node:path";

/** What a trace takes over of its script's name: file systems take names of 255 bytes, and the time comes on top. */
const MOST_NAME_BYTES = 200;

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
  return `${nameOfScript(script)}-${day}-${time}`;
}

/** A script's name without its ending, clipped so that a file's name has room for it and for what is added. */
export function nameOfScript(script: string): string {
  const name = basename(script, extname(script));
  let bytes = 0;
  let end = 0;
  for (const letter of name) {
    bytes += Buffer.byteLength(letter);
    if (bytes > MOST_NAME_BYTES) break;
    end += letter.length;
  }
  return name.slice(0, end);
}

function userName(): string {
  try {
    return String(userInfo().uid);
  } catch {
    return "user";
  }
}
