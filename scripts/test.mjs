/**
 * Runs all tests: `npm test`, or `npm test -- PART…` for some of the parts below. Works on a fresh clone.
 * Closes with "N passed, N failed".
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { build, installPackages, root } from "./install.mjs";
import { fetchNode, findChromium } from "./test-tools.mjs";

const wanted = process.argv.slice(2);
const present = Number(process.versions.node.split(".")[0]);
let passed = 0;
let failed = 0;
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

/** A mocha run, counted test by test. */
async function suite(name, command, args, env) {
  console.log(`\n── ${name}`);
  const { code, output } = await run(command, args, env);
  const count = (word) =>
    [...output.matchAll(new RegExp(`^\\s+(\\d+) ${word}`, "gm"))].reduce((sum, m) => sum + Number(m[1]), 0);
  passed += count("passing");
  const failing = count("failing");
  failed += failing > 0 ? failing : code === 0 ? 0 : 1;
  if (code !== 0) {
    failures.push(name);
    const from = output.search(/^\s+\d+ failing/m);
    explanations.push(`── ${name}\n${from < 0 ? output.slice(-4000) : output.slice(from, from + 8000)}`);
  }
}

const bin = (name) => join(root, "node_modules", ".bin", name);
const mochaFile = join(root, "node_modules", "mocha", "bin", "mocha.js");
const mocha = (node, glob) => [node, [mochaFile, "--no-color", glob]];
const rooms = readdirSync(join(root, "test"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !["fixtures", "harness", "host", "ui", "runtime"].includes(entry.name))
  .map((entry) => entry.name);

const parts = {
  check: async () => {
    await step("types", bin("tsc"), ["-p", "tsconfig.json"]);
    await step("lint and format", bin("biome"), ["check", "."]);
    await step("imports go down only", bin("depcruise"), ["--config", ".dependency-cruiser.cjs", "src", "webview"]);
    await step("docs/api says what the docstrings say", process.execPath, ["scripts/build-api-docs.mjs", "--check"]);
  },
  unit: async () => {
    for (const room of rooms) await suite(room, ...mocha(process.execPath, `test/${room}/**/*.test.ts`));
  },
  runtime: async () => {
    await suite(`runtime on Node ${process.versions.node}`, ...mocha(process.execPath, "test/runtime/**/*.test.ts"));
  },
  nodes: async () => {
    for (const major of [20, 22, 24, 26].filter((major) => major !== present)) {
      await suite(`runtime on Node ${major}`, ...mocha(process.execPath, "test/runtime/**/*.test.ts"), {
        HEDDLE_TEST_NODE: fetchNode(major),
      });
    }
  },
  ui: async () => {
    await suite("web view in a browser", ...mocha(process.execPath, "test/ui/**/*.test.ts"), {
      HEDDLE_TEST_CHROMIUM: findChromium(),
    });
  },
  host: async () => {
    await suite("extension in a real extension host", process.execPath, ["scripts/test-host.mjs"], {
      HEDDLE_TEST_CHROMIUM: findChromium(),
    });
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
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
