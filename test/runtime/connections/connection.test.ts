/** Behaviours of CPython's _TestConnection, _TestPoll and its tests of pipes, in both forms. */
import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readdirSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { BufferTooShort, DataCloneError, EOFError, isMain, TimeoutError } from "heddle";
import * as mp from "heddle/multiprocessing";
import { Connection, Pipe, Process } from "heddle/multiprocessing";
import { Thread } from "heddle/threading";
const code = (code: string) => (error: any) => error.code === code;
const require = createRequire(import.meta.url);
require("node:v8").setFlagsFromString("--expose-gc");
const gc: () => void = require("node:vm").runInNewContext("gc");
const fds = () => readdirSync("/proc/self/fd").length;
`;

const script = (source: string) => expectScript(`${head}${source}\nconsole.log("done");`, { timeout: 50_000 });

describe("Connection", () => {
  it("carries values of all kinds, bytes and empty messages, in both forms and both directions", () =>
    script(`
if (isMain) {
  const [a, b] = Pipe();
  const values = [1, "text", null, undefined, [1, [2]], new Map([["d", new Date(5)]]), new Set([1n]), new TypeError("x"), new Uint8Array([1, 2])];
  for (const value of values) {
    a.sendSync(value); assert.deepEqual(b.recvSync(), value);
    await b.send(value); assert.deepEqual(await a.recv(), value);
    a.sendSync(value); assert.deepEqual(await b.recv(), value);
    await b.send(value); assert.deepEqual(a.recvSync(), value);
  }
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  a.sendBytesSync(bytes, { offset: 3, size: 4 }); assert.deepEqual([...b.recvBytesSync()], [3, 4, 5, 6]);
  await a.sendBytes(bytes, { offset: 98 }); assert.deepEqual([...await b.recvBytes()], [98, 99]);
  await a.sendBytes(bytes, { offset: 100 }); assert.equal((await b.recvBytes()).length, 0);
  a.sendBytesSync(bytes, { size: 0 }); assert.equal(b.recvBytesSync().length, 0);
  for (const options of [{ offset: 101 }, { offset: -1 }, { size: -1 }, { offset: 99, size: 2 }, { size: 101 }, { offset: 0.5 }]) {
    assert.throws(() => a.sendBytesSync(bytes, options), RangeError);
    assert.throws(() => a.sendBytes(bytes, options), RangeError);
  }
  const into = new Uint8Array(10);
  a.sendBytesSync(bytes, { size: 4 }); assert.equal(b.recvBytesIntoSync(into, { offset: 2 }), 4);
  assert.deepEqual([...into], [0, 0, 0, 1, 2, 3, 0, 0, 0, 0]);
  a.sendBytesSync(bytes); a.sendSync("next");
  await assert.rejects(b.recvBytesInto(into), (e) => e instanceof BufferTooShort && e.data.length === 100 && e.data[99] === 99);
  assert.equal(b.recvSync(), "next");
  await assert.rejects(b.recvBytesInto(into, { offset: 11 }), RangeError);
  assert.throws(() => a.sendSync(() => 1), DataCloneError);
  await assert.rejects(a.send(Symbol("x")), DataCloneError);
  const one = { n: 1 };
  const sent = a.send(one); one.n = 2; await sent;
  assert.equal(b.recvSync().n, 1);
  assert.equal(b.pollSync(), false);
}`));

  it("knows its direction, its descriptor and its end; closed, it is EBADF", () =>
    script(`
if (isMain) {
  const [r, w] = Pipe({ duplex: false });
  assert.deepEqual([r.readable, r.writable, w.readable, w.writable], [true, false, false, true]);
  assert.ok(r.fileno() > 2 && w.fileno() > 2 && r.fileno() !== w.fileno());
  assert.throws(() => r.sendSync(1), code("EBADF")); await assert.rejects(r.send(1), code("EBADF"));
  assert.throws(() => w.recvSync(), code("EBADF")); await assert.rejects(w.recv(), code("EBADF"));
  await assert.rejects(w.poll(), code("EBADF"));
  w.sendSync(1); w.sendSync(2); w.close(); w.close();
  assert.equal(w.closed, true);
  for (const use of [() => w.sendSync(1), () => w.fileno()]) assert.throws(use, code("EBADF"));
  await assert.rejects(w.sendBytes(new Uint8Array(1)), code("EBADF"));
  assert.equal(await r.recv(), 1);
  assert.equal(r.recvSync(), 2);
  assert.equal(await r.poll({ timeout: 1000 }), true);
  for (let i = 0; i < 2; i++) { assert.throws(() => r.recvSync(), EOFError); await assert.rejects(r.recv(), EOFError); }
  const [c, d] = Pipe();
  { using e = d; assert.equal(e.closed, false); }
  assert.equal(d.closed, true);
  await c.poll({ timeout: 5000 });
  assert.throws(() => c.sendSync(1), code("EPIPE"));
  await assert.rejects(c.send(1), code("EPIPE"));
  const [f, g] = Pipe();
  const pending = f.recv();
  f.close();
  await assert.rejects(pending, code("EBADF"));
  g.close();
}`));

  it("says the code of an error of the system's once, with its number", () =>
    script(`
if (isMain) {
  const said = async (use, code) => {
    const error = await (async () => use())().then(() => assert.fail("no error"), (e) => e);
    assert.equal(error.code, code); assert.ok(error.errno < 0, String(error.errno));
    assert.equal(error.message.split(code).length, 2, error.message);
  };
  for (const uses of [[(c) => c.recv(), (c) => c.send(1)], [(c) => c.recvSync(), (c) => c.sendSync(1)]]) {
    const [c, d] = Pipe();
    // A peer that closes with something unread resets the connection.
    c.sendSync("unread"); d.close();
    await said(() => uses[0](c), "ECONNRESET"); await said(() => uses[1](c), "EPIPE");
    c.close();
    for (const use of uses) await said(() => use(c), "EBADF");
  }
}`));

  it("refuses what is longer than maxLength for good, also when it came ahead", () =>
    script(`
if (isMain) {
  for (const ahead of [false, true]) {
    const [a, b] = Pipe();
    a.sendBytesSync(new Uint8Array(9)); a.sendSync(1);
    if (ahead) assert.equal(b.pollSync(), true);
    assert.throws(() => b.recvBytesSync({ maxLength: 8 }), code("EMSGSIZE"));
    await assert.rejects(b.recv(), code("EMSGSIZE"));
    b.sendSync("still sends"); assert.equal(a.recvSync(), "still sends");
  }
  const [a, b] = Pipe();
  const waits = b.recvBytes({ maxLength: 8 });
  await turn();
  a.sendBytesSync(new Uint8Array(9));
  await assert.rejects(waits, code("EMSGSIZE"));
  const [c, d] = Pipe();
  c.sendBytesSync(new Uint8Array(8)); assert.equal(d.recvBytesSync({ maxLength: 8 }).length, 8);
  await assert.rejects(d.recvBytes({ maxLength: -1 }), RangeError);
}`));

  it("polls: zero by default, until a message, until the end", () =>
    script(`
function later(c: any) { setTimeout(() => c.sendSync("now"), 50); return new Promise((r) => setTimeout(r, 100)); }
if (isMain) {
  const [a, b] = Pipe();
  assert.equal(b.pollSync(), false); assert.equal(await b.poll(), false);
  assert.equal(b.pollSync({ timeout: 20 }), false); assert.equal(await b.poll({ timeout: 20 }), false);
  assert.equal(b.pollSync({ timeout: -1 }), false);
  for (let i = 0; i < 200; i++) {
    assert.equal(b.pollSync(), false);
    const waits = i % 2 ? b.poll({ timeout: 1 }) : null;
    if (waits) assert.equal(await waits, false);
    a.sendSync(i); assert.equal(b.pollSync(), true); assert.equal(await b.poll(), true); assert.equal(b.recvSync(), i);
  }
  a.sendBytesSync(new Uint8Array(0)); assert.equal(b.pollSync(), true); assert.equal(b.recvBytesSync().length, 0);
  const p = new Process({ target: later, args: [a] }); p.start(); a.close();
  assert.equal(b.pollSync({ timeout: 20_000 }), true);
  assert.equal(b.recvSync(), "now");
  assert.equal(b.pollSync({ timeout: 20_000 }), true);
  assert.throws(() => b.recvSync(), EOFError);
  p.joinSync();
}`));

  it("gives messages in the order of asking, both forms mixed; timeouts and aborts take nothing", () =>
    script(`
function feeds(c: any) { c.recvSync(); for (let i = 0; i < 100; i++) c.sendSync(i); c.recvSync(); }
if (isMain) {
  const [a, b] = Pipe();
  const p = new Process({ target: feeds, args: [b] }); p.start(); b.close();
  const asked = Array.from({ length: 50 }, () => a.recv());
  a.sendSync("go");
  assert.equal(a.recvSync(), 50);
  assert.deepEqual(await Promise.all(asked), Array.from({ length: 50 }, (_, i) => i));
  for (let i = 51; i < 100; i++) assert.equal(i % 2 ? a.recvSync() : await a.recv(), i);
  assert.throws(() => a.recvSync({ timeout: 10 }), TimeoutError);
  await assert.rejects(a.recv({ timeout: 10 }), TimeoutError);
  await assert.rejects(a.recv({ signal: AbortSignal.abort(new Error("no")) }), /no/);
  const controller = new AbortController();
  const [first, second] = [a.recv({ signal: controller.signal }), a.recv()];
  controller.abort(new Error("stop"));
  await assert.rejects(first, /stop/);
  a.sendSync("end");
  await assert.rejects(second, EOFError);
  p.joinSync();
  const [c, d] = Pipe();
  for (let i = 0; i < 200; i++) {
    const controller = new AbortController();
    const waits = c.recv({ signal: controller.signal }).then(() => 1, () => 0);
    if (i % 3) await turn();
    d.sendSync(i);
    if (i % 2) await turn();
    controller.abort();
    if ((await waits) === 0) assert.equal(c.recvSync({ timeout: 5000 }), i);
    assert.equal(c.pollSync(), false);
  }
  for (const timeout of [NaN]) assert.throws(() => c.recvSync({ timeout }), RangeError);
  await assert.rejects(c.recv({ timeout: "1" as any }), TypeError);
}`));

  it("carries 100 MB, and many large ones both ways at once without a deadlock", () =>
    script(`
async function echoes(c: any) { for (;;) { const m = await c.recvBytes(); if (m.length === 0) return; await c.sendBytes(m); } }
if (isMain) {
  const [a, b] = Pipe();
  const p = new Process({ target: echoes, args: [b] }); p.start(); b.close();
  const big = new Uint8Array(100e6);
  for (let i = 0; i < big.length; i += 4096) big[i] = i % 251;
  const sent = a.sendBytes(big);
  const back = a.recvBytesSync();
  await sent;
  assert.ok(Buffer.compare(big, back) === 0);
  const small = new Uint8Array(3e6).fill(5);
  const sends = Array.from({ length: 10 }, () => a.sendBytes(small));
  for (let i = 0; i < 10; i++) assert.ok(Buffer.compare(small, await a.recvBytes()) === 0);
  await Promise.all(sends);
  a.sendBytesSync(new Uint8Array(0));
  p.joinSync();
  assert.equal(p.exitCode, 0);
  const [c, d] = Pipe();
  await assert.rejects(c.sendBytes(small, { timeout: 20 }), TimeoutError);
  const queued = new AbortController();
  const second = c.send("never", { signal: queued.signal });
  queued.abort(new Error("back"));
  await assert.rejects(second, /back/);
  assert.equal(d.recvBytesSync().length, 3e6);
  assert.equal(await d.poll({ timeout: 30 }), false);
  c.sendSync("after"); assert.equal(d.recvSync(), "after");
}`));

  it("leaves no descriptor open: closed, dropped, or of a child", () =>
    script(`
function child(c: any) { c.sendSync(1); }
if (isMain) {
  Pipe().map((c) => c.close());
  const settled = async (most: number) => { for (let i = 0; i < 100 && fds() > most; i++) { gc(); await new Promise((r) => setTimeout(r, 20)); } return fds(); };
  const before = fds();
  for (let i = 0; i < 300; i++) { const [a, b] = Pipe(); a.sendSync(i); b.recvSync(); a.close(); b.close(); }
  for (let i = 0; i < 100; i++) Pipe();
  for (let i = 0; i < 3; i++) {
    const [a, b] = Pipe(); const p = new Process({ target: child, args: [b] }); p.start(); b.close();
    assert.equal(a.recvSync(), 1); assert.throws(() => a.recvSync(), EOFError); a.close(); p.joinSync(); p.close();
  }
  const after = await settled(before + 6);
  assert.ok(after <= before + 6, before + " then " + after);
}`));
});

describe("Connections in other processes and threads", () => {
  it("cross as arguments and fields of processes, also through several generations; the end comes when all copies are closed", () =>
    script(`
function leaf(c: any) { c.sendSync(["leaf", process.ppid !== 0]); }
function middle(c: any, again: any) { assert.equal(c, again); const p = new Process({ target: leaf, args: [c] }); p.start(); p.joinSync(); c.sendSync("middle"); }
class Field extends Process { constructor(readonly conn: any) { super(); } override run() { this.conn.sendSync("field"); } }
if (isMain) {
  const [a, b] = Pipe();
  const p = new Process({ target: middle, args: [b, b] }); p.start();
  assert.equal(a.recvSync()[0], "leaf"); assert.equal(a.recvSync(), "middle");
  p.joinSync(); assert.equal(p.exitCode, 0);
  assert.equal(a.pollSync({ timeout: 20 }), false);
  const f = new Field(b); f.start(); assert.equal(a.recvSync(), "field"); f.joinSync();
  b.close();
  assert.throws(() => a.recvSync(), EOFError);
}`));

  it("takes along what was seen by poll and not received", () =>
    script(`
function reads(c: any) { c.sendSync([c.recvSync(), c.recvSync()]); }
if (isMain) {
  const [a, b] = Pipe();
  a.sendSync("seen"); assert.equal(b.pollSync(), true); a.sendSync("unseen");
  assert.throws(() => new Process({ target: reads as any, args: [b, Symbol("cannot cross")] }).start(), DataCloneError);
  const p = new Process({ target: reads, args: [b] }); p.start();
  assert.equal(a.pollSync({ timeout: 20_000 }), true);
  assert.deepEqual(a.recvSync(), ["seen", "unseen"]);
  p.joinSync();
}`));

  it("cross to threads, which block and await on them; a thread that ends closes its copy", () =>
    script(`
async function echoes(c: any) {
  assert.equal(c.pollSync(), false);
  c.sendSync("here");
  for (;;) { const m = c.recvSync(); if (m === null) break; await c.send(m); }
  for (let i = 0; i < 50; i++) await c.send(await c.recv());
  const [x, y] = mp.Pipe(); x.sendSync(5); assert.equal(y.recvSync(), 5);
}
function held(c: any) { c.recvSync(); }
if (isMain) {
  const [a, b] = Pipe();
  const t = new Thread({ target: echoes, args: [b] }); t.start();
  assert.equal(a.recvSync(), "here");
  for (const m of [1, "x", [new Date(3)]]) { a.sendSync(m); assert.deepEqual(a.recvSync(), m); }
  a.sendSync(null);
  for (let i = 0; i < 50; i++) { a.sendSync(i); assert.equal(await a.recv(), i); }
  await t.join();
  b.sendSync("the original still works"); assert.equal(a.recvSync(), "the original still works");
  assert.equal(b.pollSync(), false); a.sendSync(1); assert.equal(b.pollSync(), true); assert.equal(b.recvSync(), 1);
  b.close();
  assert.throws(() => a.recvSync(), EOFError);
  const [c, d] = Pipe();
  const u = new Thread({ target: held, args: [d] }); u.start(); d.close();
  c.sendSync(1); u.joinSync();
  assert.throws(() => c.recvSync(), EOFError);
}`));

  it("cannot be given to a process when they are closed", () =>
    script(`
if (isMain) {
  const [a, b] = Pipe();
  b.close();
  assert.throws(() => a.sendSync(b), (e) => e instanceof DataCloneError && /a closed connection/.test(e.message));
  assert.throws(() => new Process({ target: () => {}, args: [b] as any }).start(), DataCloneError);
}`));

  it("end clearly when the peer is killed, also within a large message", () =>
    script(`
function dies(c: any, begun: any) { c.recvSync(); c.sendBytes(new Uint8Array(50e6)); begun.sendSync(1); setInterval(() => {}, 1000); }
if (isMain) {
  for (const sync of [true, false]) for (const within of [true, false]) {
    const [a, b] = Pipe(); const [r, w] = Pipe();
    const p = new Process({ target: dies, args: [b, w] }); p.start(); b.close();
    // The kernel holds a part of the message only; the rest waits for us to read.
    if (within) { a.sendSync("go"); r.recvSync(); }
    p.kill(); p.joinSync();
    const expected = within ? code("ECONNRESET") : EOFError;
    for (let i = 0; i < 2; i++) {
      if (sync) assert.throws(() => a.recvBytesSync(), expected as any); else await assert.rejects(a.recvBytes(), expected as any);
    }
    const [c, d] = Pipe();
    const q = new Process({ target: dies, args: [d, w] }); q.start(); d.close();
    if (within) { c.sendSync("go"); r.recvSync(); }
    const waits = c.recvBytes().then(() => "all", (e) => e);
    if (!within) await turn();
    q.kill();
    const error = await waits;
    assert.ok(error === "all" || error instanceof EOFError || error.code === "ECONNRESET", String(error));
    q.joinSync();
  }
}`));
});
