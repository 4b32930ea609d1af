/** Finding out whether a Node can run a script under trace. */
import { spawnSync } from "node:child_process";
import { RunError } from "./run-error.js";

/** The oldest Node that runs scripts under trace. */
export const OLDEST_NODE = "20.19.0";

const howToSet = "Set another one with `heddle run --node PATH`, or in VS Code with the setting `heddle.nodePath`.";

/**
 * The version, such as "v22.15.0", of the Node at `path`.
 * @throws RunError if there is none, it does not start, or it is older than {@link OLDEST_NODE}.
 */
export function checkNode(path: string): string {
  const version = path === process.execPath ? process.version : askVersion(path);
  if (isOlder(version, OLDEST_NODE)) {
    throw new RunError(
      "node-too-old",
      `${path} is Node.js ${version.replace(/^v/, "")}; Heddle needs ${OLDEST_NODE.replace(/\.0$/, "")} or newer. ${howToSet}`,
    );
  }
  return version;
}

function askVersion(path: string): string {
  const { error, status, stdout } = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 10_000 });
  if (error !== undefined) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "there is no such program" : code === "EACCES" ? "it is not executable" : error.message;
    throw new RunError("no-node", `Node.js was not found at ${path}: ${why}. ${howToSet}`);
  }
  const version = stdout.trim();
  if (status !== 0 || !/^v\d+\.\d+\.\d+/.test(version)) {
    throw new RunError("no-node", `${path} is not Node.js: it does not answer --version as Node.js does. ${howToSet}`);
  }
  return version;
}

/** Whether a version is older than another; both such as "v22.15.0", with or without the v. */
export function isOlder(version: string, than: string): boolean {
  const numbers = (text: string): number[] => text.replace(/^v/, "").split(/[.-]/).map(Number);
  const [a, b] = [numbers(version), numbers(than)];
  for (let i = 0; i < 3; i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) < (b[i] ?? 0);
  }
  return false;
}
