import { expectScript } from "../../harness/run-script.js";

describe("options objects", function () {
  this.timeout(60_000);

  it("are refused with a name that is not known, by everything that takes them", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { isMain } from "heddle";
      import { asCompleted, Future, ThreadPoolExecutor, wait as waitFor, waitSync as waitForSync } from "heddle/futures";
      import * as mp from "heddle/multiprocessing";
      import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "heddle/queue";
      import { run, runSync } from "heddle/subprocess";
      import { Lock, RLock, Semaphore, Thread, Timer } from "heddle/threading";
      import { counter, mark, span } from "heddle/trace";
      function work() {}
      const path = process.execPath;
      if (isMain) {
        const odd = { tiemout: 5 } as any;
        const queue = new Queue<number>();
        const simple = new SimpleQueue<number>();
        const lock = new Lock();
        const done = new Future<number>();
        done.setResult(1);
        const thread = new Thread({ target: work });
        thread.start();
        const child = new mp.Process({ target: work });
        child.start();
        using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        const listener = new mp.Listener(null);
        const [ours, theirs] = mp.Pipe<string>();
        const bytes = new Uint8Array(4);
        const attempts: (() => unknown)[] = [
          () => lock.acquire(odd), () => lock.acquireSync(odd), () => lock.hold(odd), () => lock.holdSync(odd),
          () => new RLock().acquireSync(odd), () => new Semaphore().acquireSync(odd),
          () => queue.put(1, odd), () => queue.putSync(1, odd), () => queue.get(odd), () => queue.getSync(odd),
          () => queue.join(odd), () => queue.joinSync(odd), () => queue.shutdown(odd),
          () => simple.put(1, odd), () => simple.putSync(1, odd), () => simple.get(odd), () => simple.getSync(odd),
          () => thread.join(odd), () => thread.joinSync(odd), () => child.join(odd), () => child.joinSync(odd),
          () => done.result(odd), () => done.resultSync(odd), () => done.exception(odd), () => done.exceptionSync(odd),
          () => waitFor([done], odd), () => waitForSync([done], odd), () => asCompleted([done], odd),
          () => asCompleted([done]).next(odd), () => asCompleted([done]).nextSync(odd),
          () => pool.map(work, [1], odd), () => pool.mapSync(work, [1], odd),
          () => pool.map(work, [1]).next(odd), () => pool.map(work, [1]).nextSync(odd),
          () => mp.wait([], odd), () => mp.waitSync([], odd),
          () => listener.accept(odd), () => listener.acceptSync(odd),
          () => mp.Client(listener.address, odd), () => mp.ClientSync(listener.address, odd),
          () => ours.send("x", odd), () => ours.sendSync("x", odd), () => ours.recv(odd), () => ours.recvSync(odd),
          () => ours.poll(odd), () => ours.pollSync(odd), () => ours.sendBytes(bytes, odd),
          () => ours.sendBytesSync(bytes, odd), () => ours.recvBytes(odd), () => ours.recvBytesSync(odd),
          () => ours.recvBytesInto(bytes, odd), () => ours.recvBytesIntoSync(bytes, odd),
          () => run([path, "--version"], odd), () => runSync([path, "--version"], odd),
        ];
        for (const attempt of attempts) {
          const name = String(attempt);
          await assert.rejects(async () => await attempt(), (error: any) => {
            assert.equal(error.constructor, TypeError, name + ": " + error.stack);
            const hint = /shutdown/.test(name) ? "" : " \\\\(did you mean timeout\\\\?\\\\)";
            assert.match(error.message, new RegExp("^there is no option tiemout" + hint + ": the (only )?options? (is|are) "), name);
            return true;
          }, name);
        }
        assert.equal(queue.qsize() + simple.qsize(), 0);
        assert.equal(lock.locked(), false);
        const makes: [() => unknown, string][] = [
          [() => new Queue({ maxsize: 10 } as any), "there is no option maxsize (did you mean maxSize?): the options are maxSize, name, as in { maxSize: 10 }"],
          [() => new Queue({ compare: () => 0 } as any), "there is no option compare: the options are maxSize, name, as in { maxSize: 10 }"],
          [() => new LifoQueue({ max_size: 10 } as any), "there is no option max_size (did you mean maxSize?): the options are maxSize, name, as in { maxSize: 10 }"],
          [() => new PriorityQueue({ cmpare: () => 0 } as any), "there is no option cmpare (did you mean compare?): the options are maxSize, compare, name, as in { maxSize: 10 }"],
          [() => new SimpleQueue({ maxSize: 3 } as any), 'there is no option maxSize: the only option is name, as in { name: "orders" }'],
          [() => new Thread({ targe: work } as any), "there is no option targe (did you mean target?): the options are target, args, name, daemon, as in { target: work, args: [1] }"],
          [() => new mp.Process({ target: work, deamon: true } as any), "there is no option deamon (did you mean daemon?): the options are target, args, name, daemon, as in { target: work, args: [1] }"],
          [() => new Timer(5, work, { arg: [1] } as any), "there is no option arg (did you mean args?): the options are args, name, daemon, as in { args: [1] }"],
          [() => new ThreadPoolExecutor({ max_workers: 2 } as any), "there is no option max_workers (did you mean maxWorkers?): the options are maxWorkers, threadNamePrefix, initializer, initArgs, name, as in { maxWorkers: 4 }"],
          [() => new mp.ThreadPool({ process: 2 } as any), "there is no option process (did you mean processes?): the options are processes, initializer, initArgs, name, as in { processes: 4 }"],
          [() => new mp.SharedMemory({ creat: true, size: 10 } as any), "there is no option creat (did you mean create?): the options are name, create, size, as in { create: true, size: 1024 }"],
          [() => new mp.Listener(null, { authKey: "x" } as any), "there is no option authKey (did you mean authkey?): the options are authkey, family, backlog, name, as in { authkey: key }"],
          [() => mp.Pipe({ duplx: false } as any), "there is no option duplx (did you mean duplex?): the options are duplex, name, as in { duplex: false }"],
          [() => pool.shutdownSync({ cancelFuture: true } as any), "there is no option cancelFuture (did you mean cancelFutures?): the options are wait, cancelFutures, as in { wait: false }"],
          [() => span("x", { detal: 1 } as any), "there is no option detal (did you mean detail?): the options are detail, category, as in { detail: { key: 1 } }"],
          [() => mark("x", { text: 1 } as any), "there is no option text: the options are detail, category, as in { detail: { key: 1 } }"],
          [() => counter("x", 1, { units: "ms" } as any), 'there is no option units (did you mean unit?): the only option is unit, as in { unit: "ms" }'],
        ];
        for (const [make, message] of makes) assert.throws(make, { name: "TypeError", message }, String(make));
        await assert.rejects(pool.shutdown({ wiat: true } as any), TypeError);
        listener.close(); ours.close(); theirs.close();
        await thread.join();
        await child.join();
        console.log("done");
      }
    `);
  });

  it("may hold known names that are undefined, come from a class, and be no position", async () => {
    await expectScript(`
      import assert from "node:assert/strict";
      import { Pipe, SharedMemory } from "heddle/multiprocessing";
      import { Queue, SimpleQueue } from "heddle/queue";
      import { Lock } from "heddle/threading";
      class Limits { maxSize = 2; get other() { return 1; } half() { return 1; } }
      const queue = new Queue<number>(new Limits());
      assert.equal(queue.maxSize, 2);
      await queue.put(1, { timeout: undefined, blocking: undefined, signal: undefined });
      assert.equal(queue.getSync({ timeout: undefined }), 1);
      assert.equal(new Lock().acquireSync(Object.create(null)), true);
      for (const bad of [10, "x", true, null, work] as any[]) {
        for (const make of [() => new Queue(bad), () => new SimpleQueue(bad), () => Pipe(bad), () => new SharedMemory(bad),
          () => new Lock().acquireSync(bad), () => queue.getSync(bad), () => queue.putSync(1, bad)]) {
          assert.throws(make, /^TypeError: options must be an object such as \\{ .* \\}, not (10|"x"|true|null|function work)$/, String(make));
        }
      }
      function work() {}
      assert.equal(queue.qsize(), 0);
      console.log("done");
    `);
  });
});
