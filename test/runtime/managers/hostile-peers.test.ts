/** Peers that do not have the key, or that have it and send what no client would. */
import { expectScript } from "../../harness/run-script.js";

const prelude = `
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { readFileSync } from "node:fs";
import { AuthenticationError, isMain, RemoteError } from "heddle";
import { BaseManager, Client, Manager, Process, SyncManager } from "heddle/multiprocessing";

const KEY = "the key of the house";
function frame(body: Uint8Array | string, length = Buffer.from(body as never).length) {
  const header = Buffer.alloc(4);
  header.writeInt32BE(length);
  return Buffer.concat([header, Buffer.from(body as never)]);
}
async function raw(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}
const closed = (socket: Socket) => new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.resume().once("close", () => resolve())));
/** The bodies of messages that come on a socket. */
function reader(socket: Socket) {
  let buffer = Buffer.alloc(0), ended = false;
  const waiting: (() => void)[] = [];
  const wake = () => { for (const w of waiting.splice(0)) w(); };
  socket.on("data", (d: Buffer) => { buffer = Buffer.concat([buffer, d]); wake(); });
  socket.on("close", () => { ended = true; wake(); });
  return async (): Promise<Buffer | null> => {
    for (;;) {
      if (buffer.length >= 4 && buffer.length >= 4 + buffer.readInt32BE(0)) {
        const body = buffer.subarray(4, 4 + buffer.readInt32BE(0));
        buffer = buffer.subarray(4 + body.length);
        return Buffer.from(body);
      }
      if (ended) return null;
      await new Promise<void>((r) => waiting.push(r));
    }
  };
}
const answer = (key: string, challenge: Buffer) =>
  Buffer.concat([Buffer.from("{sha256}"), createHmac("sha256", key).update(challenge.subarray("#CHALLENGE#".length)).digest()]);
/** A peer that has the key, and speaks for itself from there on. */
async function insider(port: number) {
  const socket = await raw(port), read = reader(socket);
  socket.write(frame(answer(KEY, (await read())!)));
  assert.equal(String(await read()), "#WELCOME#");
  const challenge = Buffer.concat([Buffer.from("#CHALLENGE#{sha256}"), Buffer.alloc(40, 7)]);
  socket.write(frame(challenge));
  const proof = (await read())!;
  assert.deepEqual(proof, answer(KEY, challenge));
  socket.write(frame("#WELCOME#"));
  return { socket, read };
}
const rss = (pid: number) => Number(/VmRSS:\\s+(\\d+) kB/.exec(readFileSync("/proc/" + pid + "/status", "latin1"))![1]) / 1024;
/** A message of the protocol. */
function request(kind: number, number: number, payload: Uint8Array) {
  const head = Buffer.alloc(5);
  head[0] = kind;
  head.writeUInt32LE(number, 1);
  return frame(Buffer.concat([head, payload]));
}
async function server(talks = false): Promise<{ manager: SyncManager; port: number; pid: number; alive(): Promise<void> }> {
  const manager = await Manager({ address: ["127.0.0.1", 0], authkey: KEY });
  const value = await manager.Value("i", 1);
  // So much that it reads by its own event loop from now on.
  if (talks) for (let i = 0; i < 100; i++) await value.get();
  const alive = async () => {
    assert.equal(await value.get(), 1);
    (await insider((manager.address as [string, number])[1])).socket.destroy();
    const other = new SyncManager({ address: manager.address!, authkey: KEY });
    await other.connect({ timeout: 20_000 });
    assert.deepEqual(await (await other.list([5])).slice(), [5]);
  };
  const { activeChildren } = await import("heddle/multiprocessing");
  return { manager, port: (manager.address as [string, number])[1], pid: activeChildren()[0]!.pid!, alive };
}
`;
const run = (source: string) => expectScript(prelude + source, { timeout: 140_000 });

describe("a manager's server among hostile peers", function () {
  this.timeout(150_000);

  it("lets in nobody without the key: wrong, none, empty, garbage, replays; and serves on", async () => {
    await run(`
      if (isMain) {
        const { manager, port, alive } = await server();
        for (const authkey of ["wrong", "", KEY + " "]) {
          const other = new SyncManager({ address: ["127.0.0.1", port], authkey });
          await assert.rejects(other.connect(), AuthenticationError);
          assert.throws(() => other.connectSync(), AuthenticationError);
        }
        await assert.rejects(new SyncManager({ address: ["127.0.0.1", port] }).connect(), AuthenticationError);
        // Garbage of all kinds instead of an answer to the challenge.
        for (const bytes of ["", "GET / HTTP/1.1\\r\\n\\r\\n", Buffer.alloc(10_000, 255), frame("x".repeat(200)), frame("", 0x7fffffff), frame(Buffer.alloc(8), -1), frame("#WELCOME#"), frame("{sha256}")]) {
          const socket = await raw(port);
          socket.end(bytes);
          await closed(socket);
        }
        // What was overheard of a handshake is of no use in another one.
        const socket = await raw(port), read = reader(socket);
        const proof = answer(KEY, (await read())!);
        socket.destroy();
        const again = await raw(port), readAgain = reader(again);
        await readAgain();
        again.write(frame(proof));
        assert.equal(String(await readAgain()), "#FAILURE#");
        assert.equal(await readAgain(), null);
        // Requests before the handshake are no requests.
        const eager = await raw(port);
        eager.write(request(8, 1, Buffer.from([13, 1, 7, 4]))); // Ask
        await closed(eager);
        await alive();
        await manager.shutdown();
        console.log("done");
      }
    `);
  });

  it("half messages, stalls and thousands of connects hold up nobody, and its memory stays flat", async () => {
    await run(`
      if (isMain) {
        const { manager, port, pid, alive } = await server();
        const silent: Socket[] = [];
        for (let i = 0; i < 300; i++) {
          const socket = connect({ host: "127.0.0.1", port });
          socket.on("error", () => {});
          socket.on("connect", () => socket.write(frame("half").subarray(0, i % 6)));
          silent.push(socket);
        }
        await alive();
        const flood = async (count: number) => {
          for (let i = 0; i < count; i += 50) {
            await Promise.all(Array.from({ length: 50 }, async (_, n) => {
              const socket = connect({ host: "127.0.0.1", port });
              socket.on("error", () => {});
              socket.end(n % 2 === 0 ? frame("x".repeat(50)) : Buffer.from([0, 0]));
              await closed(socket);
            }));
          }
        };
        await flood(1000);
        await alive();
        const before = rss(pid);
        await flood(3000);
        await alive();
        const grown = rss(pid) - before;
        assert.ok(grown < 40, "it grew by " + grown + " MB");
        for (const socket of silent) socket.destroy();
        await alive();
        await manager.shutdown();
        console.log("done");
      }
    `);
  });

  it("refuses what no client would send, from a peer that has the key, and goes on", async () => {
    await run(`
      import { serialize } from "node:v8";
      if (isMain) for (const talks of [false, true]) {
        const { manager, port, pid, alive } = await server(talks);
        const peer = await insider(port);
        // A refusal has kind 4, and the request's number.
        const refused = async (payload: Uint8Array, kind = 2, number = 9) => {
          peer.socket.write(request(kind, number, payload));
          const reply = (await peer.read())!;
          assert.deepEqual([reply[0], reply.readUInt32LE(1)], [4, number], reply.toString("latin1"));
          return reply.toString("latin1");
        };
        await refused(Buffer.alloc(0));
        await refused(Buffer.alloc(200, 255));
        await refused(serialize({ a: 1 }));
        await refused(Buffer.from("[]"));
        for (const kind of [0, 3 + 6, 77, 255]) await refused(Buffer.from([0]), kind);
        for (let tag = 0; tag < 40; tag++) await refused(Buffer.from([tag, 255, 255, 255, 255, 255, 255, 127]));
        // A length that the rest does not have: nothing of that size is made.
        const before = rss(pid);
        await refused(Buffer.from([13, 255, 255, 255, 255, 255, 255, 127]));
        await refused(Buffer.from([18, 255, 255, 255, 255, 255, 255, 127]));
        assert.ok(rss(pid) - before < 50);
        // Handles of the library's other objects reach nothing.
        const text = (t: string) => Buffer.concat([Buffer.from([7, t.length]), Buffer.from(t)]);
        for (const tag of ["Connection", "Lock", "Queue", "SharedMemory", "__proto__", "constructor"]) {
          assert.match(await refused(Buffer.concat([Buffer.from([24]), text(tag), Buffer.from([4, 1])])), /do not cross/);
        }
        // A message of more than there may be ends the connection, with a word.
        peer.socket.write(frame("", 0x7fffffff));
        const last = (await peer.read())!;
        assert.equal(last[0], 4);
        assert.match(last.toString("latin1"), /longer than/);
        assert.equal(await peer.read(), null);
        // So does one that is no request.
        const short = await insider(port);
        short.socket.write(frame("abc"));
        assert.equal((await short.read())![0], 4);
        assert.equal(await short.read(), null);
        // A request that comes byte by byte is one all the same.
        const slow = await insider(port);
        for (const byte of request(8, 3, Buffer.from([0]))) slow.socket.write(Buffer.from([byte]));
        assert.deepEqual([...(await slow.read())!.subarray(0, 2)], [4, 3]);
        await alive();
        await manager.shutdown();
        if (talks) console.log("done");
      }
    `);
  });

  it("makes registered types only, calls exposed methods only, and runs no code from the wire", async () => {
    await run(`
      function known(n: number) { return -n; }
      class Wider extends SyncManager {}
      for (const id of ["Nothing", "toString2", "hasOwn"]) Wider.register(id);
      if (isMain) {
        const { manager, alive } = await server();
        const other = new Wider({ address: manager.address!, authkey: KEY }) as any;
        await other.connect();
        for (const id of ["Nothing", "toString2", "hasOwn"]) await assert.rejects(other[id](), RemoteError, id);
        const list = await other.list([3, 1, 2]);
        for (const name of ["__proto__", "constructor", "toString", "valueOf", "hasOwnProperty", "__defineGetter__", "toValue", "dropped", "items", "name", "#value2", "", "a".repeat(10_000)]) {
          await assert.rejects(list.callMethod(name), (e: Error) => e instanceof RemoteError && e.message.length < 1000, name);
          assert.throws(() => list.callMethodSync(name), RemoteError, name);
        }
        // Of functions: those of modules that the server has imported, and what only computes.
        await list.sort({ key: known });
        assert.deepEqual(await list.slice(), [3, 2, 1]);
        await list.sort({ key: Math.abs });
        assert.deepEqual(await list.slice(), [1, 2, 3]);
        const refusal = (e: Error) => e instanceof RemoteError && /does not run/.test(e.message);
        await assert.rejects(list.sort({ key: (n: number) => { throw new Error("ran: " + n); } }), refusal);
        await assert.rejects(list.sort({ key: process.exit as never }), refusal);
        await assert.rejects(list.sort({ key: (await import("node:fs")).rmSync as never }), refusal);
        await assert.rejects(other.Barrier(1, { action: () => 1 }), refusal);
        const pool = await other.Pool({ processes: 1 });
        await assert.rejects(pool.apply((await import("heddle/subprocess")).runSync, ["true"]), refusal);
        await assert.rejects(pool.apply(() => 1), refusal);
        assert.equal(await pool.apply(known, [4]), -4);
        await assert.rejects(other.list([Object.assign(Object.create(null), { f: 1 }), () => 1]), /cannot cross/);
        // Tokens of other servers, and made up ones.
        await assert.rejects((await other.list()).callMethod("append", [undefined, 1, 2]).then(() => { throw new RemoteError("fine"); }), /fine/);
        // A manager without an authkey runs what its own program sends.
        await using own = await Manager();
        const mine = await own.list([1, 3, 2]);
        await mine.sort({ key: (n: number) => -n });
        assert.deepEqual(await mine.slice(), [3, 2, 1]);
        await alive();
        await manager.shutdown();
        console.log("done");
      }
    `);
  });
});
