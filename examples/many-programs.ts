// Twelve programs are run by four threads, each of which waits for one at a time; the ones that fail and the one that
// takes too long are told from the others.
//
// Look for: a process for each program, four at a time, and under it nothing: it is not traced, only its begin and end
// are known. The threads of the pool wait for the end of their program, so they take no time on a core.

import { isMain } from "heddle";
import { asCompleted, ThreadPoolExecutor } from "heddle/futures";
import { CalledProcessError, runSync, TimeoutExpired } from "heddle/subprocess";

/** Some programs: most add up numbers, every fifth fails, and one never ends. */
function program(n: number) {
  if (n === 7) return "setInterval(() => {}, 1000)";
  if (n % 5 === 4) return `console.error("number ${n} has no luck"); process.exit(${n})`;
  return `let sum = 0; for (let i = 0; i <= ${n} * 1e6; i++) sum += i; console.log(sum)`;
}

function execute(n: number) {
  const command = [process.execPath, "--eval", program(n)];
  // A program that is out of time is killed.
  const timeout = n === 7 ? 500 : 60_000;
  return runSync(command, { check: true, captureOutput: true, timeout, name: `program ${n}` }).stdout!.trim();
}

if (isMain) {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 4, threadNamePrefix: "runner" });
  const futures = Array.from({ length: 12 }, (_, n) => executor.submit(execute, n));
  const lines: string[] = [];
  for await (const done of asCompleted(futures)) {
    try {
      lines[done.index] = `printed ${done.result()}`;
    } catch (error) {
      if (error instanceof CalledProcessError)
        lines[done.index] = `failed with ${error.returnCode}: ${error.stderr!.trim()}`;
      else if (error instanceof TimeoutExpired) lines[done.index] = `was killed after ${error.timeout} ms`;
      else throw error;
    }
  }
  for (const [n, line] of lines.entries()) console.log(`program ${n} ${line}`);
}
