/** Which Node is too old. */
import { ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { isOlder, OLDEST_NODE } from "../../src/runner/check-node.js";

describe("versions of Node", () => {
  it("are compared as numbers", () => {
    const part = fc.nat(200);
    fc.assert(
      fc.property(fc.tuple(part, part, part), fc.tuple(part, part, part), (have, need) => {
        const order = have[0] - need[0] || have[1] - need[1] || have[2] - need[2];
        strictEqual(isOlder(`v${have.join(".")}`, need.join(".")), order < 0);
      }),
    );
    ok(!isOlder("v26.1.0-nightly", OLDEST_NODE));
    ok(isOlder("v20.9.0", OLDEST_NODE));
  });
});
