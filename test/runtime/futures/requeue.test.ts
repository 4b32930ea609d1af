/** Tasks that a worker of a pool had claimed and not begun when it died, at the ends of their channel. */
import assert from "node:assert/strict";
import { MessageChannel } from "node:worker_threads";
import { transfer } from "../../../src/runtime/core/structured-clone.js";
import { allocateWorker } from "../../../src/runtime/core/task-channel.js";
import { TaskReceiver } from "../../../src/runtime/core/task-receiver.js";
import { TaskSender } from "../../../src/runtime/core/task-sender.js";
import { TaskExtras } from "../../../src/runtime/futures/task-extras.js";

interface Owner {
  readonly name: string;
}

function channel() {
  const sender = new TaskSender<Owner>();
  const extras = new TaskExtras();
  const [one, other] = [allocateWorker(), allocateWorker()];
  const workers = [one, other].map(({ index }) => new TaskReceiver(sender.index, index)) as [
    TaskReceiver,
    TaskReceiver,
  ];
  const push = (name: string, ...args: unknown[]) =>
    sender.push(0, args, { name }, (ticket, list) => extras.add(ticket, list));
  const requeue = () => {
    const moved: [string, number, number][] = [];
    sender.requeueUnbegun(
      (owner, from, to) => {
        extras.move(from, to);
        moved.push([owner.name, from, to]);
        return owner;
      },
      () => assert.fail("there is room"),
    );
    return moved;
  };
  return { sender, extras, workers, push, requeue };
}

describe("tasks that a dead thread had claimed", () => {
  it("are queued again, once, whoever had them, and those that nobody had stay where they are", () => {
    const { sender, workers, push, requeue } = channel();
    const [dead, living] = workers;
    for (const name of ["running", "claimed", "of the living", "queued"]) push(name, "x".repeat(100), name);
    assert.ok(dead.claim() && dead.begin());
    // Its first ends, and it takes another; the next is of one that lives and is as far.
    assert.ok(dead.claim());
    assert.ok(living.claim());
    assert.deepEqual(requeue(), [
      ["claimed", 1, 4],
      ["of the living", 2, 5],
    ]);
    assert.equal(living.begin(), false, "it is told that it is not its any more");
    assert.equal(sender.finish(living.ticket), null);
    const seen: unknown[] = [];
    while (living.claim()) {
      assert.ok(living.begin());
      seen.push([living.ticket, living.args({})[1]]);
      assert.equal(sender.finish(living.ticket)?.name, (seen.at(-1) as string[])[1]);
    }
    assert.deepEqual(seen, [
      [3, "queued"],
      [4, "claimed"],
      [5, "of the living"],
    ]);
    assert.equal(sender.ownerOf(0)?.name, "running", "what has begun is not done twice");
    assert.deepEqual(requeue(), []);
  });

  it("keep what cannot be in shared memory: buffers and ports", () => {
    const { extras, workers, push, requeue } = channel();
    const [dead, living] = workers;
    const { port1, port2 } = new MessageChannel();
    const mine = new MessageChannel();
    const shared = new SharedArrayBuffer(8);
    new Int32Array(shared)[1] = 42;
    extras.addWorker(mine.port1);
    push("buffer", shared);
    push("port", transfer(port2, [port2]));
    const sent: { ticket: number; extras: unknown[] }[] = [];
    const took = new Promise<void>((resolve) => {
      mine.port2.on("message", (message) => {
        sent.push(message);
        if (sent.length === 3) resolve();
      });
    });
    assert.ok(dead.claim());
    assert.ok(living.claim());
    assert.equal(requeue().length, 2);
    assert.ok(living.claim() && living.hasExtras && living.begin());
    assert.equal(living.ticket, 2);
    assert.ok(living.claim() && living.hasExtras && living.begin());
    // A port goes to the one that has begun its task.
    extras.send(living.ticket, mine.port1);
    return took.then(() => {
      assert.deepEqual(
        sent.map(({ ticket }) => ticket),
        [0, 2, 3],
      );
      assert.equal(new Int32Array(sent[1]!.extras[0] as SharedArrayBuffer)[1], 42);
      for (const port of [port1, mine.port1, sent[2]!.extras[0] as MessagePort]) port.close();
    });
  });
});
