/** The timeline while it reads: files that are broken, that grow, and that are large. */
import assert from "node:assert/strict";
import { headerFrame } from "../../src/trace/writer.js";
import { largeTrace } from "../analysis/large-trace.js";
import { ms } from "../analysis/synthetic-trace.js";
import { demoTrace } from "./demo-trace.js";
import { TimelinePages } from "./timeline-pages.js";

describe("the timeline while it reads", function () {
  this.timeout(60_000);
  const pages = new TimelinePages();

  it("says what is wrong with an empty, foreign, newer or cut file", async () => {
    const newer = headerFrame(
      { command: ["a.ts"], cwd: "/", startedAt: 0, originNs: "0", node: "", platform: "linux", cores: 1 },
      999,
    );
    for (const [bytes, words] of [
      [new Uint8Array(0), /empty/i],
      [new TextEncoder().encode("#!/bin/sh\necho no trace\n"), /cannot be read/],
      [newer, /cannot be read[\s\S]*newer/i],
    ] as const) {
      await pages.open({ bytes });
      await pages.page.waitForSelector(".empty.failed");
      assert.match(await pages.page.locator(".empty").innerText(), words);
      await pages.page.close();
    }
    const whole = demoTrace().bytes();
    await pages.openTrace(whole.subarray(0, Math.floor(whole.length * 0.6)));
    assert.ok((await pages.titles()).includes("worker-1"));
    assert.equal(await pages.page.locator(".note.warning").count(), 1);
  });

  it("grows live, follows the right edge until the user pans, and can be stopped", async () => {
    const bytes = demoTrace().bytes();
    await pages.open({ bytes: null }, { fakeHost: true });
    await pages.page.waitForFunction(() => globalThis.sent.some((message) => message.type === "ready"));
    await pages.post({ type: "trace-reset", name: "pipeline.ts", live: true });
    await pages.post({ type: "trace-status", state: "running", detail: "" });
    await pages.page.getByText("Waiting for the script's first event…").waitFor();
    const part = (from: number, to: number, done = false): Promise<void> =>
      pages.postBytes(bytes.subarray(Math.floor(bytes.length * from), Math.floor(bytes.length * to)), done);
    await part(0, 0.3);
    await pages.page.waitForSelector("body[data-lanes]");
    await pages.drawn();
    assert.ok(await pages.page.locator(".badge.live").isVisible());
    assert.ok(await pages.page.locator("button.stop").isVisible());
    const early = await pages.axis();
    await part(0.3, 0.6);
    await pages.page.waitForFunction(
      (before) => [...document.querySelectorAll(".axis text")].map((text) => text.textContent).join() !== before,
      early,
    );
    for (let i = 0; i < 4; i++) await pages.page.keyboard.press("w");
    await pages.page.keyboard.press("a");
    await pages.drawn();
    assert.ok(await pages.page.locator("button.follow").isVisible());
    const panned = await pages.axis();
    await part(0.6, 0.8);
    await pages.drawn();
    assert.equal(await pages.axis(), panned);
    await pages.page.locator("button.follow").click();
    await pages.drawn();
    assert.notEqual(await pages.axis(), panned);
    assert.ok(!(await pages.page.locator("button.follow").isVisible()));
    await pages.page.locator("button.stop").click();
    assert.ok(await pages.page.evaluate(() => globalThis.sent.some((message) => message.type === "stop")));
    await part(0.8, 1, true);
    await pages.post({ type: "trace-status", state: "ended", detail: "" });
    await pages.page.waitForFunction(() =>
      globalThis.sent.some((message) => message.type === "state" && message.complete),
    );
    await pages.drawn();
    assert.ok(!(await pages.page.locator(".badge.live").isVisible()));
    assert.ok(!(await pages.page.locator("button.stop").isVisible()));
    assert.ok(await pages.page.evaluate(() => globalThis.sent.some((message) => message.type === "headline")));
  });

  it("says how far it has read, shows what it has, and answers meanwhile", async () => {
    const bytes = largeTrace({ events: 200_000 }).bytes();
    const half = Math.floor(bytes.length / 2);
    await pages.open({ bytes: null }, { fakeHost: true });
    await pages.post({ type: "trace-reset", name: "large.ts", live: false, size: bytes.length });
    await pages.post({ type: "trace-status", state: "file", detail: "" });
    const progress = pages.page.locator(".progress");
    await progress.waitFor();
    await pages.page.getByText("Reading the trace…").waitFor();
    await pages.postBytes(bytes.subarray(0, half), false);
    await pages.page.waitForSelector('.progress[aria-valuenow="50"]');
    assert.match((await progress.getAttribute("aria-valuetext")) ?? "", /^0\.\d of 1\.\d MB$/);
    assert.ok((await pages.titles()).includes("worker-1"));
    assert.ok(!(await pages.page.locator(".badge.live").isVisible()));
    // A span behind what was read is shown as soon as it is there.
    await pages.post({ type: "reveal-time", fromNs: ms(110), toNs: ms(120) });
    const before = await pages.axis();
    await pages.page.keyboard.press("?");
    assert.ok(await pages.page.locator(".overlay").isVisible());
    await pages.page.keyboard.press("Escape");
    assert.equal(await pages.axis(), before);
    assert.ok(await progress.isVisible());
    await pages.postBytes(bytes.subarray(half), true);
    await pages.page.waitForSelector("body[data-complete=true]");
    await progress.waitFor({ state: "hidden" });
    await pages.drawn();
    assert.match(await pages.axis(), /115(\.\d+)? ms/);
  });

  it("answers while a page that carries a million events is still reading them", async () => {
    await pages.open({ bytes: largeTrace({ events: 1_000_000 }).bytes() });
    await pages.page.locator(".label", { hasText: "worker-1" }).waitFor();
    // What the page looked like when the list of keys came up.
    await pages.page.evaluate(() => {
      new MutationObserver((_, observer) => {
        observer.disconnect();
        document.body.dataset.answered = document.querySelector<HTMLElement>(".progress")!.hidden
          ? "late"
          : "meanwhile";
      }).observe(document.querySelector(".overlay")!, { attributeFilter: ["hidden"] });
    });
    await pages.page.keyboard.press("?");
    await pages.page.waitForSelector("body[data-complete=true]");
    assert.equal(await pages.page.evaluate(() => document.body.dataset.answered), "meanwhile");
    assert.ok(await pages.page.locator(".overlay").isVisible());
  });

  it("draws a million events without stumbling", async () => {
    const measure = (): Promise<{ frames: number; min: number }> =>
      pages.page.evaluate(async () => {
        globalThis.heddleFrameStats!().reset();
        for (let i = 0; i < 60; i++) {
          window.dispatchEvent(new KeyboardEvent("keydown", { key: i % 20 < 10 ? "w" : "s" }));
          await new Promise((resolve) => requestAnimationFrame(resolve));
        }
        const { frames, min } = globalThis.heddleFrameStats!();
        return { frames, min };
      });
    await pages.openTrace(demoTrace().bytes());
    const small = await measure();
    await pages.page.close();
    await pages.openTrace(largeTrace({ events: 1_000_000 }).bytes());
    const large = await measure();
    const words = JSON.stringify({ small, large });
    assert.ok(large.frames >= 50, words);
    // How long a frame takes depends on the machine and what else runs on it. But with some seven hundred times the
    // events, a cost per event would show also in the fastest one.
    assert.ok(large.min < 40 * Math.max(small.min, 0.5), words);
  });
});
