/** Ends of connections that are sent to processes that run: CPython's _TestPicklingConnections, and what may go wrong. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectScript, type RunOptions } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { DataCloneError, EOFError, isMain, RuntimeError } from "heddle";
import { ProcessPoolExecutor } from "heddle/futures";
import { Client, ClientSync, Connection, Listener, Pipe, Pool, Process, Queue, SimpleQueue } from "heddle/multiprocessing";
import { Thread } from "heddle/threading";
const code = (code: string) => (error: any) => error.code === code;
const fds = () => readdirSync("/proc/self/fd").length;
/** Says that it is there, and then echoes until the end. */
function echo(c: any) {
  c.sendSync("here");
  try { for (;;) c.sendSync(c.recvSync()); } catch (error) { if (!(error instanceof EOFError)) throw error; }
  c.close();
}
/** What came by \`carrier\` echoes, one after the other. */
function echoAll(carrier: any) { for (let c = carrier.recvSync(); c !== null; c = carrier.recvSync()) for (const each of [c].flat()) echo(each); carrier.sendSync(process.pid); }
/** The other end of it echoes, and is gone when we close. */
async function echoes(c: any) {
  assert.equal(c.recvSync(), "here");
  const big = "x".repeat(300_000);
  await c.send({ n: 1 }); assert.deepEqual(await c.recv(), { n: 1 });
  const sent = c.send(big); assert.equal(c.recvSync(), big); await sent;
  c.close();
}
/** Nobody has the other end any more, or will have. */
async function ends(c: any) {
  await assert.rejects(c.recv(), (e: any) => e instanceof EOFError || e.code === "ECONNRESET");
  c.close();
}
/** All but so many descriptors are closed at some time. */
async function settles(most: number) { for (let i = 0; i < 400 && fds() > most; i++) await pause(25); assert.ok(fds() <= most, fds() + " descriptors, " + most + " before"); }
`;

const script = (source: string, options: RunOptions = {}) =>
  expectScript(`${head}${source}\nconsole.log("done");`, { timeout: 50_000, ...options });

describe("An end of a connection that is sent to a process that runs", () => {
  it("arrives by connections of each kind, in both forms, also among other values", () =>
    script(`
function client(address: any, authkey: any) { const c = ClientSync(address, { authkey }); echoAll(c); }
if (isMain) {
  const listener = new Listener(null, { authkey: "k" }); const local = new Listener(null, { family: "AF_UNIX" });
  const [a, b] = Pipe();
  const children = [
    new Process({ target: echoAll, args: [b] }),
    new Process({ target: client, args: [listener.address, "k"] }),
    new Process({ target: client, args: [local.address, undefined] }),
  ];
  for (const child of children) child.start();
  b.close();
  for (const [i, carrier] of [a, await listener.accept(), local.acceptSync()].entries()) {
    const [x, y] = Pipe();
    carrier.sendSync(y); y.close();
    await echoes(x);
    const [r, w] = Pipe({ duplex: false }); const [r2, w2] = Pipe();
    await carrier.send([w2]); w2.close(); await echoes(r2);
    assert.throws(() => w.recvSync(), code("EBADF")); r.close(); w.close();
    // An end of a socket, too.
    const connecting = Client(listener.address, { authkey: "k" });
    const [s, t] = [await listener.accept(), await connecting];
    carrier.sendSync(s); s.close(); await echoes(t);
    carrier.sendSync(null);
    assert.equal(carrier.recvSync(), children[i]!.pid); children[i]!.joinSync(); assert.equal(children[i]!.exitCode, 0);
  }
  listener.close(); local.close();
}`));

  it("keeps its direction, is one object in a message and a copy in each, and stays usable where it came from", () =>
    script(`
function child(carrier: any) {
  const { one, list, map } = carrier.recvSync();
  assert.ok(one instanceof Connection && one === list[0] && one === map.get("c"));
  const again = carrier.recvSync();
  assert.notEqual(one, again); assert.notEqual(one.fileno(), again.fileno());
  assert.deepEqual([one.readable, one.writable], [false, true]);
  assert.throws(() => one.recvSync(), code("EBADF"));
  one.sendSync("by the first"); one.close();
  again.sendSync("by the second"); again.close();
  // On to the next process, back to where it came from, and to a thread.
  carrier.sendSync(carrier.recvSync());
}
if (isMain) {
  const [a, b] = Pipe();
  const p = new Process({ target: child, args: [b] }); p.start(); b.close();
  const [r, w] = Pipe({ duplex: false });
  a.sendSync({ one: w, list: [w], map: new Map([["c", w]]) }); a.sendSync(w);
  assert.equal(r.recvSync(), "by the first"); assert.equal(r.recvSync(), "by the second");
  w.sendSync("by ours"); assert.equal(r.recvSync(), "by ours"); w.close();
  await ends(r);
  const [x, y] = Pipe(); a.sendSync(y); y.close();
  const back = a.recvSync();
  const t = new Thread({ target: echo, args: [back] }); t.start(); back.close();
  await echoes(x); t.joinSync(); p.joinSync();
  assert.equal(p.exitCode, 0); // it ended with what it had sent back not taken yet
}`));

  it("arrives through queues of processes, also in the thread that put it and from a thread to a process", () =>
    script(`
function getter(q: any, done: any) { for (let c = q.getSync(); c !== null; c = q.getSync()) echo(c); done.putSync(1); }
function putter(q: any) { const [x, y] = Pipe(); q.putSync(y); y.close(); assert.equal(x.recvSync(), "here"); x.close(); }
if (isMain) {
  const q = new Queue<any>(), simple = new SimpleQueue<any>(), done = new Queue();
  const p = new Process({ target: getter, args: [q, done] }); p.start();
  for (let i = 0; i < 3; i++) { const [x, y] = Pipe(); q.putSync(y); y.close(); await echoes(x); }
  const t = new Thread({ target: putter, args: [q] }); t.start(); t.joinSync();
  const [x, y] = Pipe(); simple.putSync({ y }); y.close();
  const own = simple.getSync().y; own.sendSync(5); assert.equal(x.recvSync(), 5); own.close(); await ends(x);
  const child = new Process({ target: putter, args: [simple] }); child.start();
  echo(await simple.get()); child.joinSync(); assert.equal(child.exitCode, 0);
  q.putSync(null); done.getSync(); p.joinSync(); assert.equal(p.exitCode, 0);
}`));

  it("is an argument and a result of calls of pools, and of their initializer, also in workers that come later", () =>
    script(`
let log: any = null;
function begin(c: any) { log = c; log.sendSync(process.pid); }
function serves(c: any) { echo(c); return log === null; }
function makes(n: number) { const [x, y] = Pipe(); x.sendSync(n); x.close(); return y; }
if (isMain) {
  const before = fds();
  const [read, write] = Pipe({ duplex: false });
  const pool = new Pool({ processes: 2, initializer: begin, initArgs: [write] });
  const executor = new ProcessPoolExecutor({ maxWorkers: 2, initializer: begin, initArgs: [write], maxTasksPerChild: 1 });
  write.close();
  const calls: (() => Promise<unknown>)[] = [];
  const pipes = Array.from({ length: 8 }, () => Pipe());
  calls.push(...pipes.slice(0, 2).map(([, y]) => { const f = executor.submit(serves, y); return () => f.result(); }));
  const one = pool.applyAsync(serves, [pipes[2]![1]]); calls.push(() => one.get());
  const many = pool.mapAsync(serves, pipes.slice(3).map(([, y]) => y), { chunkSize: 2 }); calls.push(() => many.get());
  for (const [, y] of pipes) y.close();
  for (const [x] of pipes) await echoes(x);
  for (const call of calls) assert.deepEqual([...[await call()].flat()].filter((v) => v !== false), []);
  const made = await pool.apply(makes, [7]); assert.equal(await made.recv(), 7); await ends(made);
  await executor.shutdown();
  pool.terminate(); pool.joinSync();
  // All who began said so: those of the pool, and one for each call of the executor; then nobody has it any more.
  const began = new Set();
  try { for (;;) began.add(read.recvSync()); } catch (error) { assert.ok(error instanceof EOFError); }
  assert.equal(began.size, 4);
  read.close();
  // An executor that never began keeps nothing either.
  const [r, w] = Pipe({ duplex: false });
  const idle = new ProcessPoolExecutor({ initializer: begin, initArgs: [w] }); w.close(); await idle.shutdown();
  await ends(r);
}`));

  it("takes along what was seen and not received; if it is not sent after all, nothing changes", () =>
    script(`
function reads(carrier: any) { const c = carrier.recvSync(); c.sendSync([c.recvSync(), c.recvSync()]); }
if (isMain) {
  const [x, y] = Pipe();
  x.sendSync("seen"); assert.equal(y.pollSync(), true); x.sendSync("unseen");
  const [gone, other] = Pipe(); other.close();
  assert.throws(() => gone.sendSync(y), code("EPIPE"));
  await assert.rejects(gone.send([y, y]), code("EPIPE"));
  assert.throws(() => gone.sendSync([y, Symbol("cannot cross")]), DataCloneError);
  const full = new Queue({ maxSize: 1 }); full.putSync(0);
  assert.throws(() => full.putNowait(y)); assert.throws(() => full.putSync(y, { timeout: 10 })); await assert.rejects(full.put(y, { timeout: 10 }));
  await assert.rejects(full.put(y, { signal: AbortSignal.timeout(10) }));
  const [slow, reader] = Pipe();
  // A part of it is on its way: what comes behind waits, and is taken back.
  const first = slow.sendBytes(new Uint8Array(2e6));
  await assert.rejects(slow.send(y, { timeout: 20 }));
  assert.throws(() => slow.sendSync(y, { timeout: 20 }));
  assert.equal(reader.recvBytesSync().length, 2e6); await first;
  const [a, b] = Pipe();
  const p = new Process({ target: reads, args: [b] }); p.start(); b.close();
  a.sendSync(y); y.close();
  assert.deepEqual(x.recvSync(), ["seen", "unseen"]);
  p.joinSync(); await ends(x);
  const [c, d] = Pipe(); d.close();
  assert.throws(() => a.sendSync(d), (e: any) => e instanceof DataCloneError && /closed/.test(e.message)); c.close();
}`));

  it("is closed when nobody will ever receive it: its carrier's reader is killed, its call cancelled or broken off", () =>
    script(`
function idles(carrier: any, ready: any) { ready.sendSync(1); blocks(); }
function never(c: any) { c.sendSync("never"); }
function blocks() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }
if (isMain) {
  const [ready, tell] = Pipe({ duplex: false });
  for (const closesCarrier of [false, true]) {
    const [a, b] = Pipe();
    const p = new Process({ target: idles, args: [b, tell] }); p.start(); b.close(); ready.recvSync();
    const [x, y] = Pipe(); a.sendSync(y); y.close();
    assert.equal(x.pollSync(), false);
    p.kill(); p.joinSync();
    if (closesCarrier) a.close();
    await ends(x); a.close();
  }
  const executor = new ProcessPoolExecutor({ maxWorkers: 1 });
  const pid = await executor.submit(() => process.pid);
  const blocked = executor.submit(blocks);
  const pipes = Array.from({ length: 12 }, () => Pipe());
  const calls = pipes.map(([, y]) => executor.submit(never, y));
  for (const [, y] of pipes) y.close();
  assert.equal(calls.at(-1)!.cancel(), true);
  await ends(pipes.at(-1)![0]);
  process.kill(pid, "SIGKILL");
  for (const call of [blocked, ...calls.slice(0, -1)]) await assert.rejects(call.result());
  for (const [x] of pipes.slice(0, -1)) await ends(x);
  const pool = new Pool({ processes: 1 });
  void pool.applyAsync(blocks);
  const [x, y] = Pipe(); void pool.applyAsync(never, [y]); y.close();
  pool.terminate(); pool.joinSync();
  await ends(x);
}`));

  it("is gone with who sent it: receiving says so, and its peer sees the end", () =>
    script(`
function sends(carrier: any, q: any, how: string) {
  const y = carrier.recvSync();
  q.putSync(["first", y]); carrier.sendSync("sent");
  if (how === "kill") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
if (isMain) {
  for (const how of ["exit", "kill"]) {
    const q = new Queue<any>(); const [a, b] = Pipe();
    const p = new Process({ target: sends, args: [b, q, how] }); p.start(); b.close();
    const [x, y] = Pipe(); a.sendSync(y); y.close();
    assert.equal(a.recvSync(), "sent");
    if (how === "kill") p.kill();
    p.joinSync();
    await ends(x);
    assert.throws(() => q.getSync(), (e: any) => e instanceof RuntimeError && /did not arrive.*live until it is received/s.test(e.message) && e.cause !== undefined);
    q.putSync("next"); assert.equal(q.getSync(), "next");
  }
}`));

  it("leaves no descriptor, in whichever process", () =>
    script(`
function child(carrier: any) {
  let before = 0;
  for (let i = 0; ; i++) {
    const c = carrier.recvSync();
    if (c === null) break;
    c.sendSync(i); c.close();
    if (i === 3) before = fds();
  }
  const most = before;
  void settles(most).then(() => carrier.sendSync("clean"), (e) => carrier.sendSync(e.message));
}
if (isMain) {
  const [a, b] = Pipe(); const p = new Process({ target: child, args: [b] }); p.start(); b.close();
  let before = 0;
  for (let i = 0; i < 60; i++) {
    const [x, y] = Pipe(); a.sendSync(y); y.close(); assert.equal(x.recvSync(), i); await ends(x);
    if (i === 3) before = fds();
  }
  await settles(before);
  a.sendSync(null);
  assert.equal(await a.recv(), "clean");
  p.joinSync();
}`));

  it("is given to nobody without the key, whatever they say, and goes on being there for who has it", () =>
    script(`
if (isMain) {
  const [x, y] = Pipe(); const q = new Queue<any>(); q.putSync(y); y.close();
  const name = readFileSync("/proc/net/unix", "utf8").split(/\\s/).find((word) => word.startsWith("@heddle-" + process.pid + "-"))!;
  assert.equal(name.length, 108);
  const path = "\\0" + name.slice(1);
  const tries = [Buffer.alloc(0), Buffer.from("GET / HTTP/1.1\\r\\n\\r\\n"), Buffer.alloc(1000), Buffer.from([0, 0, 0, 1, 65]), Buffer.from([127, 255, 255, 255])];
  await Promise.all(tries.map((bytes, i) => new Promise<void>((resolve) => {
    const socket = connect({ path }, () => { if (i % 2) socket.write(bytes); else socket.end(bytes); });
    let got = "";
    socket.on("data", (d) => { got += d.toString("latin1"); });
    socket.on("error", () => {});
    socket.on("close", () => { assert.ok(got.length < 200 && !got.includes("WELCOME")); resolve(); });
    if (i % 2) setTimeout(() => socket.destroy(), 200);
  })));
  await assert.rejects(Client(path, { authkey: "a guess" }), { name: "AuthenticationError" });
  const c = q.getSync(); c.sendSync(1); assert.equal(x.recvSync(), 1);
}`));

  it("cannot be sent where the native bridge is missing, which the error says; to a new process it can", async () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-test-"));
    try {
      const without = join(folder, "without-koffi.cjs");
      writeFileSync(
        without,
        `const Module = require("node:module"), load = Module._load;
Module._load = function (request) { if (request === "koffi") throw new Error("no koffi here"); return load.apply(this, arguments); };`,
      );
      await script(
        `
if (isMain) {
  const [a, b] = Pipe(); const [x, y] = Pipe();
  assert.throws(() => a.sendSync({ ends: [y] }), (e: any) => e instanceof DataCloneError && /ends\\[0\\]/.test(e.message) && /no koffi here/.test(e.message) && /argument/.test(e.message) && /Listener/.test(e.message));
  a.sendSync("others can"); assert.equal(b.recvSync(), "others can");
  const p = new Process({ target: echo, args: [y] }); p.start(); y.close(); await echoes(x); p.joinSync();
}`,
        { env: { NODE_OPTIONS: `--require ${without}` } },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("is never lost without an end, whoever is killed when", () =>
    script(
      `
const rounds = ${Number(process.env.HEDDLE_STRESS ?? 3)};
let state = 12345;
const random = (n: number) => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor((state / 2147483648) * n); };
/** Passes on what it gets, or echoes. */
function passes(from: any, to: any) {
  try { for (;;) { const c = from.recvSync(); to.sendSync(c); c.close(); } } catch { process.exit(0); }
}
function receives(from: any) {
  try { for (;;) { const c = from.recvSync(); c.sendSync("here"); c.close(); } } catch { process.exit(0); }
}
if (isMain) {
  let arrived = 0, ended = 0;
  let before = 0;
  for (let round = 0; round < rounds; round++) {
    const [a, b] = Pipe(), [c, d] = Pipe();
    const middle = new Process({ target: passes, args: [b, c] }), last = new Process({ target: receives, args: [d] });
    middle.start(); last.start(); b.close(); c.close(); d.close();
    const victim = [middle, last][random(2)]!;
    const peers: any[] = [];
    const killAt = random(20);
    for (let i = 0; i < 20; i++) {
      const [x, y] = Pipe(); peers.push(x);
      if (i === killAt) victim.kill();
      try { a.sendSync(y); } catch (error: any) { assert.ok(error.code === "EPIPE" || error.code === "ECONNRESET", String(error)); }
      y.close();
      if (random(3) === 0) await x.poll({ timeout: random(5) });
    }
    // Each says that it arrived, or ends, once the killed one's messages are given up.
    if (victim === last) middle.kill();
    for (const x of peers) {
      try { assert.equal(await x.recv(), "here"); arrived++; await ends(x); } catch (error: any) {
        if (!(error instanceof EOFError) && error.code !== "ECONNRESET") throw error;
        ended++; x.close();
      }
    }
    a.close(); middle.joinSync(); last.joinSync();
    if (round === 0) before = fds();
  }
  await settles(before);
  assert.equal(arrived + ended, rounds * 20);
  console.log(arrived + " arrived, " + ended + " ended");
}`,
      { timeout: 45_000 + 10_000 * Number(process.env.HEDDLE_STRESS ?? 3) },
    ));
});
