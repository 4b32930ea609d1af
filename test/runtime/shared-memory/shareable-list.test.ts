import { spawnSync } from "node:child_process";
import { expectScript } from "../../harness/run-script.js";

const head = `
import assert from "node:assert/strict";
import { isMain, RuntimeError } from "heddle";
import { Process, ShareableList, SharedMemory } from "heddle/multiprocessing";
import { Thread } from "heddle/threading";
import { execFileSync } from "node:child_process";
const end = (...lists: { shm: SharedMemory }[]) => { for (const { shm } of lists) { shm.close(); shm.unlink(); } };
/** Python of before 3.13 takes a name it attached to for its own, and would remove it. */
const python = (code: string, ...args: string[]) =>
  execFileSync("python3", ["-c", \`
import sys, json
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import ShareableList, SharedMemory
def attach(name):
    sl = ShareableList(name=name)
    resource_tracker.unregister(sl.shm._name, "shared_memory")
    return sl
\${code}\`, ...args], { encoding: "utf8" });
`;
const options = { timeout: 50_000 };
const hasPython = spawnSync("python3", ["-c", "import multiprocessing.shared_memory"]).status === 0;

describe("ShareableList", () => {
  it("gives back what was put in, by index, from the end, and in order", () =>
    expectScript(
      `${head}
const values = ["howdy", new Uint8Array([72, 111]), -273.154, 100, null, true, 42n, "", "a\\u00e9\\u{1f600}", false];
const list = new ShareableList(values);
assert.equal(list.length, 10);
assert.deepEqual([...list], values);
assert.equal(list[0], "howdy");
assert.equal(list.at(-2), values[8]);
assert.equal(list.at(0), list.at(-10));
for (const index of [10, -11]) assert.throws(() => list.at(index), RangeError);
for (const index of [10, -1]) {
  assert.throws(() => list[index], RangeError);
  assert.throws(() => { list[index] = 1; }, RangeError);
}
assert.throws(() => list.at(0.5), TypeError);
assert.equal(0 in list && 9 in list && !(10 in list), true);
assert.equal(list instanceof ShareableList, true);
end(list);
console.log("done");`,
      options,
    ));

  it("tells numbers from bigints, also those that Python's int holds", () =>
    expectScript(
      `${head}
const values = [0, -0, 2 ** 53 - 1, 2 ** 53, 1e300, NaN, Infinity, 5n, -(2n ** 63n), 2n ** 63n - 1n];
const list = new ShareableList<number | bigint>(values);
assert.deepEqual([...list], values);
assert.equal(list.format, "qdqddddqqq");
assert.throws(() => new ShareableList([2n ** 63n]), RangeError);
assert.throws(() => { list[0] = -(2n ** 63n) - 1n; }, RangeError);
end(list);
console.log("done");`,
      options,
    ));

  it("keeps a slot's room, whatever it holds meanwhile", () =>
    expectScript(
      `${head}
const list = new ShareableList<any>(["howdy", 5, "x".repeat(8)]);
assert.equal(list.format, "8sq16s");
list[0] = "12345678";
assert.equal(list[0], "12345678");
assert.throws(() => { list[0] = "123456789"; }, RangeError);
assert.throws(() => { list[0] = "\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9"; }, RangeError, "what counts is bytes");
assert.equal(list[0], "12345678", "a value that does not fit changes nothing");
list[0] = 7;
assert.deepEqual([list[0], list.format], [7, "qq16s"]);
list[0] = new Uint8Array([1, 2]);
assert.deepEqual([list[0], list.format], [new Uint8Array([1, 2]), "8sq16s"]);
list[1] = "eight!!!";
assert.equal(list[1], "eight!!!");
list[2] = null;
list[2] = "sixteen letters!";
assert.equal(list[2], "sixteen letters!");
list[2] = "s";
assert.equal(list[2], "s", "nothing of a longer text is left");
assert.equal(list.format, "8s8s16s");
assert.throws(() => { list[0] = {} as never; }, TypeError);
assert.throws(() => { list[0] = undefined; }, TypeError);
assert.throws(() => new ShareableList([new Date() as never]), TypeError);
end(list);
console.log("done");`,
      options,
    ));

  it("counts and finds values", () =>
    expectScript(
      `${head}
const list = new ShareableList<any>(["a", 1, "a", 1n, null, new Uint8Array([1, 2]), true]);
assert.deepEqual([list.count("a"), list.count("b"), list.count(1), list.count(null)], [2, 0, 1, 1]);
assert.deepEqual([list.index("a"), list.index(1n), list.index(new Uint8Array([1, 2])), list.index(true)], [0, 3, 5, 6]);
assert.throws(() => list.index("missing"), RangeError);
assert.throws(() => list.index(new Uint8Array([1, 3])), RangeError);
end(list);
console.log("done");`,
      options,
    ));

  it("is found by name, by threads and by processes", () =>
    expectScript(
      `${head}
function change(list: ShareableList<any>, index: number) {
  list[index] = list[index] + "!";
  list.shm.close();
}
if (isMain) {
  const name = "heddle_list_" + process.pid;
  const list = new ShareableList(["thread", "child"], { name });
  assert.equal(list.shm.name, name);
  const same = new ShareableList<string>(null, { name });
  same[0] = "Thread";
  assert.equal(list[0], "Thread");
  assert.equal(new ShareableList<string>(undefined, { name })[0], "Thread");
  const all = [new Thread({ target: change, args: [list, 0] }), new Process({ target: change, args: [list, 1] })];
  for (const it of all) it.start();
  for (const it of all) await it.join();
  assert.deepEqual([...list], ["Thread!", "child!"]);
  same.shm.close();
  assert.throws(() => same[0], RuntimeError);
  assert.throws(() => new ShareableList(["x"], { name }), (e: any) => e.code === "EEXIST");
  const empty = new ShareableList();
  assert.deepEqual([empty.length, [...empty], empty.format, empty.shm.size >= 16], [0, [], "", true]);
  assert.equal(new ShareableList(null, { name: empty.shm.name }).length, 0);
  end(list, empty);
  console.log("done");
}`,
      options,
    ));

  it("refuses memory that holds no list", () =>
    expectScript(
      `${head}
for (const bytes of [[], [5], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], [1, 0, 0, 0, 0, 0, 0, 0, 9]]) {
  const shm = new SharedMemory({ create: true, size: 40 });
  shm.buf.set(bytes);
  if (bytes.length > 0) assert.throws(() => new ShareableList(null, { name: shm.name }), RuntimeError);
  else assert.equal(new ShareableList(null, { name: shm.name }).length, 0);
  shm.close();
  shm.unlink();
}
console.log("done");`,
      options,
    ));

  it("is read and written by CPython", function () {
    if (!hasPython) {
      console.log("      no python3 here");
      this.skip();
    }
    return expectScript(
      `${head}
const list = new ShareableList<any>(["howdy", new Uint8Array([1, 255]), -273.154, 100, null, true, 42n, "\\u00e9\\u{1f600}"]);
const [seen, format] = JSON.parse(python(\`
sl = attach(sys.argv[1])
print(json.dumps([[v.hex() if isinstance(v, bytes) else [type(v).__name__, v] for v in sl], sl.format]))
sl[0] = "HOWDY!!!"
sl[3] = 2 ** 60
sl[6] = "py"
sl[5] = None
sl[4] = False
sl[2] = 7
sl.shm.close()\`, list.shm.name));
assert.deepEqual(seen, [["str", "howdy"], "01ff", ["float", -273.154], ["int", 100], ["NoneType", null], ["bool", true], ["int", 42], ["str", "\\u00e9\\u{1f600}"]]);
assert.equal(format, "8s8sdqxxxxxx?xxxxxxxx?1q8s");
assert.deepEqual([...list], ["HOWDY!!!", new Uint8Array([1, 255]), 7, 2n ** 60n, false, null, "py", "\\u00e9\\u{1f600}"]);
end(list);
console.log("done");`,
      options,
    );
  });

  it("reads and writes CPython's, byte for byte the same", function () {
    if (!hasPython) {
      console.log("      no python3 here");
      this.skip();
    }
    return expectScript(
      `${head}
// Python makes it, we change it, Python looks, all over one line each way.
const { spawn } = await import("node:child_process");
const child = spawn("python3", ["-uc", \`
import sys, json
from multiprocessing.shared_memory import ShareableList
sl = ShareableList(["howdy", b"HoWdY\\\\x00\\\\x01", -273.154, 100, None, True, 42, "12345678"])
print(sl.shm.name, bytes(sl.shm.buf).hex(), sl.format, flush=True)
sys.stdin.readline()
print(json.dumps([v.hex() if isinstance(v, bytes) else v for v in sl]), flush=True)
sl.shm.close()
sl.shm.unlink()
\`], { stdio: ["pipe", "pipe", "inherit"] });
const lines = (await import("node:readline")).createInterface({ input: child.stdout })[Symbol.asyncIterator]();
const [name, hex, format] = (await lines.next()).value!.split(" ");
const theirs = new ShareableList<any>(null, { name: name! });
const values = ["howdy", new Uint8Array([72, 111, 87, 100, 89, 0, 1]), -273.154, 100, null, true, 42, "12345678"];
assert.deepEqual([...theirs], values);
assert.equal(theirs.format, format);
const ours = new ShareableList(values);
assert.equal(Buffer.from(ours.shm.buf).toString("hex"), hex);
theirs[0] = "changed";
theirs[3] = 0.5;
theirs[4] = false;
theirs[6] = 12n;
theirs.shm.close();
child.stdin.write("\\n");
assert.deepEqual(JSON.parse((await lines.next()).value!), ["changed", "486f5764590001", -273.154, 0.5, false, true, 12, "12345678"]);
end(ours);
console.log("done");`,
      options,
    );
  });
});
