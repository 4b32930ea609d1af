import assert from "node:assert/strict";
import { HandleCache } from "../../../src/runtime/core/handles.js";

describe("the objects of a thread by their numbers", () => {
  it("are noted once, however often they cross", () => {
    const { register } = FinalizationRegistry.prototype;
    let noted = 0;
    FinalizationRegistry.prototype.register = function (...args) {
      noted++;
      register.apply(this, args);
    };
    try {
      const cache = new HandleCache<object>();
      const [first, second] = [{}, {}];
      for (let i = 0; i < 5; i++) cache.set(1, first);
      assert.deepEqual([noted, cache.get(1) === first], [1, true]);
      // The words of one that is gone may be another's.
      cache.set(1, second);
      cache.set(2, first);
      assert.deepEqual([noted, cache.get(1) === second, cache.get(2) === first], [3, true, true]);
    } finally {
      FinalizationRegistry.prototype.register = register;
    }
  });
});
