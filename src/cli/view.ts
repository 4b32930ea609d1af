/** `heddle view`: the timeline in the default browser. */
import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { writeHtml } from "./html.js";
import { readTraceFile, withTraceErrors } from "./report-input.js";

export interface ViewCommandOptions {
  /** Opens the page; for tests and for those who know better. Resolves to whether that worked. */
  readonly open?: (htmlPath: string) => Promise<boolean>;
}

/** Writes the page to the temporary folder and opens it, or says where it is when there is no browser. Returns the exit code. */
export function viewCommand(file: string, options: ViewCommandOptions = {}): Promise<number> {
  return withTraceErrors(async () => {
    // A file that is no trace is told here, not on an empty page.
    readTraceFile(file);
    const folder = mkdtempSync(join(tmpdir(), "heddle-"));
    const html = join(folder, `${basename(file).replace(/\.heddle$/i, "")}.html`);
    await writeHtml(file, html);
    const opened = await (options.open ?? openInBrowser)(html);
    process.stdout.write(opened ? `Opened ${html}\n` : `No browser was found. Open this file in one: ${html}\n`);
    return 0;
  });
}

/** Resolves to whether a browser took it. */
async function openInBrowser(htmlPath: string): Promise<boolean> {
  const url = pathToFileURL(htmlPath).href;
  const { BROWSER, DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (BROWSER) return start(BROWSER, [url]);
  if (process.platform === "darwin") return start("open", [url]);
  if (process.platform === "win32") return start("explorer.exe", [url]);
  if (!DISPLAY && !WAYLAND_DISPLAY) return false;
  return isOnPath("xdg-open") ? start("xdg-open", [url]) : false;
}

function start(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: "ignore", detached: true });
    child.once("error", () => done(false));
    child.once("spawn", () => {
      child.unref();
      done(true);
    });
  });
}

function isOnPath(command: string): boolean {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (folder === "") continue;
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      // The next folder may have it.
    }
  }
  return false;
}
