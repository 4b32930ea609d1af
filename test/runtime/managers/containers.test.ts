import { expectScript } from "../../harness/run-script.js";

const prelude = `
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { isMain, DataCloneError, KeyError } from "heddle";
import { ListProxy, DictProxy, Manager, ManagerSync, NamespaceProxy, Process, SyncManager } from "heddle/multiprocessing";
import { Thread } from "heddle/threading";
`;
const run = (source: string) => expectScript(prelude + source, { timeout: 90_000 });

describe("the containers of a SyncManager", function () {
  this.timeout(100_000);

  it("list: as Python's, in both forms", async () => {
    await run(`
      function byName(item: { name: string }) { return item.name; }
      if (isMain) {
        await using manager = await Manager();
        assert.ok(manager instanceof SyncManager);
        const a = await manager.list(Array.from({ length: 10 }, (_, i) => i));
        assert.ok(a instanceof ListProxy);
        assert.equal(a.typeId, "list");
        assert.deepEqual(await a.slice(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        const b = manager.listSync<number>();
        assert.deepEqual(b.sliceSync(), []);
        await b.extend(new Set([0, 1, 2]));
        b.extendSync([3, 4]);
        assert.deepEqual(await b.getValue(), [0, 1, 2, 3, 4]);
        assert.deepEqual(b.getValueSync(), [0, 1, 2, 3, 4]);
        assert.equal(await b.get(2), 2);
        assert.equal(b.getSync(-1), 4);
        assert.deepEqual(await b.slice(2, 10), [2, 3, 4]);
        assert.deepEqual(await b.slice(-2), [3, 4]);
        await b.set(-5, 10);
        await b.append(1);
        assert.deepEqual(await b.slice(), [10, 1, 2, 3, 4, 1]);
        assert.equal(await b.count(1), 2);
        assert.equal(await b.index(1), 1);
        await b.remove(1);
        await b.insert(1, 7);
        await b.insert(-1, 8);
        await b.insert(100, 9);
        assert.deepEqual(await b.slice(), [10, 7, 2, 3, 4, 8, 1, 9]);
        assert.equal(await b.pop(), 9);
        assert.equal(await b.pop(0), 10);
        await b.delete(-1);
        await b.reverse();
        assert.deepEqual(await b.slice(), [8, 4, 3, 2, 7]);
        await b.sort();
        assert.deepEqual(await b.slice(), [2, 3, 4, 7, 8]);
        b.sortSync({ reverse: true });
        assert.deepEqual(await b.slice(), [8, 7, 4, 3, 2]);
        await b.sort({ key: (n: number) => n % 4 });
        assert.deepEqual(await b.slice(), [8, 4, 2, 7, 3]);
        const seen: number[] = [];
        for await (const n of b) seen.push(n);
        assert.deepEqual(seen, [8, 4, 2, 7, 3]);
        const names = await manager.list([{ name: "b" }, { name: "a" }]);
        await names.sort({ key: byName });
        assert.equal((await names.get(0)).name, "a");
        assert.equal(await names.index({ name: "b" }), 1);
        for (const bad of [5, -6, 99]) await assert.rejects(b.get(bad), RangeError);
        await assert.rejects(b.set(5, 1), RangeError);
        await assert.rejects(b.delete(5), RangeError);
        await assert.rejects(b.get(1.5), TypeError);
        await assert.rejects(b.get("length" as never), TypeError);
        await assert.rejects(b.remove(99), RangeError);
        await assert.rejects(b.index(99), RangeError);
        await b.clear();
        assert.equal(await b.length(), 0);
        await assert.rejects(b.pop(), RangeError);
        await assert.rejects(b.append((() => 1) as never), DataCloneError);
        const local = 1;
        await assert.rejects(a.sort({ key: (n: number) => n + local }), DataCloneError);
        await assert.rejects((await manager.list<any>([1, "a"])).sort(), TypeError);
        const copy = await a.getValue();
        copy.push(99);
        assert.equal(await a.length(), 10);
        console.log("done");
      }
    `);
  });

  it("dict: a Map with primitive keys", async () => {
    await run(`
      if (isMain) {
        using manager = ManagerSync();
        const d = await manager.dict<number, string>();
        assert.ok(d instanceof DictProxy);
        for (let i = 65; i < 70; i++) await d.set(i, String.fromCharCode(i));
        assert.deepEqual(await d.copy(), new Map([65, 66, 67, 68, 69].map((i) => [i, String.fromCharCode(i)])));
        assert.deepEqual(await d.keys(), [65, 66, 67, 68, 69]);
        assert.deepEqual(d.valuesSync(), ["A", "B", "C", "D", "E"]);
        assert.deepEqual((await d.items())[0], [65, "A"]);
        assert.equal(await d.get(65), "A");
        assert.equal(await d.get(1), undefined);
        assert.equal(await d.get(1, "none"), "none");
        assert.equal(await d.has(65), true);
        assert.equal(await d.pop(65), "A");
        assert.equal(await d.pop(65, "gone"), "gone");
        await assert.rejects(d.pop(65), (e: Error) => e instanceof KeyError && e.key === 65);
        await assert.rejects(d.delete(65), KeyError);
        assert.deepEqual(await d.popItem(), [69, "E"]);
        assert.equal(await d.setDefault(1, "one"), "one");
        assert.equal(await d.setDefault(1, "uno"), "one");
        await d.update(new Map([[2, "two"]]));
        assert.equal(await d.size(), 5);
        await d.clear();
        assert.equal(d.sizeSync(), 0);
        await assert.rejects(d.popItem(), KeyError);
        await assert.rejects(d.set({} as never, "x"), TypeError);
        const o = manager.dictSync({ a: 1, b: [2] });
        assert.deepEqual(await o.getValue(), new Map<string, unknown>([["a", 1], ["b", [2]]]));
        const odd = await manager.dict<string, number>([["__proto__", 1], ["constructor", 2]]);
        assert.equal(await odd.get("__proto__"), 1);
        assert.equal(await odd.get("toString"), undefined);
        assert.throws(() => manager.dictSync(7 as never), TypeError);
        console.log("done");
      }
    `);
  });

  it("Namespace, Value, Array", async () => {
    await run(`
      if (isMain) {
        await using manager = await Manager();
        const n = await manager.Namespace<{ name: string; job?: string; _hidden?: string }>({ name: "Bob", _hidden: "hidden" });
        assert.ok(n instanceof NamespaceProxy);
        await n.set("job", "Builder");
        assert.equal(n.getSync("name"), "Bob");
        await n.delete("job");
        await assert.rejects(n.delete("job"), KeyError);
        assert.equal(await n.get("job"), undefined);
        assert.deepEqual(await n.getValue(), { name: "Bob", _hidden: "hidden" });
        await assert.rejects(n.set("__proto__" as never, { polluted: true } as never), TypeError);
        assert.equal(({} as { polluted?: boolean }).polluted, undefined);
        assert.equal(await n.get("constructor" as never), undefined);
        const v = await manager.Value("i", 5);
        await v.set(7);
        assert.equal(v.getSync(), 7);
        assert.equal(await v.getValue(), 7);
        const a = manager.ArraySync("d", [0.5, 1.5]);
        await a.set(1, 2.5);
        assert.equal(await a.get(-1), 2.5);
        assert.deepEqual(await a.slice(), [0.5, 2.5]);
        assert.equal(await a.length(), 2);
        await assert.rejects(a.get(2), RangeError);
        assert.match(inspect(a), /^<ArrayProxy object, typeId 'Array' at /);
        console.log("done");
      }
    `);
  });

  it("nested proxies are the objects themselves, at the server, in other threads and processes", async () => {
    await run(`
      async function change(outer: ListProxy<ListProxy<number>>, all: { deep: DictProxy<string, number>[] }) {
        await (await outer.get(0)).append(process.pid);
        all.deep[0]!.setSync("from", 7);
      }
      if (isMain) {
        await using manager = await Manager();
        const a = await manager.list([0, 1]), b = await manager.list([2]);
        const outer = await manager.list([a, b]);
        await a.append(9);
        assert.deepEqual(await (await outer.get(0)).slice(), [0, 1, 9]);
        const inner = await outer.get(1);
        inner.appendSync(3);
        assert.deepEqual(await b.slice(), [2, 3]);
        // Objects made only there, of which nobody here has a proxy any more.
        const d = await manager.dict<string, any>();
        await d.set("list", await manager.list(["deep"]));
        (globalThis as { gc?: () => void }).gc?.();
        assert.equal(await (await d.get("list")).get(0), "deep");
        const deep = await manager.dict<string, number>();
        const thread = new Thread({ target: change, args: [outer, { deep: [deep] }] });
        thread.start();
        await thread.join();
        assert.equal((await a.slice())[3], process.pid);
        const child = new Process({ target: change, args: [outer, { deep: [deep] }] });
        child.start();
        await child.join();
        assert.equal(child.exitCode, 0);
        assert.equal((await a.slice())[4], child.pid);
        assert.equal(await deep.get("from"), 7);
        // A proxy of one manager in an object of another.
        await using other = await Manager();
        const far = await other.list<any>();
        await far.append(a);
        assert.equal((await (await far.get(0)).slice())[2], 9);
        console.log("done");
      }
    `);
  });

  it("crosses with a key of its own: to threads, processes and queues of this program, not in the clear", async () => {
    await run(
      `
      import { encode } from ${JSON.stringify("./encode.ts")};
      function add(list: ListProxy<number>, n: number) { list.appendSync(n); }
      function addDeeper(list: ListProxy<number>) {
        const child = new Process({ target: add, args: [list, 3] });
        child.start();
        child.joinSync();
      }
      if (isMain) {
        await using manager = await Manager({ address: ["127.0.0.1", 0], authkey: "very secret key" });
        const list = await manager.list<number>();
        for (const one of [new Thread({ target: add, args: [list, 1] }), new Process({ target: add, args: [list, 2] }), new Process({ target: addDeeper, args: [list] })]) {
          one.start();
          await one.join();
        }
        assert.deepEqual(await list.slice(), [1, 2, 3]);
        assert.equal(encode(list).includes("very secret key"), false);
        console.log("done");
      }
    `.replace(
        /import \{ encode \}.*\n/,
        `import { Pipe } from "heddle/multiprocessing";
      function encode(value: unknown) {
        const [a, b] = Pipe();
        a.sendSync(value);
        return Buffer.from(b.recvBytesSync()).toString("latin1");
      }\n`,
      ),
    );
  });

  it("gives up objects of which nobody has a proxy any more, and their memory", async () => {
    await run(`
      import { readFileSync } from "node:fs";
      import { setFlagsFromString } from "node:v8";
      import { runInNewContext } from "node:vm";
      import { activeChildren } from "heddle/multiprocessing";
      const rss = (pid: number) => Number(/VmRSS:\\s+(\\d+) kB/.exec(readFileSync("/proc/" + pid + "/status", "latin1"))![1]) / 1024;
      if (isMain) {
        setFlagsFromString("--expose-gc");
        const gc = runInNewContext("gc") as () => void;
        await using manager = await Manager();
        const kept = await manager.list<any>();
        const inner = await manager.list(["inner"]);
        await kept.append(inner);
        const fill = async (count: number) => {
          for (let i = 0; i < count; i++) await manager.list(["x".repeat(1_000_000) + i]);
        };
        const settle = async (count: number) => {
          while ((await manager.numberOfObjects()) > count) { gc(); await new Promise((r) => setTimeout(r, 20)); }
        };
        const pid = activeChildren()[0]!.pid!;
        const before = rss(pid);
        for (let i = 0; i < 6; i++) {
          await fill(200);
          await settle(2);
        }
        // Its collector takes its time, but not for ever.
        const grown = rss(pid) - before;
        assert.ok(grown < 700, "1200 MB went through it, and it grew by " + grown);
        // What lies in another object is kept by that.
        assert.equal(await (await kept.get(0)).get(0), "inner");
        console.log("done");
      }
    `);
  });
});
