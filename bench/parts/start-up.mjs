/**
 * Start-up on a trivial script: from the moment a process is spawned to the script's first line, and to its end. On this
 * Node and on those that the tests have fetched.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Figure, Table } from "../figures.mjs";
import { cli, root, scratch, tell } from "../measure.mjs";

const tsx = join(root, "node_modules", "tsx", "dist");
const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

/** The Node executables to measure, this one first. */
function nodes() {
  const place = (major) =>
    join(root, ".test-cache", `node-${major}`, "node_modules", `node-${platform}`, "bin", "node");
  const own = process.versions.node.split(".")[0];
  const others = ["20", "22", "24", "26"].filter((major) => major !== own).map(place);
  return [process.execPath, ...others.filter((path) => existsSync(path))];
}

function once(node, args, env) {
  const begun = performance.timeOrigin + performance.now();
  const { stdout, status, stderr } = spawnSync(node, args, {
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "", ...env },
  });
  const whole = performance.timeOrigin + performance.now() - begun;
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}\n${stderr}`);
  return { first: Number(stdout) - begun, whole };
}

/** [name, arguments, environment] of what is compared. */
function makeSubjects() {
  const folder = mkdtempSync(join(scratch, "start-up-"));
  const [plain, script, trace] = ["plain.mjs", "script.ts", "t.heddle"].map((name) => join(folder, name));
  const line = "console.log(performance.timeOrigin + performance.now()";
  writeFileSync(plain, `${line});\n`);
  writeFileSync(script, `export {};\n${line} as number);\n`);
  // As the runner would: the traced process adds to the file.
  writeFileSync(trace, "");
  const session = { file: trace, originNs: String(process.hrtime.bigint()), parentPid: -1 };
  const subjects = [
    ["plain .mjs", [plain]],
    [
      ".ts in a traced process",
      ["--require", join(root, "dist", "preload.cjs"), script],
      { HEDDLE_SESSION: JSON.stringify(session) },
    ],
    [".ts by node --import tsx", ["--import", join(tsx, "loader.mjs"), script]],
    ["all of heddle run", [cli, "run", "--out", trace, script]],
    ["all of the tsx command", [join(tsx, "cli.mjs"), script]],
  ];
  return { subjects, trace };
}

export default function startUp({ quick, measures, longRounds }) {
  const executables = quick ? [process.execPath] : nodes();
  const { subjects, trace } = makeSubjects();
  const columns = [];
  const [first, whole] = [subjects.map(() => []), subjects.map(() => [])];
  for (const node of executables) {
    const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim().slice(1);
    columns.push(`Node ${version}`);
    const results = subjects.map(() => []);
    // The first round fills the caches.
    for (let round = -1; round < longRounds; round++) {
      tell(`start-up, Node ${version}, round ${round + 1} of ${longRounds}`);
      subjects.forEach(([name, args, env], i) => {
        writeFileSync(trace, "");
        const result = once(node, args, env);
        const shouldRecord = /traced|heddle/.test(name);
        if (statSync(trace).size > 0 !== shouldRecord) throw new Error(`${name}: recorded ${!shouldRecord}`);
        if (round >= 0) results[i].push(result);
      });
    }
    results.forEach((list, i) => {
      first[i].push(new Figure(list.map((result) => result.first)));
      whole[i].push(new Figure(list.map((result) => result.whole)));
    });
  }
  tell("");
  const lines = new Table("start-up", "Start-up, to the script's first line: milliseconds", [
    "a trivial script",
    ...columns,
  ]);
  const commands = new Table("start-up-whole", "Start-up, the whole command: milliseconds", [
    "a trivial script",
    ...columns,
  ]);
  const later = new Table("start-up-later", "Start-up, later than plain .mjs: milliseconds", [
    "a trivial script",
    ...columns,
  ]);
  subjects.forEach(([name], i) => {
    lines.row(name, ...first[i]);
    commands.row(name, ...whole[i]);
    if (i > 0) later.row(name, ...first[i].map((figure, n) => (figure.median - first[0][n].median).toFixed(1)));
  });
  measures.startUpLater = new Figure([first[1][0].median - first[0][0].median]);
  return [lines, later, commands];
}
