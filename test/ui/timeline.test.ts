import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { FromWebview, ToWebview } from "../../src/protocol/messages.js";
import { headerFrame } from "../../src/trace/writer.js";
import { largeTrace, ms } from "../analysis/synthetic-trace.js";
import { chromiumPath, launchBrowser } from "./browser.js";
import { demoTrace } from "./demo-trace.js";
import { oneFileHtml, type PageOptions } from "./one-file-html.js";

/** The page with a fake of VS Code's side: what it sends is kept, what the test says is posted to it. */
declare global {
  var sent: FromWebview[];
}

describe("the timeline in a browser", function () {
  this.timeout(60_000);
  let browser: Browser;
  let folder: string;
  let page: Page;
  let errors: string[] = [];
  let pages = 0;

  before(async function () {
    if (!chromiumPath) this.skip();
    folder = mkdtempSync(join(tmpdir(), "heddle-ui-"));
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    if (folder) rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    errors = [];
  });
  afterEach(async () => {
    await page?.close();
    assert.deepEqual(errors, []);
  });

  async function open(options: PageOptions, { fakeHost = false } = {}): Promise<Page> {
    const path = join(folder, `page-${pages++}.html`);
    writeFileSync(path, oneFileHtml(options));
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("dialog", (dialog) => {
      errors.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    // The loader of the tests wraps functions in a helper that the page does not have.
    await page.addInitScript("globalThis.__name = (f) => f");
    if (fakeHost) {
      await page.addInitScript(() => {
        globalThis.sent = [];
        globalThis.acquireVsCodeApi = () => ({
          postMessage: (message: FromWebview) => void globalThis.sent.push(message),
          getState: () => JSON.parse(sessionStorage.getItem("state") ?? "null"),
          setState: (state) => sessionStorage.setItem("state", JSON.stringify(state)),
        });
      });
    }
    await page.goto(pathToFileURL(path).href);
    return page;
  }

  async function openTrace(bytes: Uint8Array): Promise<Page> {
    await open({ bytes });
    await page.waitForSelector("body[data-complete=true]");
    await drawn();
    return page;
  }

  /** Waits until what was asked for is on the screen. */
  const drawn = (): Promise<void> =>
    page.evaluate(
      () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))),
    );

  const post = (message: Exclude<ToWebview, { type: "trace-bytes" }>): Promise<void> =>
    page.evaluate((data) => window.postMessage(data, "*"), message);

  const postBytes = (bytes: Uint8Array, done: boolean): Promise<void> =>
    page.evaluate(
      (given) =>
        window.postMessage({ type: "trace-bytes", bytes: Uint8Array.from(given.bytes), done: given.done }, "*"),
      { bytes: [...bytes], done },
    );

  const titles = (): Promise<string[]> => page.locator(".label .title").allTextContents();
  const axis = async (): Promise<string> => (await page.locator(".axis text").allTextContents()).join();

  /** Where the middle of a lane's canvas is, in page pixels. */
  async function lanePoint(title: string, part: number, fromTop: number): Promise<[number, number]> {
    const label = await page.locator(".label", { hasText: title }).first().boundingBox();
    const canvas = await page.locator(".lanes-canvas").boundingBox();
    assert.ok(label && canvas);
    return [canvas.x + canvas.width * part, label.y + fromTop];
  }

  it("shows a lane for every thread, lock, queue, pool and counter, grouped", async () => {
    await openTrace(demoTrace().bytes());
    const shown = await titles();
    for (const title of ["pipeline.ts", "main", "worker-1", "worker-4", "report.ts", "Locks", "ledger", "sockets"])
      assert.ok(shown.includes(title), `${title} is not among ${shown.join(", ")}`);
    await page.locator(".scroller").evaluate((element) => element.scrollTo(0, 1e6));
    await page.waitForSelector(".label.counter");
    const below = await titles();
    for (const title of ["orders", "workers", "orders settled", "Cores"]) assert.ok(below.includes(title), title);
    assert.match((await page.locator(".figure").first().textContent()) ?? "", /1\d\d ms\s*wall time/);
  });

  it("draws lanes in the colours of their states", async () => {
    await openTrace(demoTrace().bytes());
    const colors = await page.locator(".lanes-canvas").evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      const counts: Record<string, number> = {};
      for (let i = 0; i < data.length; i += 4) {
        const key = `${data[i]},${data[i + 1]},${data[i + 2]}`;
        counts[key] = (counts[key] ?? 0) + 1;
      }
      const style = getComputedStyle(document.body);
      const rgb = (name: string): string => {
        const hex = style.getPropertyValue(name).trim();
        return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join();
      };
      return ["running", "ready", "blocked"].map((state) => counts[rgb(`--state-${state}`)] ?? 0);
    });
    for (const count of colors) assert.ok(count > 500, colors.join());
  });

  it("tells what the pointer is on, and details with its cause on a click", async () => {
    await openTrace(demoTrace().bytes());
    for (let i = 0; i < 6; i++) await page.keyboard.press("w");
    await drawn();
    // Walk over the lane until a wait is under the pointer.
    const [x, y] = await lanePoint("worker-2", 0, 30);
    const width = 780;
    let found = -1;
    for (let at = 4; at < width && found < 0; at += 6) {
      await page.mouse.move(x + at, y);
      if (((await page.locator(".tooltip").textContent()) ?? "").includes("waits for lock")) found = at;
    }
    assert.ok(found >= 0, "no wait was found on the lane");
    assert.ok(await page.locator(".tooltip").isVisible());
    await page.mouse.click(x + found, y);
    const details = page.locator(".details");
    await details.getByText("waits for lock").waitFor();
    assert.match((await details.textContent()) ?? "", /woken byworker-|held byworker-/);
    assert.match((await details.textContent()) ?? "", /pipeline\.ts:71:9/);
    // The link leads to the one who released it.
    await details.locator("dd .link").first().click();
    assert.doesNotMatch((await details.locator(".details-title").textContent()) ?? "", /waits for lock/);
  });

  it("zooms, pans and fits by keys and wheel", async () => {
    await openTrace(demoTrace().bytes());
    const whole = await axis();
    await page.keyboard.press("w");
    await drawn();
    const zoomed = await axis();
    assert.notEqual(zoomed, whole);
    await page.keyboard.press("d");
    await drawn();
    assert.notEqual(await axis(), zoomed);
    await page.keyboard.press("f");
    await drawn();
    assert.equal(await axis(), whole);
    const [x, y] = await lanePoint("worker-1", 0.5, 20);
    await page.mouse.move(x, y);
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -240);
    await page.keyboard.up("Control");
    await page.waitForFunction((before) => {
      const now = [...document.querySelectorAll(".axis text")].map((text) => text.textContent).join();
      return now !== before;
    }, whole);
    const before = await axis();
    await page.mouse.down();
    await page.mouse.move(x - 200, y, { steps: 4 });
    await page.mouse.up();
    await drawn();
    assert.notEqual(await axis(), before);
    // A span marked with Shift is what F zooms to.
    await page.keyboard.down("Shift");
    await page.mouse.move(x - 100, y);
    await page.mouse.down();
    await page.mouse.move(x, y, { steps: 4 });
    await page.mouse.up();
    await page.keyboard.up("Shift");
    const unmarked = await axis();
    await page.keyboard.press("f");
    await drawn();
    assert.notEqual(await axis(), unmarked);
  });

  it("scrolls lanes with the plain wheel, and chooses a part in the overview", async () => {
    await openTrace(demoTrace().bytes());
    const [x, y] = await lanePoint("worker-1", 0.5, 20);
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, 120);
    await page.waitForFunction(() => document.querySelector(".scroller")!.scrollTop > 50);
    const whole = await axis();
    const strip = (await page.locator(".overview-canvas").boundingBox())!;
    await page.mouse.move(strip.x + 100, strip.y + 20);
    await page.mouse.down();
    await page.mouse.move(strip.x + 200, strip.y + 20, { steps: 4 });
    await page.mouse.up();
    await drawn();
    assert.notEqual(await axis(), whole);
  });

  it("can be used with the keyboard alone, and says what is selected", async () => {
    await openTrace(demoTrace().bytes());
    const said = page.locator(".announcer");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await drawn();
    assert.match((await page.locator(".label.active .title").textContent()) ?? "", /worker-1/);
    await page.keyboard.press(".");
    const first = await said.textContent();
    assert.match(first ?? "", /settle, task/);
    await page.keyboard.press(".");
    assert.notEqual(await said.textContent(), first);
    await page.keyboard.press(",");
    assert.equal(await said.textContent(), first);
    // The task came from main's submit; following the arrow leads there.
    await page.keyboard.press("[");
    assert.match((await said.textContent()) ?? "", /thread main/);
    await page.keyboard.press("?");
    assert.ok(await page.locator(".overlay").isVisible());
    await page.keyboard.press("Escape");
    assert.ok(!(await page.locator(".overlay").isVisible()));
    await page.keyboard.press("Escape");
    assert.match((await page.locator(".details").textContent()) ?? "", /Most waited for/);
  });

  it("finds lanes and names", async () => {
    await openTrace(demoTrace().bytes());
    await page.keyboard.press("/");
    await page.keyboard.type("render");
    await page.locator(".result", { hasText: "render report" }).waitFor();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    assert.match((await page.locator(".details").textContent()) ?? "", /render report/);
    await page.keyboard.press("Control+f");
    await page.locator(".search input").fill("no such thing");
    await page.getByText("Nothing is called that.").waitFor();
    // Once it is closed, keys are the timeline's again.
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    assert.ok(await page.locator(".overlay").isVisible());
  });

  it("collapses groups", async () => {
    await openTrace(demoTrace().bytes());
    await page.locator(".label.group", { hasText: "Locks" }).click();
    await drawn();
    assert.ok(!(await titles()).includes("ledger"));
  });

  it("shows names as they are, whatever is in them", async () => {
    const prefix = "<img src=x onerror=alert(1)><script>alert(2)</script>\u0000\u0007\u202e\"'&";
    await openTrace(demoTrace({ prefix }).bytes());
    assert.ok(
      (await titles()).some((title) => title.startsWith("<img src=x onerror=alert(1)>") && title.includes("␀")),
    );
    assert.equal(await page.locator("img").count(), 0);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press(".");
    await page.keyboard.press("/");
    await page.keyboard.type("<img");
    await page.locator(".result").first().waitFor();
    const [x, y] = await lanePoint("worker-1", 0.5, 12);
    await page.mouse.move(x, y);
    await drawn();
    assert.equal(await page.locator("img, .app script, .tooltip script").count(), 0);
    assert.ok(!(await page.locator("body").innerText()).includes("\u202e"));
  });

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
      await open({ bytes });
      await page.waitForSelector(".empty.failed");
      assert.match(await page.locator(".empty").innerText(), words);
      await page.close();
    }
    const whole = demoTrace().bytes();
    await openTrace(whole.subarray(0, Math.floor(whole.length * 0.6)));
    assert.ok((await titles()).includes("worker-1"));
    assert.equal(await page.locator(".note.warning").count(), 1);
  });

  it("grows live, follows the right edge until the user pans, and can be stopped", async () => {
    const bytes = demoTrace().bytes();
    await open({ bytes: null }, { fakeHost: true });
    await page.waitForFunction(() => globalThis.sent.some((message) => message.type === "ready"));
    await post({ type: "trace-reset", name: "pipeline.ts", live: true });
    await post({ type: "trace-status", state: "running", detail: "" });
    await page.getByText("Waiting for the script's first event…").waitFor();
    const part = (from: number, to: number, done = false): Promise<void> =>
      postBytes(bytes.subarray(Math.floor(bytes.length * from), Math.floor(bytes.length * to)), done);
    await part(0, 0.3);
    await page.waitForSelector("body[data-lanes]");
    await drawn();
    assert.ok(await page.locator(".badge.live").isVisible());
    assert.ok(await page.locator("button.stop").isVisible());
    const early = await axis();
    await part(0.3, 0.6);
    await page.waitForFunction(
      (before) => [...document.querySelectorAll(".axis text")].map((text) => text.textContent).join() !== before,
      early,
    );
    for (let i = 0; i < 4; i++) await page.keyboard.press("w");
    await page.keyboard.press("a");
    await drawn();
    assert.ok(await page.locator("button.follow").isVisible());
    const panned = await axis();
    await part(0.6, 0.8);
    await drawn();
    assert.equal(await axis(), panned);
    await page.locator("button.follow").click();
    await drawn();
    assert.notEqual(await axis(), panned);
    assert.ok(!(await page.locator("button.follow").isVisible()));
    await page.locator("button.stop").click();
    assert.ok(await page.evaluate(() => globalThis.sent.some((message) => message.type === "stop")));
    await part(0.8, 1, true);
    await post({ type: "trace-status", state: "ended", detail: "" });
    await page.waitForFunction(() => globalThis.sent.some((message) => message.type === "state" && message.complete));
    await drawn();
    assert.ok(!(await page.locator(".badge.live").isVisible()));
    assert.ok(!(await page.locator("button.stop").isVisible()));
    assert.ok(await page.evaluate(() => globalThis.sent.some((message) => message.type === "headline")));
  });

  it("says how far it has read, shows what it has, and answers meanwhile", async () => {
    const bytes = largeTrace({ events: 200_000 }).bytes();
    const half = Math.floor(bytes.length / 2);
    await open({ bytes: null }, { fakeHost: true });
    await post({ type: "trace-reset", name: "large.ts", live: false, size: bytes.length });
    await post({ type: "trace-status", state: "file", detail: "" });
    const progress = page.locator(".progress");
    await progress.waitFor();
    await page.getByText("Reading the trace…").waitFor();
    await postBytes(bytes.subarray(0, half), false);
    await page.waitForSelector('.progress[aria-valuenow="50"]');
    assert.match((await progress.getAttribute("aria-valuetext")) ?? "", /^0\.\d of 1\.\d MB$/);
    assert.ok((await titles()).includes("worker-1"));
    assert.ok(!(await page.locator(".badge.live").isVisible()));
    // A span behind what was read is shown as soon as it is there.
    await post({ type: "reveal-time", fromNs: ms(110), toNs: ms(120) });
    const before = await axis();
    await page.keyboard.press("?");
    assert.ok(await page.locator(".overlay").isVisible());
    await page.keyboard.press("Escape");
    assert.equal(await axis(), before);
    assert.ok(await progress.isVisible());
    await postBytes(bytes.subarray(half), true);
    await page.waitForSelector("body[data-complete=true]");
    await progress.waitFor({ state: "hidden" });
    await drawn();
    assert.match(await axis(), /115(\.\d+)? ms/);
  });

  it("answers while a page that carries a million events is still reading them", async () => {
    await open({ bytes: largeTrace({ events: 1_000_000 }).bytes() });
    await page.locator(".label", { hasText: "worker-1" }).waitFor();
    // What the page looked like when the list of keys came up.
    await page.evaluate(() => {
      new MutationObserver((_, observer) => {
        observer.disconnect();
        document.body.dataset.answered = document.querySelector<HTMLElement>(".progress")!.hidden
          ? "late"
          : "meanwhile";
      }).observe(document.querySelector(".overlay")!, { attributeFilter: ["hidden"] });
    });
    await page.keyboard.press("?");
    await page.waitForSelector("body[data-complete=true]");
    assert.equal(await page.evaluate(() => document.body.dataset.answered), "meanwhile");
    assert.ok(await page.locator(".overlay").isVisible());
  });

  it("opens the source in the editor", async () => {
    const bytes = demoTrace().bytes();
    await open({ bytes: null }, { fakeHost: true });
    await post({ type: "trace-reset", name: "pipeline.ts", live: false });
    await postBytes(bytes, true);
    await page.waitForSelector("body[data-complete=true]");
    await drawn();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press(".");
    await page.locator(".details .site").click();
    const message = await page.evaluate(() => globalThis.sent.find((sent) => sent.type === "open-source"));
    assert.ok(message?.type === "open-source");
    assert.match(message.file, /\.ts$/);
    assert.ok(message.line > 0 && message.column > 0);
  });

  it("opens the source of what is clicked, but only zooms on a double click; is as it was left when loaded again", async () => {
    const bytes = demoTrace().bytes();
    const load = async () => {
      await post({ type: "trace-reset", name: "pipeline.ts", live: false, path: "/traces/pipeline.heddle" });
      await postBytes(bytes, true);
      await page.waitForSelector("body[data-complete=true]");
      await drawn();
    };
    const opened = () => page.evaluate(() => globalThis.sent.filter((sent) => sent.type === "open-source"));
    await open({ bytes: null }, { fakeHost: true });
    await load();
    for (let i = 0; i < 6; i++) await page.keyboard.press("w");
    await drawn();
    const [left, y] = await lanePoint("worker-2", 0, 30);
    let x = left + 4;
    for (; x < left + 780; x += 6) {
      await page.mouse.move(x, y);
      if (((await page.locator(".tooltip").textContent()) ?? "").includes("waits for lock")) break;
    }
    const whole = await axis();
    await page.mouse.dblclick(x, y);
    await drawn();
    assert.notEqual(await axis(), whole);
    // What was clicked twice fills the middle now.
    await page.mouse.click(left + 390, y);
    await page.waitForFunction(() => globalThis.sent.some((sent) => sent.type === "open-source"));
    const [message, ...more] = await opened();
    assert.ok(message?.type === "open-source" && message.keepFocus === true && message.line > 0);
    assert.equal(more.length, 0);
    for (let i = 0; i < 3; i++) await page.keyboard.press("w");
    await drawn();
    const zoomed = await axis();
    assert.notEqual(zoomed, whole);
    const selected = await page.locator(".details-title").textContent();
    await page.reload();
    await load();
    assert.equal(await axis(), zoomed);
    assert.equal(await page.locator(".details-title").textContent(), selected);
    await post({ type: "trace-reset", name: "other.ts", live: false, path: "/traces/other.heddle" });
    await postBytes(bytes, true);
    await page.waitForFunction(() => document.querySelector(".details-title")?.textContent === "Most waited for");
    assert.notEqual(await axis(), zoomed);
  });

  it("asks the editor to save it as one file; a page that is one has no such button", async () => {
    await open({ bytes: null }, { fakeHost: true });
    const save = page.getByRole("button", { name: "Save as one HTML file…" });
    assert.ok(await save.isDisabled());
    await post({ type: "trace-reset", name: "pipeline.ts", live: false });
    await postBytes(demoTrace().bytes(), true);
    await page.waitForSelector("body[data-complete=true]");
    await drawn();
    await save.focus();
    await page.keyboard.press("Enter");
    assert.ok(await page.evaluate(() => globalThis.sent.some((message) => message.type === "export-html")));
    await page.close();
    await openTrace(demoTrace().bytes());
    assert.equal(await page.getByRole("button", { name: "Save as one HTML file…" }).count(), 0);
  });

  it("fits the sidebar", async () => {
    await open({ bytes: demoTrace().bytes(), mode: "compact" });
    await page.setViewportSize({ width: 280, height: 400 });
    await page.waitForSelector("body[data-complete=true]");
    await drawn();
    assert.ok((await titles()).includes("worker-3"));
    assert.equal(await page.locator(".details").count(), 0);
    assert.ok((await page.evaluate(() => document.body.scrollWidth)) <= 280);
  });

  it("takes the editor's theme as it changes", async () => {
    await open({ bytes: demoTrace().bytes(), bodyClass: "vscode-dark" });
    await page.waitForSelector("body[data-complete=true]");
    await drawn();
    const corner = (): Promise<number[]> =>
      page
        .locator(".lanes-canvas")
        .evaluate((canvas: HTMLCanvasElement) => [
          ...canvas.getContext("2d")!.getImageData(canvas.width - 1, 60, 1, 1).data,
        ]);
    const dark = await corner();
    await page.evaluate(() => {
      document.body.className = "vscode-light";
    });
    await drawn();
    const light = await corner();
    assert.ok(dark[0]! < 60 && light[0]! > 200, `${dark} ${light}`);
  });

  it("draws a million events without stumbling", async () => {
    const measure = (): Promise<{ frames: number; min: number }> =>
      page.evaluate(async () => {
        globalThis.heddleFrameStats!().reset();
        for (let i = 0; i < 60; i++) {
          window.dispatchEvent(new KeyboardEvent("keydown", { key: i % 20 < 10 ? "w" : "s" }));
          await new Promise((resolve) => requestAnimationFrame(resolve));
        }
        const { frames, min } = globalThis.heddleFrameStats!();
        return { frames, min };
      });
    await openTrace(demoTrace().bytes());
    const small = await measure();
    await page.close();
    await openTrace(largeTrace({ events: 1_000_000 }).bytes());
    const large = await measure();
    const words = JSON.stringify({ small, large });
    assert.ok(large.frames >= 50, words);
    // How long a frame takes depends on the machine and what else runs on it. But with some seven hundred times the
    // events, a cost per event would show also in the fastest one.
    assert.ok(large.min < 40 * Math.max(small.min, 0.5), words);
  });
});
