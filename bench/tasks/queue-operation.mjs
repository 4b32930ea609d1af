/** Nanoseconds of one put and one get of a queue that never leaves its thread: `queue-operation.mjs NAME FORM`. */
import { importIfThere, need, nsEach, nsEachAsync, operations, result } from "./timing.mjs";

const [, , name, form] = process.argv;
const BATCH = 10_000;

/** An array used as a queue of at most one item: the floor. */
class PlainArray {
  items = [];
  putNowait(item) {
    this.items.push(item);
  }
  getNowait() {
    return this.items.shift();
  }
}

const Queue = name === "array" ? PlainArray : need(await importIfThere("heddle/queue"), name);
const queue = new Queue();
let sum = 0;
const bodies = {
  nowait: (n) => {
    for (let i = 0; i < n; i++) {
      queue.putNowait(i);
      sum += queue.getNowait();
    }
  },
  sync: (n) => {
    for (let i = 0; i < n; i++) {
      queue.putSync(i);
      sum += queue.getSync();
    }
  },
  await: async (n) => {
    for (let i = 0; i < n; i++) {
      await queue.put(i);
      sum += await queue.get();
    }
  },
};
const ns = await (form === "await" ? nsEachAsync : nsEach)(bodies[form], BATCH);
const count = operations(BATCH);
const expected = (count / BATCH) * ((BATCH * (BATCH - 1)) / 2);
if (sum !== expected) throw new Error(`${name}: items were lost`);
result({ ns, expect: name === "array" ? {} : { puts: count, gets: count } });
