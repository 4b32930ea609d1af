/** Installs the packages of package-lock.json when they are not there yet, and builds dist/. For use on a fresh clone. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a command in the project's folder and ends this program when it fails. */
export function must(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  if (status !== 0) {
    console.error(`heddle: '${command} ${args.join(" ")}' failed with code ${status}`);
    process.exit(status ?? 1);
  }
}

/** Packages as the lock file names them; once per lock file. */
export function installPackages() {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  const stamp = join(root, "node_modules", ".heddle-installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.error("heddle: installing packages, once; this takes about half a minute …");
  // Not `npm ci`: it refuses a lock file that leaves out packages which only other platforms would install.
  must("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
    shell: process.platform === "win32",
  });
  writeFileSync(stamp, lock);
}

/** Builds dist/ and, when asked, the type declarations. */
export function build({ types = false } = {}) {
  must(process.execPath, ["esbuild.mjs"]);
  if (types) must(process.execPath, [join("scripts", "build-types.mjs")]);
}
