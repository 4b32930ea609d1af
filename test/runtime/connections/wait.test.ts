/** Behaviours of CPython's TestWait, in both forms. */
import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { isMain } from "heddle";
import { Client, Listener, Pipe, Process, wait, waitSync } from "heddle/multiprocessing";
import { Thread } from "heddle/threading";
const code = (code: string) => (error: any) => error.code === code;
`;

const script = (source: string) => expectScript(`${head}${source}\nconsole.log("done");`, { timeout: 50_000 });

describe("wait", () => {
  it("gathers messages and ends of many children, whichever comes first", () =>
    script(`
async function child(w: any, i: number) {
  for (let n = 0; n < 10; n++) { await new Promise((r) => setTimeout(r, (i * 7 + n * 3) % 11)); w.sendSync([i, n]); }
}
if (isMain) {
  for (const sync of [true, false]) {
    let readers: any[] = [];
    for (let i = 0; i < 3; i++) { const [r, w] = Pipe({ duplex: false }); readers.push(r); new Process({ target: child, args: [w, i] }).start(); w.close(); }
    const got: string[] = [];
    while (readers.length > 0) {
      const ready: any[] = sync ? waitSync(readers) : await wait(readers);
      assert.ok(ready.length > 0);
      for (const r of ready) { try { got.push(String(r.recvSync())); } catch { readers = readers.filter((other) => other !== r); r.close(); } }
    }
    assert.equal(got.length, 30);
    for (let i = 0; i < 3; i++) assert.deepEqual(got.filter((m) => m.startsWith(i + ",")), Array.from({ length: 10 }, (_, n) => i + "," + n));
  }
}`));

  it("gives all that are ready, in the order given, and none on timeout", () =>
    script(`
if (isMain) {
  const [a, b] = Pipe(); const [c, d] = Pipe();
  const both = [a, c];
  assert.deepEqual(waitSync(both, { timeout: 0 }), []); assert.deepEqual(await wait(both, { timeout: 0 }), []);
  assert.deepEqual(waitSync(both, { timeout: 20 }), []); assert.deepEqual(await wait(both, { timeout: 20 }), []);
  assert.deepEqual(waitSync(both, { timeout: -1 }), []);
  assert.deepEqual(waitSync([], { timeout: 5 }), []);
  b.sendSync(1); assert.deepEqual(waitSync(both), [a]); assert.deepEqual(await wait(both), [a]);
  d.sendSync(2); assert.deepEqual(waitSync([c, a]), [c, a]);
  // Nothing was taken.
  assert.equal(a.recvSync(), 1); assert.equal(c.recvSync(), 2);
  const later = wait(both); b.sendSync(3); assert.deepEqual(await later, [a]); assert.equal(a.recvSync(), 3);
  const aborts = new AbortController(); const aborted = wait(both, { signal: aborts.signal }); aborts.abort(new Error("stop"));
  await assert.rejects(aborted, /stop/);
  d.sendSync(4); assert.equal(c.recvSync({ timeout: 5000 }), 4);
  d.close(); assert.deepEqual(waitSync([c]), [c]);
  for (const bad of [5, {}, null]) assert.throws(() => waitSync([bad as any]), TypeError);
  a.close();
  assert.throws(() => waitSync(both), code("EBADF")); await assert.rejects(wait(both), code("EBADF"));
}`));

  it("waits for processes and connections together", () =>
    script(`
function first(c: any) { c.recvSync(); }
if (isMain) {
  for (const sync of [true, false]) {
    const [a, b] = Pipe(); const [c, d] = Pipe();
    const p = new Process({ target: first, args: [b] }); p.start(); b.close();
    const all = [c, p.sentinel];
    assert.deepEqual(sync ? waitSync(all, { timeout: 20 }) : await wait(all, { timeout: 20 }), []);
    d.sendSync("x");
    assert.deepEqual(sync ? waitSync(all) : await wait(all), [c]);
    c.recvSync();
    a.sendSync("end");
    assert.deepEqual(sync ? waitSync(all) : await wait(all), [p.sentinel]);
    d.sendSync("y");
    assert.deepEqual(sync ? waitSync(all) : await wait(all), [c, p.sentinel]);
    p.joinSync();
    const q = new Process({ target: first, args: [d] }); q.start();
    const ends = wait([q.sentinel]); q.kill();
    assert.deepEqual(await ends, [q.sentinel]);
    assert.deepEqual(waitSync([q.sentinel]), [q.sentinel]);
  }
}`));

  it("waits for sockets and from threads", () =>
    script(`
function inThread(own: any, go: any) { const [x, y] = Pipe(); go.sendSync(1); assert.deepEqual(waitSync([x, own]), [own]); own.recvSync(); y.sendSync(1); assert.deepEqual(waitSync([own, x]), [x]); own.sendSync("ok"); }
if (isMain) {
  const listener = new Listener(null, { authkey: "k" });
  const [s, c] = await Promise.all([listener.accept(), Client(listener.address, { authkey: "k" })]);
  const waits = wait([s]); c.sendSync(1); assert.deepEqual(await waits, [s]);
  const [a, b] = Pipe(); const [go, gone] = Pipe();
  const t = new Thread({ target: inThread, args: [b, gone] }); t.start();
  go.recvSync(); a.sendSync("message");
  assert.equal(a.recvSync(), "ok");
  await t.join();
}`));
});
