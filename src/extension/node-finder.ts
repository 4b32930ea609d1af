/**
 * Finds the Node that runs the user's scripts and makes sure that it is new enough.
 *
 * An editor started from a desktop often has another PATH than the user's terminal: version managers (nvm, fnm, asdf,
 * volta) set it in the shell's start-up files. So: the setting if there is one, else `node` of our own PATH, and if
 * that is missing or too old, `node` of the user's login shell.
 */
import { execFile } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { isOlder, OLDEST_NODE } from "../runner/check-node.js";

export interface FoundNode {
  readonly path: string;
  readonly version: string;
}

/** No usable Node. The message says what was looked for, what was found, and what is needed. */
export class NodeError extends Error {
  override readonly name = "NodeError";
}

/**
 * @param setting The user's setting: a path, a name, or "" to search.
 * @param cwd What a relative path in the setting is relative to.
 * @throws NodeError
 */
export async function findNode(setting: string, cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<FoundNode> {
  if (setting !== "") {
    const path = await locate(expandHome(setting), cwd, env);
    if (path === undefined) {
      throw new NodeError(
        `The Node executable “${setting}” of the setting heddle.nodePath ${await whyNot(setting, cwd)}.`,
      );
    }
    return await checked(path, `“${path}” of the setting heddle.nodePath`);
  }
  const own = await locate("node", cwd, env);
  let problem: unknown;
  if (own !== undefined) {
    try {
      return await checked(own, `“${own}”, found in PATH,`);
    } catch (error) {
      problem = error;
    }
  }
  const shells = await nodeOfLoginShell(env);
  if (shells !== undefined && shells !== own) return await checked(shells, `“${shells}” of your login shell`);
  throw (
    problem ??
    new NodeError(
      `Node was not found, neither in PATH nor by your login shell. Install Node ${OLDEST_NODE} or newer, or set heddle.nodePath.`,
    )
  );
}

/** @throws NodeError if it cannot be run, is no Node, or is too old. */
async function checked(path: string, called: string): Promise<FoundNode> {
  const { stdout, error } = await run(path, ["-p", "process.versions.node"], 15_000);
  const version = /^v?(\d+\.\d+\.\d+\S*)\s*$/m.exec(stdout)?.[1];
  if (version === undefined) {
    const why = error === undefined ? `it answered “${stdout.trim().slice(0, 80)}”` : error.split("\n")[0];
    throw new NodeError(`${called} could not be run as Node: ${why}.`);
  }
  if (isOlder(version, OLDEST_NODE)) {
    throw new NodeError(`${called} is Node ${version}. Heddle needs Node ${OLDEST_NODE} or newer.`);
  }
  return { path, version };
}

async function locate(name: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const endings = process.platform === "win32" ? ["", ".exe", ".cmd"] : [""];
  const bases =
    isAbsolute(name) || /[\\/]/.test(name)
      ? [resolve(cwd, name)]
      : (env.PATH ?? env.Path ?? "").split(delimiter).flatMap((folder) => (folder === "" ? [] : [join(folder, name)]));
  for (const base of bases) {
    for (const ending of endings) {
      if (await isExecutable(base + ending)) return base + ending;
    }
  }
  return undefined;
}

/** What is wrong with a path that leads to no executable. */
async function whyNot(setting: string, cwd: string): Promise<string> {
  if (!/[\\/]/.test(setting)) return "was not found in PATH";
  const info = await stat(resolve(cwd, expandHome(setting))).catch(() => undefined);
  if (info === undefined) return "was not found";
  return info.isDirectory() ? "is a folder: set the path of the executable in it" : "cannot be executed";
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Asks the user's shell, with its start-up files read, where `node` is. A shell that says more is heard out. */
async function nodeOfLoginShell(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const shell = env.SHELL;
  if (process.platform === "win32" || shell === undefined || !(await isExecutable(shell))) return undefined;
  const mark = "heddle-node:";
  const { stdout } = await run(shell, ["-i", "-l", "-c", `printf '%s%s\\n' '${mark}' "$(command -v node)"`], 10_000);
  const path = new RegExp(`^${mark}(/.+)$`, "m").exec(stdout)?.[1]?.trim();
  return path !== undefined && (await isExecutable(path)) ? path : undefined;
}

function run(file: string, args: readonly string[], timeout: number): Promise<{ stdout: string; error?: string }> {
  return new Promise((done) => {
    // A script as Node (a version manager's shim) runs too; only Windows needs a shell for it.
    const shell = process.platform === "win32" && file.endsWith(".cmd");
    const env = { ...process.env, NODE_OPTIONS: "" };
    const child = execFile(file, [...args], { timeout, env, shell, encoding: "utf8" }, (error, stdout) => {
      done(error ? { stdout, error: error.message } : { stdout });
    });
    child.stdin?.end();
  });
}

function expandHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
