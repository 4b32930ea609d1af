/** The report made in short steps, as the timeline makes it while a trace still grows. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { Durations } from "../../src/analysis/report/durations.js";
import { jsonReport, reportInSteps } from "../../src/analysis/report/json-report.js";
import { TraceBuilder } from "../../src/analysis/trace-builder.js";
import { demoTrace } from "../ui/demo-trace.js";

describe("durations", () => {
  it("have the percentiles that they would have if they were sorted", () => {
    const value = fc.oneof(fc.nat(5), fc.nat(1e9));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (values) => {
        const durations = new Durations();
        for (const one of values) durations.add(one);
        const sorted = [...values].sort((x, y) => x - y);
        const rank = (part: number): number => sorted[Math.max(0, Math.ceil(part * values.length) - 1)]!;
        const { p50Ns, p99Ns, maxNs } = durations.summary();
        assert.deepEqual([p50Ns, p99Ns, maxNs], [rank(0.5), rank(0.99), sorted.at(-1)]);
      }),
    );
  });
});

describe("a report in steps", () => {
  it("is the same as at once", () => {
    const { model } = analyseFile(demoTrace().bytes());
    const steps = reportInSteps(model);
    let count = 0;
    let next = steps.next();
    for (; !next.done; next = steps.next()) count++;
    assert.ok(count > 10, `${count} steps`);
    assert.deepEqual(next.value, jsonReport(model));
  });

  it("can be made while the trace grows between them, wherever it has got to", () => {
    const bytes = demoTrace().bytes();
    for (const piece of [97, 700, 5000]) {
      const builder = new TraceBuilder();
      let reports = 0;
      let steps = reportInSteps(builder.model);
      for (let at = 0; at < bytes.length; at += piece) {
        builder.push(bytes.subarray(at, at + piece));
        const { done, value } = steps.next();
        if (!done) continue;
        reports++;
        assert.ok(value.findings.every(({ costNs }) => Number.isFinite(costNs)));
        steps = reportInSteps(builder.model);
      }
      builder.finish();
      assert.ok(piece > 700 || reports > 0, `${reports} reports`);
      assert.deepEqual(jsonReport(builder.model), jsonReport(analyseFile(bytes).model));
    }
  });
});
