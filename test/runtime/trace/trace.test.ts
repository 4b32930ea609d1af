import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { expectScript } from "../../harness/run-script.js";

const source = `
  import assert from "node:assert/strict";
  import { isTracing, span, mark, counter, setThreadName } from "heddle/trace";
  const traced = process.argv[2] === "traced";
  assert.equal(isTracing(), traced);
  assert.equal(span("sum-of-parts", (s) => { s.annotate({ a: 1 }); return 5; }), 5);
  assert.throws(() => span("failing-part", () => { throw new RangeError("x"); }), RangeError);
  assert.equal(await span("async-part", async () => 6), 6);
  {
    using part = span("using-part", { detail: "d", category: "c" });
    part.end();
    part.end();
  }
  mark("the-mark", { detail: { n: 1 } });
  counter("the-counter", 3, { unit: "items" });
  setThreadName("the-name");
  // What cannot be shown as it is must not break a script, and not only under trace.
  const circle: any = { name: "circle-detail" };
  circle.self = circle;
  const failing = { toString() { throw new Error("no text"); }, toJSON() { throw new Error("no JSON"); } };
  for (const odd of [12345678901234567890n, circle, failing, undefined, null, () => 1, Symbol("odd-symbol"), Number.NaN] as any[]) {
    mark("odd", { detail: odd });
    mark("odd", { detail: { odd } });
    mark("odd", { category: odd });
    mark(odd);
    counter(odd, 1, { unit: odd });
    counter("odd-counter", odd);
    setThreadName("the-name");
    using part = span("odd", { detail: odd, category: odd });
    part.annotate(odd);
  }
  console.log("done");
`;

describe("trace", function () {
  this.timeout(60_000);

  it("does nothing, and gives what its functions give, untraced", async () => {
    await expectScript(source, { args: ["untraced"] });
  });

  it("writes spans, marks and counters into the trace", async () => {
    const out = `${tmpdir()}/heddle-trace-test-${process.pid}.heddle`;
    await expectScript(source, { traced: true, runArgs: ["--out", out, "--report", "none"], args: ["traced"] });
    const text = readFileSync(out, "latin1");
    rmSync(out);
    for (const name of [
      "sum-of-parts",
      "failing-part",
      "async-part",
      "using-part",
      "the-mark",
      "the-counter",
      "the-name",
      "12345678901234567890",
      "circle-detail",
      "odd-symbol",
    ]) {
      assert.ok(text.includes(name), name);
    }
  });
});
