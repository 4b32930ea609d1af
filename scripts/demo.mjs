/** `npm run demo`: installs, builds, traces a shipped example and says where its timeline is. Works on a fresh clone. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build, installPackages, root } from "./install.mjs";

installPackages();
build();
const out = join(root, "out", "demo");
mkdirSync(out, { recursive: true });
const trace = join(out, "hash-files.heddle");
const html = join(out, "hash-files.html");
const { status } = spawnSync(
  process.execPath,
  [
    join(root, "dist", "cli.cjs"),
    "run",
    "--out",
    trace,
    "--html",
    html,
    join(root, "examples", "hash-files.ts"),
    join(root, "node_modules"),
  ],
  { stdio: "inherit" },
);
if (status === 0) console.error("Open the timeline in a browser: who ran, who waited, and for what.");
process.exit(status ?? 1);
