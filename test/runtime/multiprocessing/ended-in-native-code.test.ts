/**
 * Threads that are ended while they load the native bridge, declare its functions or map memory. Without the rule of
 * `platform/native-work.ts` the bridge ends the whole process then, with an abort (134).
 *
 * HEDDLE_STRESS: how many are ended in each way.
 */
import assert from "node:assert/strict";
import { expectScript, runScript } from "../../harness/run-script.js";

const ROUNDS = Number(process.env.HEDDLE_STRESS ?? 3);
const timeout = 60_000 + ROUNDS * 500;

const head = `
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { isMain } from "heddle";
import { SharedMemory } from "heddle/multiprocessing";
import { Thread } from "heddle/threading";

/** Says that it begins, then does what must not be interrupted. */
function map(began: Int32Array) {
  Atomics.add(began, 0, 1);
  Atomics.notify(began, 0);
  for (let i = 0; i < 20; i++) {
    const memory = new SharedMemory({ create: true, size: 64 });
    memory.unlink();
    memory.close();
  }
  Atomics.add(began, 1, 1);
}
async function begins(began: Int32Array, count = 1) {
  while (Atomics.load(began, 0) < count) await new Promise((resolve) => setTimeout(resolve, 2));
}
/** A moment of up to so many milliseconds. */
function moment(ms: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * ms);
}
`;

describe("A thread that is ended in the midst of native work", function () {
  this.timeout(timeout);

  it("ends alone, when a program terminates a worker of its own", () =>
    expectScript(
      `${head}
if (isMain) {
  for (let round = 0; round < ${ROUNDS}; round++) {
    const workers = Array.from({ length: 1 + (round % 2) }, () => {
      const began = new Int32Array(new SharedArrayBuffer(8));
      return { began, worker: new Worker(new URL(import.meta.url), { workerData: began }) };
    });
    await Promise.all(workers.map(({ began }) => begins(began)));
    moment(30);
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
  }
  // What was left by those who were ended keeps nobody from anything.
  const began = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL(import.meta.url), { workerData: began });
  await new Promise((resolve) => worker.once("exit", resolve));
  console.log(began.join() === "1,1" ? "done" : began.join());
} else if (workerData instanceof Int32Array) map(workerData);
`,
      { timeout },
    ).then(({ stderr }) => assert.doesNotMatch(stderr, /FATAL/)));

  it("ends alone, when it is a daemon of a thread that ends", () =>
    expectScript(
      `${head}
function parent(began: Int32Array) {
  new Thread({ target: map, args: [began], daemon: true }).start();
  while (Atomics.load(began, 0) === 0) Atomics.wait(began, 0, 0, 10);
  moment(30);
  process.exit();
}
if (isMain) {
  for (let round = 0; round < ${ROUNDS}; round++) {
    const began = new Int32Array(new SharedArrayBuffer(8));
    const thread = new Thread({ target: parent, args: [began] });
    thread.start();
    await thread.join();
  }
  console.log("done");
}`,
      { timeout },
    ).then(({ stderr }) => assert.doesNotMatch(stderr, /FATAL/)));

  it("ends with the process, whose exit code is its own", async () => {
    for (let round = 0; round < Math.max(2, ROUNDS / 4); round++) {
      const { code, signal, stderr } = await runScript(
        `${head}
if (isMain) {
  const began = new Int32Array(new SharedArrayBuffer(8));
  for (let i = 0; i < 2; i++) new Worker(new URL(import.meta.url), { workerData: began });
  await begins(began);
  moment(30);
  process.exit(7);
} else if (workerData instanceof Int32Array) map(workerData);
`,
        { timeout: 30_000 },
      );
      assert.deepEqual({ code, signal }, { code: 7, signal: null }, stderr);
    }
  });

  it("is not waited for when it has ended, and the method is Node's own to look at", () =>
    expectScript(`${head}
import assert from "node:assert/strict";
if (isMain) {
  assert.equal(Worker.prototype.terminate.name, "terminate");
  assert.ok(!Object.keys(Worker.prototype).includes("terminate"));
  const worker = new Worker("", { eval: true });
  await new Promise((resolve) => worker.once("exit", resolve));
  await worker.terminate();
  const other = new Worker("setInterval(() => {}, 1000)", { eval: true });
  await new Promise((resolve) => other.once("online", resolve));
  assert.equal(await other.terminate(), 1);
  assert.equal(other.listenerCount("exit"), 0);
  console.log("done");
}`));
});
