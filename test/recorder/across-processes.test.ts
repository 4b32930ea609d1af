import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { EventFlag } from "../../src/trace/events.js";
import { RecorderBench, readEvents } from "./traced-run.js";

describe("the recorder across processes", function () {
  this.timeout(20_000);
  let bench: RecorderBench;
  before(() => {
    bench = new RecorderBench();
  });
  after(() => bench.remove());

  /** Runs `parent`, then, given what that put into `told`, `child`. */
  function both(parent: string, child: string) {
    return bench.run(`
      if (process.argv[2] === undefined) {
        let told;
        ${parent}
        require("node:child_process").spawnSync(process.execPath, [...process.execArgv, __filename, JSON.stringify(told)],
          { env: { ...process.env, ...emit.sessionEnvironment() }, stdio: "inherit" });
      } else {
        const told = JSON.parse(process.argv[2]);
        ${child}
      }
    `);
  }

  it("gives an object of another process a number of this one's, once", async () => {
    const run = both(
      `
        emit.newObjectNumber();
        const lock = emit.newObjectNumber();
        emit.recordObject(lock, 1, "bank", 0, 0, 1);
        told = [process.pid, lock, emit.sharedObjectNumber(1, process.pid, lock, "bank") === lock];
      `,
      `
        const [pid, lock, own] = told;
        const numbers = [lock, lock, lock + 1].map((number) => emit.sharedObjectNumber(1, pid, number, "bank"));
        emit.sharedObjectNumber(1, pid, lock + 2, "kept", 2);
        emit.emit(K.LockAcquire, numbers[0], 0, 0, 0, 0);
        console.log(JSON.stringify([own, numbers[0] === numbers[1], numbers[1] === numbers[2]]));
      `,
    );
    assert.deepEqual(JSON.parse(await run.line()), [true, true, false]);
    await run.over;
    const shared = readEvents(run.file).filter(({ kind }) => kind === "ObjectShared");
    assert.deepEqual(
      shared.map(({ a, flags }) => [a, flags]),
      [1, 2, 3].map(() => [run.child.pid, 1]),
    );
    const { model } = analyseFile(readFileSync(run.file));
    assert.deepEqual(
      model.objects.map(({ name, scope, tally }) => [name, scope, tally.acquisitions]),
      [
        ["bank", "process", 1],
        ["bank", "process", 0],
        ["kept", "manager", 0],
      ],
    );
  });

  it("numbers requests so that a server can tell them apart, and its own where a client is not recorded", async () => {
    const run = both(
      `
        const asked = [1, 2].map((i) => emit.beginRequest("dict.get", 0, 0, i === 2));
        told = [process.pid, asked];
      `,
      `
        const [pid, asked] = told;
        for (const request of asked) emit.endServe(pid, emit.beginServe(pid, request, "dict.get"), false);
        emit.endServe(0, emit.beginServe(0, 0, "dict.pop"), true);
        emit.endRequest(0, false);
        console.log(JSON.stringify(asked));
      `,
    );
    const asked = JSON.parse(await run.line()) as number[];
    await run.over;
    assert.equal(new Set(asked).size, 2);
    const events = readEvents(run.file);
    const of = (kind: string) => events.filter((event) => event.kind === kind);
    assert.deepEqual(
      of("RequestBegin").map(({ a, text, flags }) => [a, text, flags]),
      asked.map((a, i) => [a, "dict.get", i === 1 ? EventFlag.Async : 0]),
    );
    const { pid } = run.child;
    const own = of("ServeBegin")[2]!.a;
    assert.ok(own > 0);
    const served = [...asked.map((a) => [a, pid]), [own, 0]];
    assert.deepEqual(
      of("ServeBegin").map(({ a, object }) => [a, object]),
      served,
    );
    assert.deepEqual(
      of("ServeEnd").map(({ a, object, flags }) => [a, object, flags]),
      served.map((fields, i) => [...fields, i === 2 ? EventFlag.Failed : 0]),
    );
    assert.equal(of("RequestEnd").length, 0);
  });

  it("has one clock for all processes", async () => {
    const run = both(
      "told = emit.now() + emit.traceClockOffset;",
      `
        const here = emit.now() + emit.traceClockOffset;
        emit.emitAt(here - emit.traceClockOffset, K.Mark, 0, 0, 0, 0, 0);
        console.log(JSON.stringify([told, here]));
      `,
    );
    const [told, here] = JSON.parse(await run.line()) as [number, number];
    await run.over;
    assert.ok(told > 0 && told < here, `${told} is not before ${here}`);
    const mark = readEvents(run.file).find(({ kind }) => kind === "Mark");
    assert.ok(Math.abs(mark!.t - here * 1e6) < 1000, `${mark!.t} is not ${here} ms`);
  });
});
