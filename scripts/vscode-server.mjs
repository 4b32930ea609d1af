/**
 * VS Code's server for the extension's tests: fetched once from the npm registry into .test-cache/, started per test.
 *
 * The npm package `code-server` carries VS Code's own server, with the real extension host in it. It needs Node 24,
 * which comes from the npm registry too, so that a machine with Node 20 and git is enough.
 *
 * `node scripts/vscode-server.mjs` fetches it; with a folder as argument it also starts it there and prints the address.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { arch, platform } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, ".test-cache");
const version = "4.139.1";
const nodePackage = `node-${platform() === "win32" ? "win" : platform()}-${arch()}`;
const nodeFolder = join(cache, "node-24");
const nodeBin = join(nodeFolder, "node_modules", nodePackage, "bin");
const serverFolder = join(cache, "code-server");
const vscodeFolder = join(serverFolder, "node_modules", "code-server", "lib", "vscode");
const main = join(vscodeFolder, "out", "server-main.js");
const stamp = join(serverFolder, `ready-${version}`);

/** The Node 24 that runs the server. */
export const serverNode = join(nodeBin, platform() === "win32" ? "node.exe" : "node");

/**
 * Fetches the server unless it is there. Takes about a minute the first time.
 * @returns Path of server-main.js.
 * @throws Error with the output of the step that failed.
 */
export function ensureServer(log = console.error) {
  if (!existsSync(serverNode)) {
    log("fetching Node 24 …");
    mkdirSync(nodeFolder, { recursive: true });
    npm(nodeFolder, ["install", "--no-save", "--prefix", ".", `${nodePackage}@24`]);
  }
  if (!existsSync(stamp)) {
    log("fetching VS Code's server …");
    mkdirSync(serverFolder, { recursive: true });
    writeFileSync(join(serverFolder, "package.json"), '{ "private": true }\n');
    const path = nodeBin + delimiter + process.env.PATH;
    npm(serverFolder, ["install", "--ignore-scripts", `code-server@${version}`], path);
    npm(vscodeFolder, ["install", "--omit=dev", "--ignore-scripts"], path);
    npm(vscodeFolder, ["rebuild", "node-pty", "@vscode/spdlog"], path);
    // The built-in extensions' shared dependency: TypeScript, for its tsserver.
    npm(join(vscodeFolder, "extensions"), ["install", "--omit=dev", "--ignore-scripts"], path);
    writeFileSync(stamp, "");
  }
  return main;
}

function npm(cwd, args, path = process.env.PATH) {
  const done = spawnSync("npm", [...args, "--no-audit", "--no-fund"], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, PATH: path },
    shell: platform() === "win32",
  });
  if (done.status !== 0) throw new Error(`npm ${args.join(" ")} in ${cwd} failed:\n${done.stdout}${done.stderr}`);
}

/**
 * Starts a server.
 * @param home Folder for its user data, server data and extensions.
 * @param options.vsix A packaged extension to install first.
 * @param options.trust Whether workspace trust is on (asks); off by default.
 * @param options.settings The user's settings.json (machine settings of the server).
 * @param options.driver Whether tests inside the extension host can report; the workbench then shows no notifications.
 * @returns `url` of the workbench, `port`, `stop()`, `log()` with what it printed.
 */
export async function startServer(home, { vsix, trust = false, settings = {}, env = {}, driver = false } = {}) {
  ensureServer();
  const data = join(home, "data");
  const folders = [
    "--user-data-dir",
    data,
    "--server-data-dir",
    join(home, "server"),
    "--extensions-dir",
    join(home, "extensions"),
  ];
  mkdirSync(join(data, "Machine"), { recursive: true });
  writeFileSync(join(data, "Machine", "settings.json"), JSON.stringify(settings));
  if (vsix) {
    const installed = spawnSync(serverNode, [main, ...folders, "--install-extension", vsix, "--force"], {
      encoding: "utf8",
    });
    if (installed.status !== 0) throw new Error(`installing ${vsix} failed:\n${installed.stdout}${installed.stderr}`);
  }
  const port = await freePort();
  const child = spawn(
    serverNode,
    [
      main,
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      "--without-connection-token",
      "--accept-server-license-terms",
      ...(driver ? ["--enable-smoke-test-driver"] : []),
      ...(trust ? [] : ["--disable-workspace-trust"]),
      "--telemetry-level",
      "off",
      ...folders,
    ],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env }, detached: platform() !== "win32" },
  );
  let output = "";
  const ready = new Promise((resolve, reject) => {
    const onData = (chunk) => {
      output += chunk;
      if (/Extension host agent listening/.test(output)) resolve();
    };
    child.stdout.on("data", onData);
    child.stderr.on("data", onData);
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
    child.on("error", reject);
  });
  const stop = () =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.on("exit", () => resolve());
      try {
        process.kill(-child.pid, "SIGTERM");
      } catch {
        child.kill();
      }
      setTimeout(() => {
        try {
          process.kill(-child.pid, "SIGKILL");
        } catch {}
      }, 3000).unref();
    });
  await ready;
  return { url: `http://127.0.0.1:${port}/`, port, stop, log: () => output };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Path of a Chromium or Chrome on this machine, or undefined. `HEDDLE_CHROMIUM` wins. */
export function findChromium() {
  const candidates = [
    process.env.HEDDLE_CHROMIUM,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  ];
  return candidates.find((path) => path && existsSync(path));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(ensureServer());
  const folder = process.argv[2];
  if (folder) {
    const home = join(cache, "manual");
    rmSync(home, { recursive: true, force: true });
    const vsix = process.argv[3];
    const server = await startServer(home, vsix ? { vsix } : {});
    console.log(`${server.url}?folder=${encodeURIComponent(folder)}`);
  }
}
