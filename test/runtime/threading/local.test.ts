import { expectScript } from "../../harness/run-script.js";

describe("local", function () {
  this.timeout(90_000);

  it("is an object like any other in one thread", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { inspect } from "node:util";
      import { local } from "heddle/threading";

      const empty: any = new local();
      assert.equal(empty.x, undefined);
      assert.equal("x" in empty, false);
      empty.x = 5;
      empty.list = [1];
      empty.list.push(2);
      assert.deepEqual(Object.keys(empty), ["x", "list"]);
      assert.deepEqual({ ...empty }, { x: 5, list: [1, 2] });
      assert.equal(JSON.stringify(empty), '{"x":5,"list":[1,2]}');
      assert.equal(inspect(empty), "{ x: 5, list: [ 1, 2 ] }");
      assert.ok("x" in empty && Object.hasOwn(empty, "x"));
      delete empty.x;
      assert.equal("x" in empty, false);
      assert.deepEqual(Object.entries(empty), [["list", [1, 2]]]);
      const f = () => 1;
      empty.f = f;
      assert.equal(empty.f, f);
      assert.equal(empty.f(), 1);
      Object.defineProperty(empty, "hidden", { value: 3, enumerable: false, configurable: true });
      assert.equal(empty.hidden, 3);
      assert.ok(!Object.keys(empty).includes("hidden"));
      assert.deepEqual(Object.getOwnPropertyDescriptor(empty, "hidden"), { value: 3, enumerable: false, configurable: true, writable: false });
      for (const key in empty) assert.ok(["list", "f"].includes(key));
      Object.assign(empty, { y: 1 });
      const { y } = empty;
      assert.equal(y, 1);
      assert.throws(() => Object.freeze(empty), TypeError);

      // Made at the first use, once; whatever it is.
      let made = 0;
      const counted = new local(() => { made++; return { hits: 0 }; });
      assert.equal(made, 0);
      counted.hits += 2;
      counted.hits++;
      assert.deepEqual([made, counted.hits], [1, 3]);
      const map = new local(() => new Map([["a", 1]]));
      map.set("b", 2);
      assert.deepEqual([map.size, [...map.keys()]], [2, ["a", "b"]]);
      class Account {
        #balance = 10;
        fee = 1;
        get balance() { return this.#balance; }
        take(n: number) { this.#balance -= n + this.fee; return this; }
      }
      const account = new local(() => new Account());
      account.take(3);
      account.fee = 2;
      assert.equal(account.balance, 6);
      assert.ok(account instanceof Account);
      assert.equal(account.constructor, Account);
      assert.equal(account.take, account.take);

      // A function that fails fails where it is used, and may succeed the next time.
      let fails = true;
      const moody = new local(() => { if (fails) throw new Error("not yet"); return { ok: true }; });
      assert.throws(() => moody.ok, /not yet/);
      fails = false;
      assert.equal(moody.ok, true);
      const nothing = new local((() => 3) as any);
      assert.throws(() => (nothing as any).x, TypeError);
      assert.throws(() => new local(3 as any), TypeError);
      assert.throws(() => (local as any)(), TypeError);
      console.log("done");
    `);
  });

  it("has fields of its own in each thread, also when it is handed over and back", async () => {
    await expectScript(
      `
      import assert from "node:assert/strict";
      import { DataCloneError, isMain } from "heddle";
      import { Thread, local } from "heddle/threading";
      import { Queue } from "heddle/queue";
      import { ThreadPoolExecutor } from "heddle/futures";
      import { Process } from "heddle/multiprocessing";
      import { fresh } from "./fields.ts";

      const context = new local(fields);
      function fields() { return { user: "nobody", hits: 0 }; }
      function work(given: { user: string; hits: number }, loose: any, deep: { map: Map<string, any> }, n: number, out: Queue) {
        assert.deepEqual(Object.keys(loose), []);
        assert.equal(deep.map.get("loose"), loose);
        assert.equal(given.user, "nobody");
        for (let i = 0; i < n; i++) given.hits++;
        loose.name = "mine " + n;
        // A module's own is another one: it was made here.
        context.hits = 100;
        out.putSync([given.hits, loose.name, { back: given }]);
      }
      function hit(given: { hits: number }) { return ++given.hits; }
      function nothing(_: unknown) {}
      if (isMain) {
        const out = new Queue();
        const given = new local(fields);
        const loose: any = new local();
        const elsewhere = new local(fresh);
        given.hits = 7;
        loose.name = "main's";
        const threads = [1, 2, 3].map((n) => new Thread({ target: work, args: [given, loose, { map: new Map([["loose", loose]]) }, n, out] }));
        for (const t of threads) t.start();
        for (const t of threads) await t.join();
        const got: any[] = [];
        while (!out.empty()) got.push(out.getNowait());
        assert.deepEqual(got.map(([hits, name]) => [hits, name]).sort(), [[1, "mine 1"], [2, "mine 2"], [3, "mine 3"]]);
        for (const [, , { back }] of got) assert.equal(back, given, "the same object comes back");
        assert.deepEqual([given.hits, loose.name, context.hits], [7, "main's", 0]);
        assert.equal(elsewhere.list.length, 1);

        // In a pool's thread it lasts from task to task.
        using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        assert.deepEqual([await pool.submit(hit, given), await pool.submit(hit, given), given.hits], [1, 2, 7]);

        const factor = 3;
        const closes = new local(() => ({ factor }));
        assert.equal(closes.factor, 3);
        assert.throws(() => new Thread({ target: nothing, args: [{ closes }] }).start(), (e: any) => e instanceof DataCloneError && e.path === "args[0].closes" && /factor/.test(e.message));
        assert.throws(() => new Process({ target: nothing, args: [given] }).start(), DataCloneError);
        console.log("done");
      }
    `,
      { files: { "fields.ts": "export function fresh() { return { list: [1] }; }" } },
    );
  });
});
