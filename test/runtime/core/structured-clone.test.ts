import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { DataCloneError, KeyError, TimeoutError } from "../../../src/runtime/core/errors.js";
import { registerHandle, toHandle } from "../../../src/runtime/core/handles.js";
import { decode, encode, transfer } from "../../../src/runtime/core/structured-clone.js";

const copy = <V>(value: V): V => decode(encode(value)) as V;

/** What cannot cross, with its path. */
function refusal(value: unknown, path = "args"): DataCloneError {
  try {
    encode(value, { path });
  } catch (error) {
    assert.ok(error instanceof DataCloneError, String(error));
    return error;
  }
  assert.fail("it was encoded");
}

describe("structured clone", () => {
  it("copies whatever structuredClone copies, the same way", () => {
    const value = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: false,
      withBoxedValues: true,
    });
    fc.assert(
      fc.property(value, (v) => {
        // No two invalid dates are equal to Node's assert; they are looked at below.
        fc.pre(!inspect(v, { depth: null, maxArrayLength: null }).includes("Invalid Date"));
        const ours = copy(v);
        assert.deepStrictEqual(ours, structuredClone(v));
      }),
      { numRuns: 500 },
    );
    const [invalid] = copy([new Date(Number.NaN)]) as [Date];
    assert.ok(invalid instanceof Date && Number.isNaN(invalid.getTime()));
  });

  it("copies any string, lone surrogates too", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), fc.boolean(), (s, broken) => {
        const text = broken ? `${s}\ud800` : s;
        assert.equal(copy(text), text);
      }),
    );
    const long = "é".repeat(100_000);
    assert.equal(copy(long), long);
  });

  it("copies any number exactly", () => {
    fc.assert(fc.property(fc.double(), (n) => Object.is(copy(n), n)));
    fc.assert(fc.property(fc.integer(), (n) => Object.is(copy(n), n)));
    for (const n of [-0, 255, 256, -1, 2 ** 31, -(2 ** 31), 2 ** 53, Number.NaN]) assert.ok(Object.is(copy(n), n));
  });

  it("keeps cycles and shared references, with any number of objects", () => {
    const shared = { n: 1 };
    const value: Record<string, unknown> = { a: shared, b: shared, list: [] };
    value.self = value;
    value.map = new Map<unknown, unknown>([[shared, value]]);
    for (let i = 0; i < 20; i++) (value.list as unknown[]).push({ i }, shared);
    const out = copy(value) as typeof value & { a: object; list: unknown[]; map: Map<unknown, unknown> };
    assert.equal(out.self, out);
    assert.equal(out.a, out.b);
    assert.equal(out.map.get(out.a), out);
    assert.ok(out.list.filter((each) => each === out.a).length === 20);
    assert.notEqual(out.a, shared);
  });

  it("keeps views of one buffer together, and Buffers as Buffers", () => {
    const buffer = new ArrayBuffer(16);
    const value = { a: new Uint8Array(buffer, 4, 4), b: new Float64Array(buffer), buffer };
    value.a.set([1, 2, 3, 4]);
    const out = copy(value);
    assert.equal(out.a.buffer, out.buffer);
    assert.equal(out.b.buffer, out.buffer);
    assert.deepEqual([...out.a], [1, 2, 3, 4]);
    assert.ok(Buffer.isBuffer(copy(Buffer.from("abc"))));
  });

  it("does not let a field named __proto__ become the prototype", () => {
    const evil = JSON.parse('{"__proto__": {"polluted": true}}') as object;
    const out = copy(evil) as { polluted?: boolean };
    assert.equal(out.polluted, undefined);
    assert.deepEqual(Object.keys(out), ["__proto__"]);
  });

  it("carries errors with class, fields, cause and both stacks", () => {
    const error = Object.assign(new RangeError("too far", { cause: new KeyError("k") }), { code: "EFAR", at: [1, 2] });
    const out = copy(error) as RangeError & { code: string; at: number[]; cause: KeyError };
    assert.ok(out instanceof RangeError);
    assert.equal(out.message, "too far");
    assert.equal(out.code, "EFAR");
    assert.deepEqual(out.at, [1, 2]);
    assert.ok(out.cause instanceof KeyError);
    assert.equal(out.cause.key, "k");
    assert.match(String(out.stack), /^RangeError: too far\n(.|\n)*--- in (.|\n)*structured-clone\.test\.ts/);
    assert.deepEqual(Object.keys(out).sort(), ["at", "code"]);
    const group = copy(new AggregateError([new TimeoutError("a"), 3], "all")) as AggregateError;
    assert.ok(group instanceof AggregateError && group.errors[0] instanceof TimeoutError && group.errors[1] === 3);
  });

  it("carries an error of a class unknown here by its name, and whatever hangs on it as text", () => {
    class Odd extends TypeError {
      socket = () => {};
    }
    const out = copy(new Odd("odd")) as TypeError & { socket: unknown };
    assert.ok(out instanceof TypeError);
    assert.equal(out.name, "Odd");
    assert.equal(typeof out.socket, "string");
  });

  it("finds registered classes of errors again", () => {
    class Mine extends Error {
      constructor(readonly field: number) {
        super(`mine ${field}`);
      }
    }
    const modules = Symbol.for("heddle.modules");
    const known = globalThis as Record<symbol, unknown>;
    known[modules] ??= new Map();
    const registry = known[modules] as Map<string, object>;
    registry.set("file:///mine.js", { Mine: () => Mine });
    const out = copy(new Mine(4)) as Mine;
    assert.ok(out instanceof Mine);
    assert.equal(out.field, 4);
    registry.delete("file:///mine.js");
  });

  it("names the path of what cannot cross", () => {
    assert.equal(refusal([{ socket: () => {} }]).path, "args[0].socket");
    assert.equal(refusal([{ socket: () => {} }]).functionName, "socket");
    assert.equal(refusal([1, { "a b": Symbol("x") }]).path, 'args[1]["a b"]');
    assert.equal(refusal([new Map([["k", Promise.resolve()]])]).path, 'args[0].get("k")');
    assert.equal(refusal({ deep: { list: [0, new WeakMap()] } }).path, "args.deep.list[1]");
    assert.equal(refusal([{ ok: { fine: 1 } }, new SharedArrayBuffer(4)]).path, "args[1]");
    // After a refusal the next value has its own path.
    assert.equal(refusal([() => {}]).path, "args[0]");
  });

  it("refuses what is more than its fields, instead of sending it empty", () => {
    class Address extends URL {}
    const [memory, number] = [new WebAssembly.Memory({ initial: 1 }), new Intl.NumberFormat("en")];
    const things = [
      new URL("http://a/b"),
      new Address("http://a/b"),
      new Headers(),
      [1][Symbol.iterator](),
      memory,
      number,
    ];
    for (const thing of things) {
      assert.match(refusal([{ thing }]).message, /^args\[0\]\.thing: a value of (class|kind) \w.* cannot cross/);
    }
    assert.match(refusal(new Map().keys()).message, /kind Map Iterator|class Iterator/);
    // Node can copy these to a thread, but they have no bytes.
    for (const thing of [new Blob(["x"]), createSecretKey(Buffer.from("k"))]) {
      const extras: unknown[] = [];
      const [there] = decode(encode([thing], { extras }), { extras }) as unknown[];
      assert.equal(there, thing);
      assert.match(refusal(thing).message, /cannot cross this way/);
    }
    // Classes of users are theirs, whatever they look like.
    class Tagged {
      readonly [Symbol.toStringTag] = "Blob";
      a = 1;
    }
    class Url {
      b = 2;
    }
    (globalThis as Record<string, unknown>).Url = Url;
    try {
      assert.deepEqual(copy([new Tagged(), new Url()]), [{ a: 1 }, { b: 2 }]);
    } finally {
      delete (globalThis as Record<string, unknown>).Url;
    }
  });

  it("moves marked buffers, and only when everything could cross", () => {
    const buffer = new ArrayBuffer(8);
    new Uint8Array(buffer)[3] = 7;
    const value = transfer({ buffer, bad: (() => {}) as unknown }, [buffer]);
    refusal(value);
    assert.equal(buffer.byteLength, 8);
    value.bad = 1;
    const out = decode(encode(value)) as { buffer: ArrayBuffer };
    assert.equal(buffer.byteLength, 0);
    assert.equal(new Uint8Array(out.buffer)[3], 7);
    assert.throws(() => transfer(value, [buffer]), DataCloneError);
    assert.throws(() => transfer(value, [new SharedArrayBuffer(2) as never]), DataCloneError);
  });

  it("sends objects of the library by handle, also while one encodes something itself", () => {
    class Thing {
      constructor(readonly id: number) {}
      [toHandle]() {
        return { tag: "test.thing", value: decode(encode({ id: this.id })) };
      }
    }
    registerHandle<{ id: number }>("test.thing", ({ id }) => new Thing(id));
    const thing = new Thing(5);
    const out = copy({ list: [thing, thing], set: new Set([thing]) });
    assert.ok(out.list[0] instanceof Thing && out.list[0].id === 5);
    assert.equal(out.list[0], out.list[1]);
    assert.ok(out.set.has(out.list[0]));
  });

  it("refuses bytes that are no value", () => {
    assert.throws(() => decode(new Uint8Array([250])), RangeError);
  });

  it("refuses bytes that are cut off, wherever, or end in it at least", () => {
    const bytes = encode({ list: Array.from({ length: 300 }, (_, i) => i), text: "x".repeat(300), at: new Date(0) });
    for (let length = 0; length < bytes.length; length++) {
      try {
        decode(bytes.subarray(0, length));
      } catch (error) {
        assert.ok(error instanceof RangeError || error instanceof TypeError, String(error));
      }
    }
    // A length whose last byte is missing.
    assert.throws(() => decode(Uint8Array.of(13, 255)), RangeError);
  });

  it("leaves it to the caller which handles become objects", () => {
    registerHandle("test only here", () => assert.fail("it was made"));
    const handled = Object.create({ [toHandle]: () => ({ tag: "test only here", value: 7 }) }) as object;
    const bytes = encode([handled]);
    const seen = decode(bytes, { fromHandle: (handle) => ({ instead: handle.value }) });
    assert.deepEqual(seen, [{ instead: 7 }]);
  });
});
