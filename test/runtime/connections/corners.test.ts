/** Corners of connections and queues that CPython's tests look into, one test of theirs or two each. */
import { expectScript, type RunOptions } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { EOFError, isMain } from "heddle";
import { Client, ClientSync, Listener, Pipe, Process, Queue, SimpleQueue } from "heddle/multiprocessing";
const code = (code: string) => (error: any) => error.code === code;
`;

const script = (source: string, options: RunOptions = {}) =>
  expectScript(`${head}${source}\nconsole.log("done");`, { timeout: 55_000, ...options });

describe("Corners of connections and queues", () => {
  it("a listener may have an address without a file, as Linux has them", () =>
    script(`
function child(address: string) { const c = ClientSync(address, { authkey: "k" }); c.sendSync("hello"); c.close(); }
if (isMain) {
  const address = "\\0heddle-test-" + process.pid;
  const listener = new Listener(address, { authkey: "k" });
  assert.equal(listener.address, address);
  assert.throws(() => new Listener(address), code("EADDRINUSE"));
  const p = new Process({ target: child, args: [address] }); p.start();
  const c = await listener.accept(); assert.equal(await c.recv(), "hello");
  p.joinSync(); assert.equal(p.exitCode, 0);
  listener.close();
  await assert.rejects(Client(address), code("ECONNREFUSED"));
}`));

  it("who connected, sent and left before it was accepted is accepted with all it sent", () =>
    script(`
function child(address: any) { const c = ClientSync(address); c.sendSync("hello"); c.sendBytesSync(new Uint8Array(3)); c.close(); }
if (isMain) {
  for (const family of ["AF_INET", "AF_UNIX"] as const) {
    using listener = new Listener(null, { family });
    const p = new Process({ target: child, args: [listener.address] }); p.start(); p.joinSync();
    assert.equal(p.exitCode, 0);
    const c = listener.acceptSync();
    assert.equal(await c.poll({ timeout: 20_000 }), true); assert.equal(c.recvSync(), "hello");
    assert.equal(c.recvBytesSync().length, 3);
    assert.equal(c.pollSync({ timeout: 20_000 }), true); assert.throws(() => c.recvSync(), EOFError);
    c.close();
  }
}`));

  it("descriptors with large numbers cross as others, when a process starts and to one that runs", () =>
    script(`
function child(carrier: any, high: any) { high.sendSync("given"); const c = carrier.recvSync(); c.sendSync("sent"); }
if (isMain) {
  const files = Array.from({ length: 300 }, () => openSync("/dev/null", "r"));
  const [carrier, theirs] = Pipe(), [a, b] = Pipe(), [x, y] = Pipe();
  assert.ok(b.fileno() > 256 && y.fileno() > 256);
  for (const file of files) closeSync(file);
  const p = new Process({ target: child, args: [theirs, b] }); p.start();
  assert.equal(a.recvSync(), "given");
  carrier.sendSync(y); assert.equal(x.recvSync(), "sent");
  p.joinSync(); assert.equal(p.exitCode, 0);
}`));

  it("signals with a handler disturb neither who waits for a message or a client, nor who sends a large one", () =>
    script(`
async function child(c: any) {
  let signals = 0;
  process.on("SIGUSR2", () => { signals++; });
  const listener = new Listener();
  c.sendSync(listener.address);
  assert.equal(c.recvSync(), "first");
  c.sendBytesSync(new Uint8Array(3_000_000).fill(7));
  const s = listener.acceptSync(); s.sendSync("accepted");
  assert.equal(await c.recv(), "last");
  // Those that came while it blocked are told as soon as it does not.
  for (let i = 0; i < 1000 && signals === 0; i++) await new Promise((r) => setTimeout(r, 10));
  c.sendSync(signals > 0);
}
if (isMain) {
  const [a, b] = Pipe();
  const p = new Process({ target: child, args: [b] }); p.start(); b.close();
  const address = a.recvSync();
  const signal = () => { for (let i = 0; i < 5; i++) { process.kill(p.pid!, "SIGUSR2"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); } };
  signal(); a.sendSync("first");
  signal(); assert.ok(a.recvBytesSync().every((byte: number) => byte === 7));
  signal(); const s = ClientSync(address); assert.equal(s.recvSync(), "accepted");
  signal(); a.sendSync("last"); assert.equal(a.recvSync(), true);
  p.joinSync(); assert.equal(p.exitCode, 0);
}`));

  it("a queue works while the module that uses it is imported, and in children of children", () =>
    script(
      `
function grandchild(q: any) { q.putSync(["grandchild", q.getSync()]); }
function child(q: any) { const p = new Process({ target: grandchild, args: [q] }); p.start(); p.joinSync(); q.putSync("child"); }
if (isMain) {
  assert.equal((await import("./uses-queue.ts" as string)).value, "put and got");
  const q = new Queue<any>();
  q.putSync(0);
  const p = new Process({ target: child, args: [q] }); p.start(); p.joinSync();
  assert.deepEqual([q.getSync(), q.getSync(), q.empty()], [["grandchild", 0], "child", true]);
}`,
      {
        files: {
          "uses-queue.ts": `import { Queue } from "heddle/multiprocessing";
const q = new Queue<string>();
q.putSync("put and got");
export const value = q.getSync({ timeout: 30_000 });`,
        },
      },
    ));

  it("what was put before a process began and what it puts stand in one line; a SimpleQueue is empty or not for all", () =>
    script(`
function child(q: any, simple: any, go: any) {
  for (let i = 10; i < 20; i++) q.putSync(i);
  go.putSync(simple.empty()); simple.putSync(true); go.putSync(simple.empty());
}
if (isMain) {
  const q = new Queue<number>(), simple = new SimpleQueue<boolean>(), go = new Queue<boolean>();
  for (let i = 0; i < 10; i++) q.putSync(i);
  const p = new Process({ target: child, args: [q, simple, go] }); p.start();
  assert.deepEqual([go.getSync(), go.getSync()], [true, false]);
  assert.equal(simple.empty(), false); assert.equal(simple.getSync(), true); assert.equal(simple.empty(), true);
  for (let i = 0; i < 20; i++) assert.equal(q.getSync(), i);
  p.joinSync(); assert.equal(q.qsize(), 0);
  simple.close(); simple.close(); assert.throws(() => simple.empty(), RangeError);
}`));

  it("a pair of sockets removes what one left that was killed while it was made, and nothing that is young", () =>
    script(`
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
if (isMain) {
  const base = process.env.TMPDIR = mkdtempSync(join(tmpdir(), "h"));
  for (const name of ["heddle-pair-old", "heddle-pair-young", "other-old"]) {
    mkdirSync(join(base, name));
    writeFileSync(join(base, name, "s"), "");
    if (name.endsWith("old")) utimesSync(join(base, name), 1e9, 1e9);
  }
  const [a, b] = Pipe<string>();
  a.sendSync("through");
  assert.equal(b.recvSync(), "through");
  assert.deepEqual(readdirSync(base).sort(), ["heddle-pair-young", "other-old"]);
  rmSync(base, { recursive: true });
}`));
});
