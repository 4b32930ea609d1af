import { expectScript } from "../../harness/run-script.js";

const prelude = `
import assert from "node:assert/strict";
import { isMain, RuntimeError } from "heddle";
import { BaseManager, BaseProxy, ListProxy, Process, ProcessError, RemoteError } from "heddle/multiprocessing";
import { Queue, Empty } from "heddle/queue";
import { Thread } from "heddle/threading";
`;

/** Runs a script whose last line prints "done". */
const run = (source: string) => expectScript(prelude + source, { timeout: 90_000 });

describe("BaseManager", function () {
  this.timeout(100_000);

  it("makes objects of a registered class in a process of its own, with exposed methods only", async () => {
    await run(`
      class FooBar {
        label = "plain";
        f() { return "f()"; }
        g(): never { throw new RangeError("from g"); }
        _h() { return "_h()"; }
        pid() { return process.pid; }
        async later(ms: number) { await new Promise((r) => setTimeout(r, ms)); return "later"; }
        get computed(): never { throw new Error("a getter is not called"); }
      }
      class Failed extends Error { constructor(readonly code: number) { super("failed with " + code); } }
      class Thrower { fail() { throw new Failed(42); } }
      class BarProxy extends BaseProxy<FooBar> {
        both() { return Promise.all([this.callMethod<string>("f"), this.callMethod<string>("_h")]); }
      }
      const MyManager = class MyManager extends BaseManager {};
      const M = MyManager
        .register("Foo", { class: FooBar })
        .register("Bar", { class: FooBar, exposed: ["f", "_h"] })
        .register("Baz", { callable: () => new FooBar(), proxyType: BarProxy, exposed: ["f", "_h"] })
        .register("Thrower", { class: Thrower });
      if (isMain) {
        await using manager = new M();
        assert.equal(manager.address, null);
        await manager.start();
        const foo = await manager.Foo();
        assert.equal(foo.typeId, "Foo");
        assert.equal(await foo.f(), "f()");
        assert.equal(foo.fSync(), "f()");
        assert.notEqual(await foo.pid(), process.pid);
        assert.equal(foo.laterSync(5), "later");
        await assert.rejects(foo.g(), { name: "RangeError", message: "from g" });
        assert.throws(() => foo.gSync(), RangeError);
        await assert.rejects(foo.callMethod("_h"), (e: Error) => e instanceof RemoteError && /not exposed/.test(e.message) && (e as RemoteError).remoteStack !== "");
        await assert.rejects(foo.callMethod("computed"), RemoteError);
        assert.equal((foo as { _h?: unknown })._h, undefined);
        for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "prototype", "", "#value2"]) {
          await assert.rejects(foo.callMethod(name), RemoteError, name);
          assert.throws(() => foo.callMethodSync(name), RemoteError, name);
        }
        const bar = manager.BarSync();
        assert.equal(await bar.callMethod("_h"), "_h()");
        await assert.rejects(bar.callMethod("g"), RemoteError);
        const baz = await manager.Baz();
        assert.ok(baz instanceof BarProxy);
        assert.deepEqual(await baz.both(), ["f()", "_h()"]);
        const thrower = await manager.Thrower();
        await assert.rejects(thrower.fail(), (e: Error) => e instanceof Failed && e.code === 42 && /--- in /.test(String(e.stack)));
        console.log("done");
      }
    `);
  });

  it("refuses what cannot be registered, and use in the wrong state", async () => {
    await run(`
      class M extends BaseManager {}
      M.register("thing");
      if (isMain) {
        for (const id of ["constructor", "__proto__", "", "start", "shutdown", "address", "register2".slice(0, 0)]) {
          assert.throws(() => M.register(id), RangeError, id);
        }
        assert.throws(() => M.register(7 as never), TypeError);
        assert.throws(() => M.register("x", { callable: 7 as never }), TypeError);
        assert.throws(() => M.register("x", { exposed: ["__proto__"] }), RangeError);
        assert.throws(() => new M({ adress: "x" } as never), /address/);
        assert.throws(() => new BaseProxy(), TypeError);
        const manager = new M() as any;
        await assert.rejects(manager.thing(), RuntimeError);
        assert.throws(() => manager.thingSync(), RuntimeError);
        await assert.rejects(manager.connect(), TypeError);
        await assert.rejects(manager.join(), RuntimeError);
        await manager.shutdown(); // nothing to end
        await manager.start();
        await assert.rejects(manager.start(), ProcessError);
        assert.throws(() => manager.startSync(), ProcessError);
        assert.throws(() => manager.getServer(), ProcessError);
        await assert.rejects(manager.thing(), (e: Error) => e instanceof RemoteError && /without callable/.test(e.message));
        await manager.shutdown();
        await manager.shutdown();
        manager.shutdownSync();
        await assert.rejects(manager.start(), ProcessError);
        await assert.rejects(manager.thing(), RuntimeError);
        await manager.join();
        manager.joinSync();
        console.log("done");
      }
    `);
  });

  it("serves one object to programs that know its name only, as the tutorials' task queues", async () => {
    await run(`
      const taskQueue = new Queue<string>(), resultQueue = new Queue<string>();
      class QueueManager extends BaseManager {}
      const Server = QueueManager.register("getTaskQueue", { callable: () => taskQueue }).register("getResultQueue", { callable: () => resultQueue });
      class WorkerManager extends BaseManager {}
      const Client = WorkerManager.register<"getTaskQueue", Queue<string>>("getTaskQueue").register<"getResultQueue", Queue<string>>("getResultQueue");
      async function worker(port: number) {
        const manager = new Client({ address: ["127.0.0.1", port], authkey: "admin#123" });
        await manager.connect();
        const tasks = await manager.getTaskQueue(), results = manager.getResultQueueSync();
        for (;;) {
          const task = await tasks.get({ timeout: 30_000 });
          if (task === "end") break;
          results.putSync(task + "--->success");
          await tasks.taskDone();
        }
      }
      if (isMain) {
        await using manager = new Server({ address: ["127.0.0.1", 0], authkey: "admin#123" });
        manager.startSync();
        const [host, port] = manager.address as [string, number];
        assert.equal(host, "127.0.0.1");
        assert.ok(port > 0);
        const task = await manager.getTaskQueue(), again = await manager.getTaskQueue(), result = await manager.getResultQueue();
        const workers = [1, 2].map(() => new Process({ target: worker, args: [port] }));
        for (const w of workers) w.start();
        for (let i = 0; i < 10; i++) await task.put("ImageUrl_" + i);
        const got = new Set<string>();
        for (let i = 0; i < 10; i++) got.add(await result.get({ timeout: 30_000 }));
        assert.equal(got.size, 10);
        assert.ok(got.has("ImageUrl_3--->success"));
        await task.put("end"); await again.put("end");
        for (const w of workers) await w.join();
        assert.deepEqual(workers.map((w) => w.exitCode), [0, 0]);
        await assert.rejects(task.get({ blocking: false }), Empty);
        assert.throws(() => task.getSync({ timeout: 10 }), Empty);
        console.log("done");
      }
    `);
  });

  it("keeps the result of a method at the server if its type says so, and takes proxies as arguments", async () => {
    await run(`
      class Item { constructor(readonly n: number) {} value() { return this.n; } }
      class Box {
        items = [new Item(1), new Item(2)];
        item(i: number) { return this.items[i]; }
        async valueOf2(item: BaseProxy & { value(): Promise<number> }) { return 10 * (await item.value()); }
      }
      class Plain extends BaseManager {}
      const M = Plain.register("Item", { class: Item, createMethod: false }).register("Box", { class: Box, methodToTypeId: { item: "Item" } });
      if (isMain) {
        await using manager = new M();
        await manager.start();
        assert.equal((manager as { Item?: unknown }).Item, undefined);
        const box = await manager.Box();
        const item = (await box.item(1)) as any;
        assert.equal(item.typeId, "Item");
        assert.equal(await item.value(), 2);
        assert.equal(await box.valueOf2(item), 20);
        assert.deepEqual({ ...(await box.getValue()) }.items.length, 2);
        console.log("done");
      }
    `);
  });

  it("runs an initializer at the server, and says what kept it from starting", async () => {
    await run(`
      let greeting = "none";
      function init(text: string) { if (text === "bad") throw new RangeError("a bad greeting"); greeting = text; }
      class Greeter { greet() { return greeting; } }
      class Base extends BaseManager {}
      const M = Base.register("Greeter", { class: Greeter });
      if (isMain) {
        const bad = new M();
        await assert.rejects(bad.start({ initializer: init, initArgs: ["bad"] }), { name: "RangeError", message: "a bad greeting" });
        bad.startSync({ initializer: init, initArgs: ["hello"] });
        assert.equal(await (await bad.Greeter()).greet(), "hello");
        const [path] = [bad.address as string];
        const second = new M({ address: path });
        await assert.rejects(second.start(), { code: "EADDRINUSE" });
        class Local extends BaseManager {}
        const hidden = new (Local.register("x", { callable: () => bad }))();
        await assert.rejects(hidden.start(), /top level of the script/);
        await bad.shutdown();
        console.log("done");
      }
    `);
  });

  it("serves in this process, beside what else it does, until it is told to stop", async () => {
    await run(`
      const list = [1, 2, 3];
      class Base extends BaseManager {}
      const M = Base.register("getList", { callable: () => ({ push: (n: number) => list.push(n), all: () => list }) });
      function client(address: any) {
        const manager = new M({ address, authkey: "k" });
        manager.connectSync();
        manager.getListSync().pushSync(4);
      }
      if (isMain) {
        const stop = new AbortController();
        const server = new M({ authkey: "k" }).getServer();
        const served = server.serveForever({ signal: stop.signal });
        const child = new Process({ target: client, args: [server.address] });
        child.start();
        await child.join();
        assert.equal(child.exitCode, 0);
        assert.deepEqual(list, [1, 2, 3, 4]);
        // A thread of this process is a client like any other.
        const thread = new Thread({ target: client, args: [server.address] });
        thread.start();
        await thread.join();
        assert.deepEqual(list, [1, 2, 3, 4, 4]);
        stop.abort();
        await served;
        await assert.rejects(new M({ address: server.address, authkey: "k" }).connect(), { code: "ECONNREFUSED" });
        console.log("done");
      }
    `);
  });

  it("serves while its thread blocks, the library's waiting methods too", async () => {
    await run(`
      const tasks = new Queue<string>({ maxSize: 1 });
      tasks.putNowait("from before");
      class Slow {
        async slow() { return 1; }
        fast() { return 2; }
        end(): void { console.log("done"); process.exit(0); }
      }
      class Base extends BaseManager {}
      const M = Base.register("getTasks", { callable: () => tasks }).register("Slow", { class: Slow });
      async function client(address: any) {
        const manager = new M({ address, authkey: "k" });
        await manager.connect();
        const queue = await manager.getTasks();
        assert.equal(await queue.get(), "from before");
        const got = queue.get();
        await queue.put("second");
        assert.equal(await got, "second");
        await assert.rejects(queue.get({ timeout: 30 }), Empty);
        const slow = await manager.Slow();
        assert.equal(await slow.fast(), 2);
        await assert.rejects(slow.slow(), (e: Error) => e instanceof RemoteError && /serveForever\\(\\)/.test(e.message));
        await slow.end();
      }
      if (isMain) {
        const server = new M({ authkey: "k" }).getServer();
        new Process({ target: client, args: [server.address], daemon: true }).start();
        setTimeout(() => {}, 60_000);
        server.serveForeverSync();
      }
    `);
  });

  it("counts references: objects go when nobody has a proxy, also when a client ends", async () => {
    await run(`
      class Thing { ping() { return "pong"; } }
      class Base extends BaseManager {}
      const M = Base.register("Thing", { class: Thing });
      type ThingProxy = Awaited<ReturnType<InstanceType<typeof M>["Thing"]>>;
      async function keep(address: any, thing: ThingProxy) {
        assert.equal(await thing.ping(), "pong");
        const manager = new M({ address });
        await manager.connect();
        const own = await manager.Thing();
        assert.equal(await own.ping(), "pong");
        assert.equal(await manager.numberOfObjects(), 2);
        process.kill(process.pid, "SIGKILL");
      }
      if (isMain) {
        await using manager = new M();
        await manager.start();
        const thing = await manager.Thing();
        const child = new Process({ target: keep, args: [manager.address, thing] });
        child.start();
        await child.join();
        assert.equal(child.exitCode, -9);
        while ((await manager.numberOfObjects()) !== 1) await new Promise((r) => setTimeout(r, 10));
        assert.equal(thing.pingSync(), "pong");
        console.log("done");
      }
    `);
  });

  it("has one authkey by default for all threads of a program, and the processes they start", async () => {
    await run(`
      import { currentProcess } from "heddle/multiprocessing";
      class Thing { ping() { return "pong"; } }
      class Base extends BaseManager {}
      const M = Base.register("Thing", { class: Thing });
      async function use(address: any, deeper: boolean) {
        const manager = new M({ address });
        await manager.connect();
        assert.equal(await (await manager.Thing()).ping(), "pong");
        if (!deeper) return;
        const child = new Process({ target: use, args: [address, false] });
        child.start();
        await child.join();
        assert.equal(child.exitCode, 0);
      }
      function key(queue: Queue<string>) { queue.putNowait(Buffer.from(currentProcess().authkey).toString("hex")); }
      if (isMain) {
        // A thread that starts before anybody has asked for the key has the same.
        const keys = new Queue<string>();
        const early = new Thread({ target: key, args: [keys] });
        early.start();
        assert.equal(await keys.get(), Buffer.from(currentProcess().authkey).toString("hex"));
        await using manager = new M();
        await manager.start();
        for (const one of [new Thread({ target: use, args: [manager.address, true] }), new Process({ target: use, args: [manager.address, true] })]) {
          one.start();
          await one.join();
          if (one instanceof Process) assert.equal(one.exitCode, 0);
        }
        currentProcess().authkey = new Uint8Array([1, 2, 3]);
        const late = new Thread({ target: key, args: [keys] });
        late.start();
        assert.equal(await keys.get(), "010203");
        console.log("done");
      }
    `);
  });
});
