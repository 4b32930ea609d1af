/**
 * The package as npm users get it: packed, installed into an empty folder by the ordinary npm, and used there by plain
 * node and by `npx heddle`. Its dependencies come from a registry of the test's own, which serves what is installed
 * here, so nothing is fetched from elsewhere.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const root = join(__dirname, "..", "..");
const isWindows = process.platform === "win32";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}
const manifestIn = (folder: string) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

const script = `import { isMain } from "heddle";
import { ThreadPoolExecutor } from "heddle/futures";
export function square(n) {
  return n * n;
}
if (isMain) {
  const pool = new ThreadPoolExecutor({ maxWorkers: 2 });
  console.log([...(await pool.map(square, [1, 2, 3]))].join(" "));
  await pool.shutdown();
}
`;

describe("the npm package", function () {
  this.timeout(240_000);
  const folder = mkdtempSync(join(tmpdir(), "heddle-npm-"));
  const project = join(folder, "project");
  const packages = join(folder, "packages");
  let registry: Server;
  let files: string[];

  before(async () => {
    mkdirSync(packages);
    mkdirSync(project);
    const folders = [root, ...installedDependencies()];
    const packed = await npm(root, ["pack", "--json", "--ignore-scripts", "--pack-destination", packages, ...folders]);
    const told = JSON.parse(packed) as { name: string; version: string; filename: string; files: { path: string }[] }[];
    files = told.find(({ name }) => name === "heddle")!.files.map(({ path }) => path);
    const tarballs = new Map(told.map(({ name, filename }) => [name, filename]));
    registry = createServer((request, response) => {
      const name = decodeURIComponent(request.url!.slice(1));
      if (name.endsWith(".tgz")) return response.end(readFileSync(join(packages, name)));
      const file = tarballs.get(name);
      if (file === undefined) return response.writeHead(404).end("{}");
      const manifest = manifestIn(folders.find((one) => manifestIn(one).name === name)!);
      const address = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/${encodeURIComponent(file)}`;
      const version = { ...manifest, scripts: {}, dist: { tarball: address } };
      const answer = { name, "dist-tags": { latest: manifest.version }, versions: { [manifest.version]: version } };
      return response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
    });
    await new Promise<void>((done) => registry.listen(0, "127.0.0.1", done));
    writeFileSync(join(project, "package.json"), '{ "private": true }\n');
    await npm(project, ["install", "heddle"]);
  });
  after(() => {
    registry?.close();
    registry?.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The packages that the manifest needs, and those that they need, as far as this platform has them. */
  function installedDependencies(): string[] {
    const found = new Set<string>();
    const visit = (manifest: Manifest) => {
      for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
        const at = join(root, "node_modules", name);
        if (found.has(at) || !existsSync(at)) continue;
        found.add(at);
        visit(manifestIn(at));
      }
    };
    visit(manifestIn(root));
    return [...found];
  }

  async function npm(cwd: string, args: readonly string[]): Promise<string> {
    const options = [
      "--no-audit",
      "--no-fund",
      "--cache",
      join(folder, "cache"),
      "--userconfig",
      join(folder, "npmrc"),
    ];
    const address = registry?.address() as AddressInfo | null | undefined;
    if (address) options.push("--registry", `http://127.0.0.1:${address.port}/`);
    const { code, stdout, stderr } = await command("npm", [...args, ...options], cwd);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  function command(name: string, args: readonly string[], cwd = project) {
    // No module path of ours: what is found is what was installed.
    const path = dirname(process.execPath) + delimiter + process.env.PATH;
    const env: NodeJS.ProcessEnv = { ...process.env, PATH: path, NODE_OPTIONS: "", NODE_PATH: "" };
    const child = spawn(name, [...args], { cwd, env, shell: isWindows });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    return new Promise<{ code: number | null; stdout: string; stderr: string }>((done, fail) => {
      child.on("error", fail);
      child.on("close", (code) => done({ code, stdout, stderr }));
    });
  }

  it("holds what is needed and nothing else", () => {
    for (const needed of ["README.md", "LICENSE", "CHANGELOG.md", "docs/report.schema.json", "dist/cli.cjs"])
      assert.ok(files.includes(needed), needed);
    const others = files.filter(
      (file) => !/^(dist\/|docs\/report\.schema\.json$|[A-Z]+(\.md)?$|package\.json$)/.test(file),
    );
    assert.deepEqual(others, []);
    assert.ok(!files.some((file) => file.endsWith(".map")));
  });

  it("has every file that its exports name, and node resolves them", async () => {
    const installed = join(project, "node_modules", "heddle");
    const { exports } = manifestIn(installed);
    for (const [key, target] of Object.entries(exports)) {
      for (const file of typeof target === "string" ? [target] : Object.values(target))
        assert.ok(existsSync(join(installed, file)), `${key}: ${file}`);
      if (key.endsWith(".json")) continue;
      const name = `heddle${key.slice(1)}`;
      const esm = await command(process.execPath, ["--input-type=module", "-e", `await import("${name}")`]);
      assert.equal(esm.code, 0, `${name}: ${esm.stderr}`);
      const cjs = await command(process.execPath, ["-e", `require("${name}")`]);
      assert.equal(cjs.code, 0, `${name}: ${cjs.stderr}`);
    }
  });

  it("runs a script under plain node, untraced", async () => {
    writeFileSync(join(project, "squares.mjs"), script);
    const { code, stdout, stderr } = await command(process.execPath, ["squares.mjs"]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "1 4 9\n");
    assert.equal(stderr, "");
  });

  it("runs a script by npx heddle run, traced", async () => {
    writeFileSync(join(project, "squares.ts"), script.replace("(n)", "(n: number): number"));
    const args = ["heddle", "run", "--out", "squares.heddle", "--html", "squares.html", "squares.ts"];
    const { code, stdout, stderr } = await command("npx", ["--no-install", ...args]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "1 4 9\n");
    assert.match(stderr, /squares\.heddle/);
    assert.match(readFileSync(join(project, "squares.html"), "utf8"), /<!doctype html>/i);
    const report = spawnSync("npx", ["--no-install", "heddle", "report", "squares.heddle", "--json"], {
      cwd: project,
      encoding: "utf8",
      shell: isWindows,
    });
    const { pools } = JSON.parse(report.stdout) as { pools: { tasks: number }[] };
    assert.equal(pools[0]?.tasks, 3);
  });
});
