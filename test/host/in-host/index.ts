/** Entry of the tests inside the extension host: VS Code calls `run()` and takes a rejection as failure. */
import { format } from "node:util";
import Mocha from "mocha";

/** Tells the tests' lines from the workbench's, which come out of the same pipe. */
const mark = process.env.HEDDLE_TEST_MARK ?? "heddle-test:";

export async function run(): Promise<void> {
  const mocha = new Mocha({
    ui: "bdd",
    timeout: 40_000,
    color: false,
    reporter: "spec",
    grep: process.env.HEDDLE_TEST_GREP ?? "",
  });
  Mocha.reporters.Base.consoleLog = (...args: unknown[]) => console.log(`${mark}${format(...args)}`);
  mocha.suite.emit("pre-require", globalThis, "in-host", mocha);
  await import("./manifest.test.js");
  await import("./types.test.js");
  await import("./running.test.js");
  await import("./saved-traces.test.js");
  const failures = await new Promise<number>((done) => {
    mocha.run(done);
  });
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
