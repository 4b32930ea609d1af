/** The timeline beside an editor: sources, saving, themes, the sidebar. */
import assert from "node:assert/strict";
import { demoTrace } from "./demo-trace.js";
import { TimelinePages } from "./timeline-pages.js";

describe("the timeline in an editor", function () {
  this.timeout(60_000);
  const pages = new TimelinePages();

  it("opens the source in the editor", async () => {
    const bytes = demoTrace().bytes();
    await pages.open({ bytes: null }, { fakeHost: true });
    await pages.post({ type: "trace-reset", name: "pipeline.ts", live: false });
    await pages.postBytes(bytes, true);
    await pages.page.waitForSelector("body[data-complete=true]");
    await pages.drawn();
    await pages.page.keyboard.press("ArrowDown");
    await pages.page.keyboard.press(".");
    await pages.page.locator(".details .site").click();
    const message = await pages.page.evaluate(() => globalThis.sent.find((sent) => sent.type === "open-source"));
    assert.ok(message?.type === "open-source");
    assert.match(message.file, /\.ts$/);
    assert.ok(message.line > 0 && message.column > 0);
  });

  it("opens the source of what is clicked, but only zooms on a double click; is as it was left when loaded again", async () => {
    const bytes = demoTrace().bytes();
    const load = async () => {
      await pages.post({ type: "trace-reset", name: "pipeline.ts", live: false, path: "/traces/pipeline.heddle" });
      await pages.postBytes(bytes, true);
      await pages.page.waitForSelector("body[data-complete=true]");
      await pages.drawn();
    };
    const opened = () => pages.page.evaluate(() => globalThis.sent.filter((sent) => sent.type === "open-source"));
    await pages.open({ bytes: null }, { fakeHost: true });
    await load();
    for (let i = 0; i < 6; i++) await pages.page.keyboard.press("w");
    await pages.drawn();
    const [left, y] = await pages.lanePoint("worker-2", 0, 30);
    let x = left + 4;
    for (; x < left + 780; x += 6) {
      await pages.page.mouse.move(x, y);
      if (((await pages.page.locator(".tooltip").textContent()) ?? "").includes("waits for lock")) break;
    }
    const whole = await pages.axis();
    await pages.page.mouse.dblclick(x, y);
    await pages.drawn();
    assert.notEqual(await pages.axis(), whole);
    // What was clicked twice fills the middle now.
    await pages.page.mouse.click(left + 390, y);
    await pages.page.waitForFunction(() => globalThis.sent.some((sent) => sent.type === "open-source"));
    const [message, ...more] = await opened();
    assert.ok(message?.type === "open-source" && message.keepFocus === true && message.line > 0);
    assert.equal(more.length, 0);
    for (let i = 0; i < 3; i++) await pages.page.keyboard.press("w");
    await pages.drawn();
    const zoomed = await pages.axis();
    assert.notEqual(zoomed, whole);
    const selected = await pages.page.locator(".details-title").textContent();
    await pages.page.reload();
    await load();
    assert.equal(await pages.axis(), zoomed);
    assert.equal(await pages.page.locator(".details-title").textContent(), selected);
    await pages.post({ type: "trace-reset", name: "other.ts", live: false, path: "/traces/other.heddle" });
    await pages.postBytes(bytes, true);
    await pages.page.waitForFunction(() =>
      document.querySelector(".details")?.textContent?.includes("Most waited for"),
    );
    assert.notEqual(await pages.axis(), zoomed);
  });

  it("asks the editor to save it as one file; a page that is one has no such button", async () => {
    await pages.open({ bytes: null }, { fakeHost: true });
    const save = pages.page.getByRole("button", { name: "Save as one HTML file…" });
    assert.ok(await save.isDisabled());
    await pages.post({ type: "trace-reset", name: "pipeline.ts", live: false });
    await pages.postBytes(demoTrace().bytes(), true);
    await pages.page.waitForSelector("body[data-complete=true]");
    await pages.drawn();
    await save.focus();
    await pages.page.keyboard.press("Enter");
    assert.ok(await pages.page.evaluate(() => globalThis.sent.some((message) => message.type === "export-html")));
    await pages.page.close();
    await pages.openTrace(demoTrace().bytes());
    assert.equal(await pages.page.getByRole("button", { name: "Save as one HTML file…" }).count(), 0);
  });

  it("fits the sidebar", async () => {
    await pages.open({ bytes: demoTrace().bytes(), mode: "compact" });
    await pages.page.setViewportSize({ width: 280, height: 400 });
    await pages.page.waitForSelector("body[data-complete=true]");
    await pages.drawn();
    assert.ok((await pages.titles()).includes("worker-3"));
    assert.equal(await pages.page.locator(".details").count(), 0);
    assert.ok((await pages.page.evaluate(() => document.body.scrollWidth)) <= 280);
  });

  it("says in a sidebar without a trace how to get one, and in an editor that it comes", async () => {
    await pages.open({ bytes: null, mode: "compact" }, { fakeHost: true, width: 240, height: 400 });
    await pages.page.locator(".empty").waitFor();
    assert.match(
      await pages.page.locator(".empty").innerText(),
      /^No trace is open\s+Run a script with a concurrency trace/,
    );
    const text = await pages.page.locator(".empty p").boundingBox();
    assert.ok(text!.x >= 0 && text!.x + text!.width <= 240 && text!.height > 30, "in lines that fit");
    await pages.page.close();
    await pages.open({ bytes: null }, { fakeHost: true });
    await pages.page.locator(".empty").waitFor();
    assert.equal(await pages.page.locator(".empty h2").innerText(), "Waiting for a trace…");
  });

  it("fits the narrowest sidebar, too", async () => {
    await pages.open({ bytes: demoTrace().bytes(), mode: "compact" });
    await pages.page.setViewportSize({ width: 175, height: 400 });
    await pages.page.waitForSelector("body[data-complete=true]");
    await pages.drawn();
    const cut = await pages.page
      .locator(".split, .split-legend, .split-legend > *")
      .evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().right > 175).length);
    assert.equal(cut, 0);
  });

  it("shows as live what something else records, without a button to stop it", async () => {
    await pages.open({ bytes: null }, { fakeHost: true });
    await pages.post({ type: "trace-reset", name: "bank.ts", live: true });
    await pages.post({ type: "trace-status", state: "file", detail: "" });
    await pages.postBytes(demoTrace().bytes({ end: false }));
    const badge = pages.page.locator(".badge.live");
    await badge.waitFor();
    assert.equal(await pages.page.locator(".header .stop").isVisible(), false);
    await pages.postBytes(new Uint8Array(0), true);
    await badge.waitFor({ state: "hidden" });
  });

  it("takes the editor's theme as it changes", async () => {
    await pages.open({ bytes: demoTrace().bytes(), bodyClass: "vscode-dark" });
    await pages.page.waitForSelector("body[data-complete=true]");
    await pages.drawn();
    const corner = (): Promise<number[]> =>
      pages.page
        .locator(".lanes-canvas")
        .evaluate((canvas: HTMLCanvasElement) => [
          ...canvas.getContext("2d")!.getImageData(canvas.width - 1, 60, 1, 1).data,
        ]);
    const dark = await corner();
    await pages.page.evaluate(() => {
      document.body.className = "vscode-light";
    });
    await pages.drawn();
    const light = await corner();
    assert.ok(dark[0]! < 60 && light[0]! > 200, `${dark} ${light}`);
  });
});
