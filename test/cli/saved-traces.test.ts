/** The commands on saved traces, as a person runs them: the built command line in a process of its own. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { escapeHtml, scriptText, writeHtml } from "../../src/cli/html.js";
import { printRunReport } from "../../src/cli/report.js";
import { TraceFileError } from "../../src/cli/report-input.js";
import { viewCommand } from "../../src/cli/view.js";
import { headerFrame } from "../../src/trace/writer.js";
import { largeTrace } from "../analysis/large-trace.js";
import { ms, SyntheticTrace } from "../analysis/synthetic-trace.js";

const cli = join(__dirname, "../../dist/cli.cjs");
let folder = "";

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function heddle(...args: string[]): Promise<Outcome> {
  return new Promise((done) => {
    const env = { ...process.env, NO_COLOR: "1", BROWSER: "", DISPLAY: "", WAYLAND_DISPLAY: "", TMPDIR: folder };
    const options = { cwd: folder, env, maxBuffer: 1 << 26 };
    execFile(process.execPath, [cli, ...args], options, (error, stdout, stderr) => {
      done({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

function small(): Uint8Array {
  const trace = new SyntheticTrace({ cores: 2, source: "perf", command: ["bank.ts"] });
  const process = trace.process(100, "bank.ts");
  const main = process.thread("main");
  const lock = main.lock(ms(1), 'accounts, "shared"');
  const queue = main.queue(ms(1), "jobs", 3);
  const pool = main.pool(ms(1), "workers", 1);
  const worker = main.spawn(ms(2), "=teller", ms(3)).worksFor(ms(3), pool);
  main.acquire(ms(4), lock).release(ms(10), lock);
  worker.acquire(ms(10.1), lock, { since: ms(5) }).release(ms(11), lock);
  main.put(ms(11), queue);
  worker.get(ms(12), queue);
  worker.task(ms(20), ms(30), pool, main.submit(ms(12), pool, "work"), "work");
  main.span(ms(20), ms(25), "outer").span(ms(21), ms(27), "across an await").mark(ms(22), "here");
  main.wait(ms(13), ms(31), 3, pool.number, { async: true }).counter(ms(23), "open", 2, "files");
  main.on(0, 0, ms(13)).on(1, ms(14), ms(31));
  worker.on(0, ms(15), ms(30));
  process.exit(ms(40));
  return trace.bytes();
}

function file(name: string, bytes: Uint8Array | string): string {
  writeFileSync(join(folder, name), bytes);
  return name;
}

describe("a file where a command should be", () => {
  it("is told which command takes it", async () => {
    for (const [given, hint] of [
      ["try.ts", "To run a script: heddle run try.ts\n"],
      ["old.heddle", "To see a trace: heddle view old.heddle, or heddle report old.heddle\n"],
      ["rnu", "(Did you mean run?)\n(heddle --help lists the commands and their options)\n"],
    ] as const) {
      const { code, stderr } = await heddle(given);
      assert.equal(code, 1);
      assert.ok(stderr.startsWith(`error: unknown command '${given}'\n`) && stderr.endsWith(hint), stderr);
    }
  });
});

describe("help", () => {
  it("is given to a reader that goes away", async function () {
    if (process.platform === "win32") this.skip();
    const child = spawn(process.execPath, [cli, "help", "run"], { stdio: ["ignore", "pipe", "pipe"] });
    // Nobody reads from the beginning on.
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (data: Buffer) => (stderr += data));
    const code = await new Promise((done) => child.on("close", done));
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  });
});

describe("commands on saved traces", function () {
  this.timeout(60_000);
  before(() => {
    assert.ok(existsSync(cli), "dist/cli.cjs is missing: build first");
    folder = mkdtempSync(join(tmpdir(), "heddle saved träces "));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("report prints text, and JSON with --json", async () => {
    const trace = file("a.heddle", small());
    const text = await heddle("report", trace);
    assert.equal(text.code, 0);
    assert.equal(text.stderr, "");
    assert.match(text.stdout, /^Heddle {2}bank\.ts {2}exit code 0\n/);
    assert.match(text.stdout, /accounts, "shared"/);
    const json = await heddle("report", "--json", trace);
    assert.equal(json.code, 0);
    const report = JSON.parse(json.stdout);
    assert.equal(report.version, 1);
    assert.equal(report.locks[0].acquisitions, 2);
    assert.equal(report.coreSource, "perf");
  });

  it("tell in one line, with exit code 1, what is wrong with a file", async () => {
    const bytes = small();
    const header = { command: [], cwd: "", startedAt: 0, originNs: "0", node: "", platform: "", cores: 1 };
    file(
      "broken.heddle",
      bytes.map((byte, i) => (i > 3 && i % 7 === 0 ? byte ^ 0x5a : byte)),
    );
    const cases: [string, RegExp][] = [
      ["missing.heddle", /does not exist/],
      [folder, /folder/],
      [file("empty.heddle", ""), /empty/],
      [file("text.heddle", "no trace at all, just words ".repeat(4000)), /not a Heddle trace/],
      [file("short.heddle", "GIF89a"), /not a Heddle trace/],
      [file("newer.heddle", headerFrame(header, 99)), /newer Heddle/],
      [file("header-cut.heddle", bytes.subarray(0, 20)), /ends within its header/],
      ["broken.heddle", /damaged/],
    ];
    for (const [path, message] of cases) {
      for (const command of [["report"], ["export", "--format", "csv"], ["view"]]) {
        const { code, stdout, stderr } = await heddle(...command, path);
        assert.equal(code, 1, `${command[0]} ${path}`);
        assert.match(stderr, message);
        assert.match(stderr, /^heddle: [^\n]+\n$/, "one line");
        assert.equal(stdout, "");
      }
    }
  });

  it("report a cut trace as far as it goes, with a note", async () => {
    const bytes = small();
    const { code, stdout } = await heddle("report", file("cut.heddle", bytes.subarray(0, bytes.length - 40)));
    assert.equal(code, 0);
    assert.match(stdout, /Note: The recording was cut off/);
  });

  it("report a trace with damage in the middle, with a note", async () => {
    const bytes = small();
    bytes[Math.floor(bytes.length / 2)]! ^= 0xff;
    const { code, stdout } = await heddle("report", file("damaged.heddle", bytes));
    assert.equal(code, 0);
    assert.match(stdout, /damaged bytes were skipped/);
  });

  it("export gives trace events that nest, with names and arrows", async () => {
    const trace = file("b.heddle", small());
    const { code, stderr } = await heddle("export", "--format", "perfetto", "--out", "out.json", trace);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    const { traceEvents } = JSON.parse(readFileSync(join(folder, "out.json"), "utf8"));
    type Event = {
      ph: string;
      name: string;
      ts: number;
      dur: number;
      pid: number;
      tid: number;
      id: number;
      cat: string;
    };
    const events = traceEvents as (Event & { args: Record<string, unknown> })[];
    const names = events
      .filter((event) => event.ph === "M" && event.name === "thread_name")
      .map(({ args }) => args.name);
    assert.ok(names.includes("main") && names.includes("=teller") && names.includes("core 1"));
    const wait = events.find((event) => event.cat === "LockWait");
    assert.deepEqual([wait!.ph, wait!.ts, wait!.dur, wait!.pid, wait!.tid], ["X", 5000, 5100, 100, 102]);
    const wakeFrom = events.find((event) => event.ph === "s" && event.name === "Wake")!;
    const wakeTo = events.find((event) => event.ph === "f" && event.id === wakeFrom.id)!;
    assert.deepEqual([wakeFrom.ts, wakeFrom.tid, wakeTo.ts, wakeTo.tid], [10_000, 100, 10_100, 102]);
    assert.ok(events.some((event) => event.ph === "C" && event.name === "open (files)"));
    assert.ok(events.some((event) => event.ph === "i" && event.name === "here"));
    assert.ok(events.some((event) => event.ph === "b" && event.name === "across an await"));
    // The format allows no overlap within a thread.
    const byThread = new Map<string, Event[]>();
    for (const event of events) {
      if (event.ph !== "X") continue;
      const key = `${event.pid}:${event.tid}`;
      byThread.set(key, [...(byThread.get(key) ?? []), event]);
    }
    for (const list of byThread.values()) {
      list.sort((x, y) => x.ts - y.ts || y.dur - x.dur);
      const open: number[] = [];
      for (const { ts, dur, name } of list) {
        while (open.length > 0 && open.at(-1)! <= ts) open.pop();
        assert.ok(open.length === 0 || ts + dur <= open.at(-1)!, `${name} at ${ts} overlaps`);
        open.push(ts + dur);
      }
    }
  });

  it("export gives CSV with as many cells in each row, and no formulas", async () => {
    const { code, stdout } = await heddle("export", "--format", "csv", file("c.heddle", small()));
    assert.equal(code, 0);
    const rows = stdout.trimEnd().split("\n");
    assert.equal(rows[0], "type,kind,pid,tid,thread,start_ns,end_ns,name,object,site,value,flags");
    const cells = (row: string) => row.match(/("([^"]|"")*"|[^,]*)(,|$)/g)!.filter((cell, i) => cell !== "" || i === 0);
    for (const row of rows) assert.ok(cells(row).length === 12 || row.endsWith(","), row);
    assert.ok(
      rows.includes(
        `slice,LockWait,100,102,'=teller,5000000,10100000,"accounts, ""shared""","accounts, ""shared""",/work/main.ts:10:3,0,`,
      ),
    );
    assert.ok(rows.includes('hold,,100,100,main,4000000,10000000,,"accounts, ""shared""",/work/main.ts:10:3,,'));
    assert.ok(rows.includes("flow,Item,100,102,'=teller,11000000,12000000,main,jobs,,,"));
  });

  it("export says that a format does not exist, and where it cannot write", async () => {
    const trace = file("d.heddle", small());
    assert.notEqual((await heddle("export", "--format", "gif", trace)).code, 0);
    const { code, stderr } = await heddle("export", "--format", "csv", "--out", "no/such/folder.csv", trace);
    assert.equal(code, 1);
    assert.match(stderr, /^heddle: .*does not exist\.\n$/);
  });

  it("export never writes over the trace it reads, nor over a source", async () => {
    const bytes = small();
    const trace = file("own.heddle", bytes);
    const source = file("own.ts", new TextEncoder().encode("let a = 1;"));
    for (const format of ["csv", "perfetto", "html"]) {
      for (const out of [trace, source]) {
        const { code, stderr } = await heddle("export", "--format", format, "--out", out, trace);
        assert.equal(code, 1);
        assert.match(stderr, /^heddle: own\.\w+ is there already and is (a trace|source code): it is not overwritten/);
      }
    }
    assert.deepEqual(new Uint8Array(readFileSync(join(folder, trace))), new Uint8Array(bytes));
    assert.equal(readFileSync(join(folder, source), "utf8"), "let a = 1;");
  });

  it("export of a large trace is whole JSON, also through a pipe", async () => {
    const trace = file("large.heddle", largeTrace({ events: 30_000 }).bytes());
    const { stdout } = await heddle("export", "--format", "chrome", trace);
    assert.ok(JSON.parse(stdout).traceEvents.length > 10_000);
  });

  it("the HTML file carries the trace and runs nothing but its own script", async () => {
    const bytes = small();
    const hostile = `a"b' onload=alert(1) &lt;.heddle`;
    file(hostile, bytes);
    await writeHtml(join(folder, hostile), join(folder, "out.html"));
    const html = readFileSync(join(folder, "out.html"), "utf8");
    const data =
      /<script type="application\/octet-stream" id="heddle-trace" data-name="([^"]*)">([A-Za-z0-9+/=]*)<\/script>/.exec(
        html,
      );
    assert.ok(data);
    assert.equal(data[1], "a&quot;b&#39; onload=alert(1) &amp;lt;.heddle");
    assert.deepEqual(new Uint8Array(gunzipSync(Buffer.from(data[2]!, "base64"))), bytes);
    const scripts = [...html.matchAll(/<script(?: [^>]*)?>([\s\S]*?)<\/script>/g)];
    assert.equal(scripts.length, 2, "no script ends early");
    const hash = createHash("sha256").update(scripts[1]![1]!).digest("base64");
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)![1]!;
    assert.ok(policy.includes(`script-src 'sha256-${hash}'`));
    assert.ok(policy.startsWith("default-src 'none'"));
    assert.doesNotMatch(policy, /unsafe-eval|script-src[^;]*unsafe-inline|https?:/);
    assert.doesNotMatch(html, /<(?:script|link|img)[^>]+(?:src|href)=/);
  });

  it("writing the HTML file fails with one line", async () => {
    const trace = join(folder, file("e.heddle", small()));
    await assert.rejects(writeHtml(trace, join(folder, "no", "such.html")), TraceFileError);
    await assert.rejects(writeHtml(join(folder, "none.heddle"), join(folder, "x.html")), /none\.heddle does not exist/);
  });

  it("a script that names its own end tag stays one script", () => {
    const source = 'const a = "</script><script>alert(1)//", b = "<!-- <script>", c = "</SCRIPT >";';
    const text = scriptText(source);
    assert.doesNotMatch(text, /<\/script|<!--/i);
    const evaluate = (code: string): unknown => new Function(`${code} return [a, b, c];`)();
    assert.deepEqual(evaluate(text), evaluate(source));
    assert.equal(escapeHtml("<a\u0000&'\">"), "&lt;a\ufffd&amp;&#39;&quot;&gt;");
  });

  it("the report of a run goes where it was asked to, and never throws", async () => {
    const trace = join(folder, file("g.heddle", small()));
    const said: string[] = [];
    const stderr = process.stderr as { write: unknown };
    const write = stderr.write;
    stderr.write = (text: string, done?: () => void) => {
      said.push(text);
      done?.();
      return true;
    };
    const path = (name: string) => join(folder, name);
    try {
      assert.ok(await printRunReport({ file: trace, report: "none" }));
      assert.deepEqual(said, []);
      assert.ok(await printRunReport({ file: trace, report: "json", reportFile: path("r1") }));
      assert.deepEqual(said, []);
      assert.ok(await printRunReport({ file: trace, report: "text", reportFile: path("r2.txt") }));
      assert.deepEqual(said, []);
      assert.ok(await printRunReport({ file: trace, html: "t.html", report: "text", reportFile: path("r3.json") }));
      assert.match(said.join(""), /Timeline +t\.html/);
      said.length = 0;
      assert.ok(await printRunReport({ file: trace, report: "json" }));
      assert.equal(JSON.parse(said.join("")).version, 1);
      said.length = 0;
      assert.equal(await printRunReport({ file: path("none.heddle"), report: "text" }), false);
      assert.match(said.join(""), /^heddle: .*none\.heddle does not exist\.\n$/);
      said.length = 0;
      assert.equal(await printRunReport({ file: trace, report: "json", reportFile: path("no/r.json") }), false);
      assert.match(said.join(""), /^heddle: .*r\.json does not exist\.\n$/);
    } finally {
      stderr.write = write;
    }
    assert.equal(JSON.parse(readFileSync(path("r1"), "utf8")).exitCode, 0);
    assert.match(readFileSync(path("r2.txt"), "utf8"), /^Heddle {2}bank\.ts/);
    assert.equal(JSON.parse(readFileSync(path("r3.json"), "utf8")).version, 1);
  });

  it("view says where the page is when there is no browser, and opens it when there is one", async () => {
    const trace = file("f.heddle", small());
    const { code, stdout } = await heddle("view", trace);
    assert.equal(code, 0);
    const path = /No browser was found\. Open this file in one: (.*f\.html)\n/.exec(stdout)?.[1];
    assert.ok(path && existsSync(path));
    const opened: string[] = [];
    const open = (html: string) => {
      opened.push(html);
      return Promise.resolve(true);
    };
    assert.equal(await viewCommand(join(folder, trace), { open }), 0);
    assert.ok(existsSync(opened[0]!));
    rmSync(join(opened[0]!, ".."), { recursive: true });
  });
});
