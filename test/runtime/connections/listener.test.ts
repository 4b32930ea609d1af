/** Behaviours of CPython's _TestListener, _TestListenerClient and its tests of authentication; and hostile peers. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import {
  answerChallenge,
  deliverChallenge,
  type Messages,
} from "../../../src/runtime/multiprocessing/authentication.js";
import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { AuthenticationError, EOFError, isMain, TimeoutError } from "heddle";
import { Client, ClientSync, Listener, Process } from "heddle/multiprocessing";
const code = (code: string) => (error: any) => error.code === code;
const frame = (body: Uint8Array | string) => { const b = Buffer.from(body as any); const h = Buffer.alloc(4); h.writeInt32BE(b.length); return Buffer.concat([h, b]); };
const closing = (s: any) => new Promise((resolve) => s.resume().once("close", resolve));
const raw = async (port: number) => { const s = connect({ host: "127.0.0.1", port }); s.on("error", () => {}); await once(s, "connect"); return s; };
`;

const script = (source: string) => expectScript(`${head}${source}\nconsole.log("done");`, { timeout: 50_000 });

describe("Listener and Client", () => {
  it("connect by TCP and by Unix sockets, in both forms, with a process and within one", () =>
    script(`
function child(address: any, authkey: any) { const c = ClientSync(address, { authkey }); c.sendSync(["hello", c.recvSync()]); c.close(); }
if (isMain) {
  const folder = mkdtempSync(join(tmpdir(), "heddle-test-"));
  for (const address of [null, ["localhost", 0], ["", 0], join(folder, "socket")] as const) {
    for (const authkey of [undefined, "secret", new Uint8Array([1, 2]), ""]) {
      using listener = new Listener(address as any, authkey === undefined ? {} : { authkey });
      assert.equal(listener.lastAccepted, null);
      const where: any = typeof listener.address === "string" ? listener.address : ["127.0.0.1", listener.address[1]];
      if (typeof where !== "string") assert.ok(where[1] > 0);
      if (authkey === "secret") {
      const p = new Process({ target: child, args: [where, authkey] }); p.start();
      const c = listener.acceptSync(); c.sendSync(1); assert.deepEqual(c.recvSync(), ["hello", 1]); assert.throws(() => c.recvSync(), EOFError); c.close();
      if (typeof where === "string") assert.equal(listener.lastAccepted, ""); else { assert.equal(listener.lastAccepted![0], "127.0.0.1"); assert.ok((listener.lastAccepted as any)[1] > 0); }
      p.joinSync(); assert.equal(p.exitCode, 0);
      }
      const [server, client] = await Promise.all([listener.accept(), Client(where, authkey === undefined ? {} : { authkey })]);
      await client.send({ n: 2 }); assert.deepEqual(await server.recv(), { n: 2 });
      const large = server.sendBytes(new Uint8Array(1e6)); assert.equal((await client.recvBytes()).length, 1e6); await large;
      server.close(); await assert.rejects(client.recv(), EOFError); client.close();
    }
  }
  assert.deepEqual(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
  const own = new Listener(null, { family: "AF_UNIX" }); assert.ok(existsSync(own.address as string)); own.close();
}`));

  it("says what is wrong: in use, refused, closed, no address, out of time", () =>
    script(`
if (isMain) {
  const listener = new Listener();
  assert.throws(() => new Listener(listener.address), code("EADDRINUSE"));
  for (const take of [() => listener.acceptSync({ timeout: 20 })]) assert.throws(take, TimeoutError);
  await assert.rejects(listener.accept({ timeout: 20 }), TimeoutError);
  await assert.rejects(listener.accept({ signal: AbortSignal.abort(new Error("no")) }), /no/);
  // Who gave up took nothing.
  const c = await Client(listener.address); const s = listener.acceptSync({ timeout: 5000 });
  c.sendSync(1); assert.equal(s.recvSync(), 1);
  const waits = listener.accept();
  listener.close(); listener.close();
  await assert.rejects(waits, code("EBADF"));
  assert.throws(() => listener.acceptSync(), code("EBADF"));
  c.sendSync("connections stay"); assert.equal(s.recvSync(), "connections stay");
  await assert.rejects(Client(listener.address), code("ECONNREFUSED"));
  assert.throws(() => ClientSync(listener.address), code("ECONNREFUSED"));
  assert.throws(() => ClientSync("/nowhere/at/all"), code("ENOENT"));
  for (const bad of [5, [1], ["h", "1"]]) assert.throws(() => new Listener(bad as any), TypeError);
  for (const bad of ["", ["h", 70000], ["h", 1.5]]) assert.throws(() => new Listener(bad as any), RangeError);
  assert.throws(() => new Listener(null, { authkey: 5 as any }), TypeError);
  assert.throws(() => new Listener(null, { family: "AF_X" as any }), RangeError);
  assert.throws(() => new Listener("/x", { family: "AF_INET" }), TypeError);
  await assert.rejects(Client(["127.0.0.1", 1], { authkey: 1 as any }), TypeError);
}`));

  it("takes only who has the key, and goes on: wrong, none, empty, only one side", () =>
    script(`
if (isMain) {
  const listener = new Listener(null, { authkey: "right" });
  for (const authkey of ["wrong", "", "righ", "Right"]) {
    const client = assert.rejects(Client(listener.address, { authkey }), AuthenticationError);
    await assert.rejects(listener.accept(), AuthenticationError);
    await client;
    assert.throws(() => ClientSync(listener.address, { authkey }), AuthenticationError);
    assert.throws(() => listener.acceptSync(), AuthenticationError);
  }
  const none = await Client(listener.address);
  none.sendSync("no key at all");
  assert.throws(() => listener.acceptSync(), AuthenticationError);
  const [server, client] = await Promise.all([listener.accept(), Client(listener.address, { authkey: "right" })]);
  client.sendSync(1); assert.equal(server.recvSync(), 1);
  const open = new Listener();
  const mistaken = assert.rejects(Client(open.address, { authkey: "key" }), AuthenticationError);
  (await open.accept()).sendSync("no challenge");
  await mistaken;
}`));

  it("is not moved by garbage, half messages, huge lengths, replays and silence", () =>
    script(`
if (isMain) {
  const authkey = "right";
  const listener = new Listener(null, { authkey });
  const port = (listener.address as any)[1];
  const silent = await raw(port);
  const answers: Buffer[] = [];
  // What an honest client said, to be said again.
  {
    const s = await raw(port);
    const challenge: Buffer = (await once(s, "data"))[0].subarray(4 + 11);
    answers.push(frame(Buffer.concat([Buffer.from("{sha256}"), createHmac("sha256", authkey).update(challenge).digest()])));
    s.write(answers[0]!);
    const welcome: Buffer = (await once(s, "data"))[0];
    assert.match(welcome.toString("latin1"), /#WELCOME#/);
    s.destroy();
    await assert.rejects(listener.accept(), AuthenticationError);
  }
  const huge = Buffer.alloc(12); huge.writeInt32BE(-1); huge.writeBigUInt64BE(2n ** 62n, 4);
  const long = Buffer.alloc(4); long.writeInt32BE(257);
  const before = process.memoryUsage().rss;
  const attacks = [answers[0]!, Buffer.from("GET / HTTP/1.1\\r\\n\\r\\n"), huge, long, frame(""), frame("#WELCOME#"), frame("{md5}0123456789abcdef"), frame("{sha256}"), Buffer.alloc(1 << 20, 0x41), frame(Buffer.alloc(256))];
  for (const attack of attacks) {
    const s = await raw(port);
    s.write(attack);
    const closed = closing(s);
    assert.throws(() => listener.acceptSync({ timeout: 9000 }), AuthenticationError);
    await closed;
  }
  for (const half of [Buffer.alloc(2), frame("half of it").subarray(0, 7)]) {
    const s = await raw(port);
    s.end(half);
    await assert.rejects(listener.accept({ timeout: 9000 }), AuthenticationError);
  }
  assert.ok(process.memoryUsage().rss - before < 100e6);
  for (let i = 0; i < 20; i++) {
    const [server, client] = await Promise.all([listener.accept({ timeout: 9000 }), Client(listener.address, { authkey })]);
    client.sendSync(i); assert.equal(server.recvSync(), i);
    server.close(); client.close();
  }
  assert.equal(silent.destroyed, false);
  // The silent one is sent away in the end.
  const away = closing(silent);
  await assert.rejects(listener.accept({ timeout: 20_000 }), /too long/);
  await away;
}`)).timeout(60_000);

  it("does not believe a server that only echoes or has another key", () =>
    script(`
if (isMain) {
  for (const answer of [(d: Buffer) => d, () => frame("#WELCOME#"), () => Buffer.alloc(12, 0xff)]) {
    const server = createServer((s) => { s.on("error", () => {}); s.on("data", (d) => s.write(answer(d))); s.write(frame("#CHALLENGE#{sha256}" + "x".repeat(40))); });
    await once(server.listen(0, "127.0.0.1"), "listening");
    await assert.rejects(Client(["127.0.0.1", (server.address() as any).port], { authkey: "right", timeout: 9000 }), AuthenticationError);
    server.close();
  }
  const md5 = createServer((s) => { s.on("error", () => {}); s.write(frame("#CHALLENGE#" + "x".repeat(20))); });
  await once(md5.listen(0, "127.0.0.1"), "listening");
  await assert.rejects(Client(["127.0.0.1", (md5.address() as any).port], { authkey: "right" }), /SHA-256/);
  md5.close();
}`));

  it("many clients at once all get through, and no descriptor stays", () =>
    script(`
if (isMain) {
  const fds = () => readdirSync("/proc/self/fd").length;
  const listener = new Listener(null, { authkey: "k", backlog: 64 });
  const round = async (count: number) => {
    const clients = Array.from({ length: count }, (_, i) => Client(listener.address, { authkey: "k" }).then((c) => { c.sendSync(i); return c; }));
    const servers = await Promise.all(clients.map(() => listener.accept()));
    const got = await Promise.all(servers.map((s) => s.recv()));
    assert.deepEqual(got.sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
    for (const c of [...servers, ...await Promise.all(clients)]) c.close();
  };
  await round(5);
  const before = fds();
  for (let i = 0; i < 4; i++) await round(60);
  for (let i = 0; i < 200 && fds() > before; i++) await new Promise((r) => setTimeout(r, 10));
  assert.ok(fds() <= before, before + " then " + fds());
}`));
});

describe("the challenge of authentication", () => {
  /** Two ends in this process. */
  function pair(): [Messages, Messages] {
    const queues: [Uint8Array[], Uint8Array[]] = [[], []];
    const wakes: [(() => void)[], (() => void)[]] = [[], []];
    const end = (mine: 0 | 1, other: 0 | 1): Messages => ({
      read: async () => {
        while (queues[mine].length === 0) await new Promise<void>((resolve) => wakes[mine].push(resolve));
        return queues[mine].shift() as Uint8Array;
      },
      write: async (body) => {
        queues[other].push(body);
        for (const wake of wakes[other].splice(0)) wake();
      },
    });
    return [end(0, 1), end(1, 0)];
  }
  const key = Buffer.from("key");

  it("is CPython's, byte for byte", async () => {
    const [ours, theirs] = pair();
    const delivered = deliverChallenge(ours, key);
    const asked = Buffer.from(await theirs.read(256));
    assert.equal(asked.subarray(0, 19).toString(), "#CHALLENGE#{sha256}");
    assert.equal(asked.length, 19 + 40);
    const digest = createHmac("sha256", key).update(asked.subarray(11)).digest();
    await theirs.write(Buffer.concat([Buffer.from("{sha256}"), digest]));
    await delivered;
    assert.equal(Buffer.from(await theirs.read(256)).toString(), "#WELCOME#");
    const answered = answerChallenge(ours, key);
    const challenge = Buffer.from(`{sha256}${"c".repeat(40)}`);
    await theirs.write(Buffer.concat([Buffer.from("#CHALLENGE#"), challenge]));
    const expected = Buffer.concat([Buffer.from("{sha256}"), createHmac("sha256", key).update(challenge).digest()]);
    assert.deepEqual(Buffer.from(await theirs.read(256)), expected);
    await theirs.write(Buffer.from("#WELCOME#"));
    await answered;
  });

  it("fails both who answers wrongly and who is not welcome", async () => {
    const [ours, theirs] = pair();
    const delivered = assert.rejects(deliverChallenge(ours, key), /wrong/);
    await theirs.read(256);
    await theirs.write(Buffer.from("something bogus"));
    await delivered;
    assert.equal(Buffer.from(await theirs.read(256)).toString(), "#FAILURE#");
    const answered = assert.rejects(answerChallenge(ours, key), /rejected/);
    await theirs.write(Buffer.from(`#CHALLENGE#{sha256}${"c".repeat(40)}`));
    await theirs.write(Buffer.from("something bogus"));
    await answered;
    for (const bad of ["nothing of the kind", `#CHALLENGE#${"c".repeat(60)}`, "#CHALLENGE#{sha256}short"]) {
      const refused = assert.rejects(answerChallenge(ours, key));
      await theirs.write(Buffer.from(bad));
      await refused;
    }
  });
});
