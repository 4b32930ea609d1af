/** The line of the user's code that called into the library, recorded or not. */
import { makeCallSiteFinder } from "../../recorder/call-site.js";

let find: (() => string) | null = null;

/** "url:line:column" of the innermost caller outside of the library, or "". Costs microseconds. */
export function userSite(): string {
  find ??= makeCallSiteFinder(__dirname);
  return find();
}

/** "file:line" of such a site, for a message. */
export function shortSite(site: string): string {
  const at = /([^\\/]+):(\d+):\d+$/.exec(site);
  return at === null ? site : `${at[1]}:${at[2]}`;
}
