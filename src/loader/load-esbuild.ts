/**
 * esbuild, in a process with a name of its own.
 *
 * Its compiler is a program that runs as a child of the script. A trace of the script must not take it for one of the
 * user's processes, and the user may run an esbuild too; so ours runs under the name `heddle-esbuild`, by a link beside
 * the cache. Where that cannot be made it runs under its own name.
 */
import { mkdirSync, readlinkSync, renameSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder } from "./compiled-cache.js";

const VARIABLE = "ESBUILD_BINARY_PATH";

export function loadEsbuild(): Pick<typeof import("esbuild"), "transformSync"> {
  const link = process.env[VARIABLE] === undefined ? namedProgram() : undefined;
  const { transformSync } = under(link, () => require("esbuild") as typeof import("esbuild"));
  return {
    // It starts a thread for the call, which reads the variable again.
    transformSync: (input, options) => under(link, () => transformSync(input, options)),
  };
}

function under<T>(link: string | undefined, call: () => T): T {
  if (link === undefined) return call();
  process.env[VARIABLE] = link;
  try {
    return call();
  } finally {
    delete process.env[VARIABLE];
  }
}

function namedProgram(): string | undefined {
  if (process.platform !== "linux" || cacheFolder() === "") return undefined;
  try {
    const from = dirname(require.resolve("esbuild/package.json"));
    const program = require.resolve(`@esbuild/linux-${process.arch}/bin/esbuild`, { paths: [from] });
    const folder = dirname(cacheFolder());
    const link = join(folder, "heddle-esbuild");
    if (target(link) === program) return link;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const beside = `${link}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    symlinkSync(program, beside);
    renameSync(beside, link);
    return link;
  } catch {
    return undefined;
  }
}

function target(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
