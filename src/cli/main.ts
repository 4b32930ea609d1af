#!/usr/bin/env node
/**
 * The command line. Each subcommand is its own file, loaded when it is the one that was asked for: a run should not
 * wait for what it does not use.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { RunCommandOptions } from "./run.js";

declare const HEDDLE_VERSION: string;

const program = new Command("heddle")
  .description("Runs a script under trace and shows which thread or process waited for whom, on what, on which core.")
  .version(typeof HEDDLE_VERSION === "string" ? HEDDLE_VERSION : "0.0.0", "-v, --version", "print the version")
  .helpOption("-h, --help", "print this help")
  .helpCommand("help [command]", "print the help of a command")
  .enablePositionalOptions()
  .showSuggestionAfterError()
  .showHelpAfterError("(heddle --help lists the commands and their options)")
  .configureOutput({
    writeOut: (text) => {
      // A reader that went away (`| head`) is no error of ours.
      process.stdout.once("error", () => {});
      process.stdout.write(text);
    },
  })
  .exitOverride();

program
  .command("run")
  .summary("run a script under trace")
  .usage("[options] <script> [args…]")
  .description(
    "Runs a TypeScript or JavaScript file under trace. Everything behind the script's name goes to the script. Exits " +
      "with the script's own exit code, and prints a report on stderr.",
  )
  .argument("<script>", "a .ts, .mts, .cts, .tsx, .js, .mjs, .cjs or .jsx file")
  .argument("[args...]", "the script's own arguments")
  .option("-o, --out <file>", "the trace to write (default: a new file in .heddle/)", fileName)
  .option("--html <file>", "also write the timeline as one HTML file", fileName)
  .addOption(new Option("--report <kind>", "the report to give").choices(["text", "json", "none"]).default("text"))
  .option("--report-file <file>", "write the report to a file, not to stderr", fileName)
  .option("--node <path>", "the Node.js that runs the script (default: the one that runs heddle)", fileName)
  .addOption(
    new Option("--on-hang <action>", "what to do when the script can never go on, after saying who waits for whom")
      .choices(["stop", "wait"])
      .default("stop"),
  )
  .addOption(new Option("--cwd <folder>", "run in this folder; for editors").hideHelp())
  .addOption(new Option("--once", "run nothing if the trace is there already; for editors").hideHelp())
  .passThroughOptions()
  .addHelpText(
    "after",
    "\nExamples:\n" +
      "  heddle run script.ts\n" +
      "  heddle run --html timeline.html script.ts --verbose input.txt\n" +
      "  heddle run --report json --report-file report.json script.ts",
  )
  .action(async (script: string, args: string[], options: RunCommandOptions) => {
    const { runCommand } = await import("./run.js");
    await runCommand(script, args, options);
  });

program
  .command("report")
  .summary("print the report of a saved trace")
  .description("Prints the report of a trace that was saved.")
  .argument("<trace>", "a .heddle file")
  .option("--json", "as JSON")
  .action(async (trace: string, options: { json?: boolean }) => {
    const { reportCommand } = await import("./report.js");
    process.exitCode = await reportCommand(trace, options);
  });

program
  .command("export")
  .summary("write a saved trace for other tools")
  .description(
    "Writes a trace for other tools: Perfetto, Chrome's tracing, or a spreadsheet; or the timeline as one HTML file.",
  )
  .argument("<trace>", "a .heddle file")
  .addOption(
    new Option("--format <format>", "what to write")
      .choices(["perfetto", "chrome", "csv", "html"])
      .makeOptionMandatory(),
  )
  .option("-o, --out <file>", "where to write it (default: stdout)", fileName)
  .action(async (trace: string, options: { format: string; out?: string }) => {
    const { exportCommand } = await import("./export.js");
    process.exitCode = await exportCommand(trace, options);
  });

program
  .command("view")
  .summary("open the timeline of a saved trace in the browser")
  .description("Opens the timeline of a trace in the default browser.")
  .argument("<trace>", "a .heddle file")
  .action(async (trace: string) => {
    const { viewCommand } = await import("./view.js");
    process.exitCode = await viewCommand(trace);
  });

function fileName(value: string): string {
  if (value === "") throw new InvalidArgumentError("It is empty.");
  return value;
}

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    const given = process.argv[2] ?? "";
    if (error.code === "commander.unknownCommand" && /\.([cm]?[jt]s|[jt]sx)$/.test(given)) {
      process.stderr.write(`To run a script: heddle run ${given}\n`);
    } else if (error.code === "commander.unknownCommand" && given.endsWith(".heddle")) {
      process.stderr.write(`To see a trace: heddle view ${given}, or heddle report ${given}\n`);
    }
    process.exitCode = error.exitCode;
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`heddle: ${message}\n`);
  process.exitCode = 1;
});
