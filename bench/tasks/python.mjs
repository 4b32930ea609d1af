/** Runs a task that is written in Python: `python.mjs SCRIPT ARGS…`. It prints its RESULT itself. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [, , script, ...args] = process.argv;
const file = join(dirname(fileURLToPath(import.meta.url)), script);
const { error, status } = spawnSync("python3", [file, ...args], { stdio: "inherit" });
if (error) throw new Error(`Error: python3 is not to be had: ${error.message}`);
process.exitCode = status ?? 1;
