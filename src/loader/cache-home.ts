/** Where Heddle keeps what it can make again. */
import { join } from "node:path";

let home: string | undefined;

/** The folder; "" when there is no home to put it in. */
export function cacheHome(): string {
  if (home === undefined) {
    const { env } = process;
    const windows = process.platform === "win32";
    const parent = windows ? env.LOCALAPPDATA : env.XDG_CACHE_HOME || (env.HOME && join(env.HOME, ".cache"));
    home = parent ? join(parent, "heddle") : "";
  }
  return home;
}
