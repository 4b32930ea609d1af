import assert from "node:assert/strict";
import fc from "fast-check";
import { MIN_SPAN_NS, Viewport } from "../../webview/model/viewport.js";

function viewport(limit: number, width = 1000): Viewport {
  const view = new Viewport();
  view.setWidth(width);
  view.setLimit(limit);
  return view;
}

describe("Viewport", () => {
  it("shows all of a trace at first", () => {
    const view = viewport(1e9);
    assert.equal(view.start, 0);
    assert.ok(view.end >= 1e9 && view.end < 1.05e9);
    assert.ok(view.isFit);
  });

  it("maps pixels to times and back", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1000, noNaN: true }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (x, zoom) => {
          const view = viewport(1e9);
          view.zoomAt(300, zoom);
          assert.ok(Math.abs(view.xOf(view.timeAt(x)) - x) < 1e-6);
        },
      ),
    );
  });

  it("keeps the instant under the pointer where it is", () => {
    const view = viewport(1e9);
    const time = view.timeAt(400);
    view.zoomAt(400, 0.25);
    assert.ok(Math.abs(view.xOf(time) - 400) < 1e-6);
  });

  it("never leaves the trace, however it is moved", () => {
    const move = fc.oneof(
      fc.record({
        what: fc.constant("zoom" as const),
        x: fc.integer({ min: 0, max: 1000 }),
        by: fc.double({ min: 0.05, max: 20, noNaN: true }),
      }),
      fc.record({
        what: fc.constant("pan" as const),
        x: fc.constant(0),
        by: fc.double({ min: -1e5, max: 1e5, noNaN: true }),
      }),
      fc.record({
        what: fc.constant("show" as const),
        x: fc.integer({ min: -1000, max: 2000 }),
        by: fc.double({ min: 0, max: 2e9, noNaN: true }),
      }),
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
        const view = viewport(1e9);
        for (const { what, x, by } of moves) {
          if (what === "zoom") view.zoomAt(x, by);
          else if (what === "pan") view.panBy(by);
          else view.show(x * 1e6, by);
          assert.ok(view.start >= 0 && view.end <= 1e9 * 1.02, `${view.start} ${view.end}`);
          assert.ok(view.span >= MIN_SPAN_NS * 0.999);
        }
      }),
    );
  });

  it("follows a growing trace until it is panned back, and again at the right edge", () => {
    const view = viewport(1e9);
    view.zoomAt(1000, 0.1);
    const { span } = view;
    view.setLimit(2e9);
    assert.ok(view.end >= 2e9 && Math.abs(view.span - span) < 1);
    view.panBy(-100);
    assert.equal(view.following, false);
    const { start } = view;
    view.setLimit(3e9);
    assert.equal(view.start, start);
    view.panBy(1e9);
    assert.equal(view.following, true);
  });

  it("keeps all in view of a growing trace of which all was in view", () => {
    const view = viewport(1e9);
    view.setLimit(5e9);
    assert.ok(view.isFit);
  });

  it("moves only as far as needed to reveal something", () => {
    const view = viewport(1e9);
    view.show(1e8, 2e8);
    const { start, end } = view;
    view.reveal(1.2e8, 1.3e8);
    assert.deepEqual([view.start, view.end], [start, end]);
    view.reveal(5e8, 5.1e8);
    assert.ok(view.start <= 5e8 && view.end >= 5.1e8 && Math.abs(view.span - (end - start)) < 1);
  });
});
