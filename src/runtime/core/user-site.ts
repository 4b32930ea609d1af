/** The line of the user's code that called into the library, recorded or not. */
import { makeCallSiteFinder, type OnStack } from "../../recorder/call-site.js";

let find: ((above?: OnStack) => string) | null = null;

/**
 * "url:line:column" of the innermost caller outside of the library, or "". Costs microseconds; less if `above` is a
 * function on the stack that the user's code called by few others of the library.
 */
export function userSite(above: OnStack): string {
  find ??= makeCallSiteFinder(__dirname);
  return find(above);
}

/** "file:line" of such a site, for a message. */
export function shortSite(site: string): string {
  const at = /([^\\/]+):(\d+):\d+$/.exec(site);
  return at === null ? site : `${at[1]}:${at[2]}`;
}
