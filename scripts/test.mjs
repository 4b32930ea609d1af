/**
 * Runs all tests: `npm test`, or `npm test -- PART…` for some of the parts below. Works on a fresh clone.
 * Closes with "N passed, N failed".
 *
 * Where the tests of a few files fail, those files are run a second time, alone. What passes then is flaky: it is told
 * so with its first failure, at the end and by its number, because each such test, or what it tests, has a defect. With
 * `--strict` there is no second time.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { build, installPackages, root } from "./install.mjs";
import { fetchNode, findChromium } from "./test-tools.mjs";

/** With more files than this failed, a part is broken rather than flaky. */
const MOST_FLAKY_FILES = 3;

const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const strict = process.argv.includes("--strict");
const present = Number(process.versions.node.split(".")[0]);
let passed = 0;
let failed = 0;
let flaky = 0;
const failures = [];
/** What mocha told of each failure, told again at the end: a long log is often cut in the middle. */
const explanations = [];

function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      from.on("data", (chunk) => {
        output += chunk;
        to.write(chunk);
      });
    }
    child.on("close", (code) => resolve({ code, output }));
    child.on("error", (error) => resolve({ code: 1, output: String(error) }));
  });
}

/** A command that passes or fails as one. */
async function step(name, command, args, env) {
  console.log(`\n── ${name}`);
  const { code } = await run(command, args, env);
  if (code === 0) passed++;
  else {
    failed++;
    failures.push(name);
  }
}

/** A mocha run, counted test by test. `again` gives the command for some of its files. */
async function suite(name, [command, args], env, again) {
  console.log(`\n── ${name}`);
  const first = await counted(command, args, env);
  passed += first.passing;
  if (first.code === 0) return;
  const { files } = first;
  const failing = Math.max(first.failing, 1);
  const few = files.length > 0 && files.length <= MOST_FLAKY_FILES && !files.includes("?");
  if (few && !strict) {
    console.log(`\n── ${name}: a second time, alone: ${files.join(", ")}`);
    const second = await counted(...again(files), env);
    if (second.code === 0 && second.passing > 0) {
      passed += failing;
      flaky += failing;
      explanations.push(`── ${name}: FLAKY, passed only the second time\n${first.explanation}`);
      return;
    }
  }
  failed += failing;
  failures.push(name);
  explanations.push(`── ${name}\n${first.explanation}`);
}

async function counted(command, args, env) {
  const folder = mkdtempSync(join(tmpdir(), "heddle-failed-"));
  const list = join(folder, "files");
  const result = await run(command, args, { ...env, HEDDLE_FAILED_FILES: list });
  const output = stripVTControlCharacters(result.output);
  const files = existsSync(list) ? [...new Set(readFileSync(list, "utf8").trim().split("\n"))] : [];
  rmSync(folder, { recursive: true });
  const count = (word) =>
    [...output.matchAll(new RegExp(`^\\s+(\\d+) ${word}`, "gm"))].reduce((sum, m) => sum + Number(m[1]), 0);
  const from = output.search(/^\s+\d+ failing/m);
  const explanation = from < 0 ? output.slice(-4000) : output.slice(from, from + 8000);
  return { code: result.code, files, passing: count("passing"), failing: count("failing"), explanation };
}

const bin = (name) => join(root, "node_modules", ".bin", name);
const mochaFile = join(root, "node_modules", "mocha", "bin", "mocha.js");
const reporter = join(root, "scripts", "failed-files-reporter.cjs");
const mocha = (...files) => [process.execPath, [mochaFile, "--no-color", "--reporter", reporter, ...files]];
const mochaSuite = (name, glob, env) => suite(name, mocha(glob), env, (files) => mocha(...files));
const rooms = readdirSync(join(root, "test"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !["fixtures", "harness", "host", "ui", "runtime"].includes(entry.name))
  .map((entry) => entry.name);

const parts = {
  check: async () => {
    await step("types", bin("tsc"), ["-p", "tsconfig.json"]);
    await step("lint and format", bin("biome"), ["check", "--error-on-warnings", "."]);
    await step("imports go down only", bin("depcruise"), ["--config", ".dependency-cruiser.cjs", "src", "webview"]);
    await step("docs/api says what the docstrings say", process.execPath, ["scripts/build-api-docs.mjs", "--check"]);
  },
  unit: async () => {
    for (const room of rooms) await mochaSuite(room, `test/${room}/**/*.test.ts`);
  },
  runtime: async () => {
    await mochaSuite(`runtime on Node ${process.versions.node}`, "test/runtime/**/*.test.ts");
  },
  nodes: async () => {
    for (const major of [20, 22, 24, 26].filter((major) => major !== present)) {
      await mochaSuite(`runtime on Node ${major}`, "test/runtime/**/*.test.ts", { HEDDLE_TEST_NODE: fetchNode(major) });
    }
  },
  ui: async () => {
    await mochaSuite("web view in a browser", "test/ui/**/*.test.ts", { HEDDLE_TEST_CHROMIUM: findChromium() });
  },
  host: async () => {
    const host = (...args) => [process.execPath, ["scripts/test-host.mjs", ...args]];
    const env = { HEDDLE_TEST_CHROMIUM: findChromium() };
    await suite("extension in a real extension host", host("in-host"), env, () => host("--no-build", "in-host"));
    await suite("extension in the workbench", host("--no-build", "user"), env, (files) =>
      host("--no-build", "user", ...files),
    );
  },
};

for (const name of wanted) {
  if (!(name in parts)) {
    console.error(`Unknown part '${name}'. The parts are: ${Object.keys(parts).join(", ")}.`);
    process.exit(2);
  }
}

installPackages();
build({ types: existsSync(join(root, "tsconfig.types.json")) });
for (const [name, part] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  try {
    await part();
  } catch (error) {
    console.error(error);
    failed++;
    failures.push(name);
  }
}
for (const explanation of explanations) console.log(`\n${explanation.trimEnd()}`);
if (failures.length > 0) console.log(`\nFailed: ${failures.join(", ")}`);
if (flaky > 0) console.log(`\n${flaky} of those that passed did so only the second time: FLAKY, see above`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
