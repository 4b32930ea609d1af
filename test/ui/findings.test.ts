/** The findings in the timeline: read at a glance, lit up, gone to, with pointer and keyboard, live and in little room. */
import assert from "node:assert/strict";
import { analyseFile } from "../../src/analysis/analyse-file.js";
import { jsonReport } from "../../src/analysis/report/json-report.js";
import { ms, SyntheticTrace } from "../analysis/synthetic-trace.js";
import { demoTrace } from "./demo-trace.js";
import { deadlockTrace } from "./stuck-trace.js";
import { type OpenOptions, TimelinePages } from "./timeline-pages.js";

/** So many queues, each of which a consumer waits for most of the time. */
function manyFindings(count: number, prefix = "q"): SyntheticTrace {
  const trace = new SyntheticTrace({ cores: 4, command: ["many.ts"] });
  const main = trace.process(100, "many.ts").thread("main");
  for (let i = 0; i < count; i++) {
    const queue = main.queue(ms(1), `${prefix}${i}`);
    const consumer = main.spawn(ms(1), `consumer-${i}`);
    main.put(ms(70 + i), queue);
    consumer.get(ms(70 + i), queue, { since: ms(2) }).end(ms(100));
  }
  main.mark(ms(100), "end");
  return trace;
}

describe("the findings in the timeline", function () {
  this.timeout(60_000);
  const pages = new TimelinePages();
  const plain = (text: string): string => text.replaceAll("\u00a0", " ");
  const titles = async () => (await pages.page.locator(".finding-title").allTextContents()).map(plain);
  const finding = (words: string) => pages.page.locator(".finding", { hasText: words });
  const details = async () => plain(await pages.page.locator(".details").innerText());
  const lit = () => pages.page.locator(".label.lit .title").allTextContents();
  const focused = () => pages.page.evaluate(() => document.activeElement?.textContent ?? "");

  async function open(bytes: Uint8Array, options: OpenOptions & { theme?: string } = {}): Promise<void> {
    await pages.openTrace(bytes, options);
    await pages.page.waitForSelector("body[data-findings]");
  }

  /** In a page that stands beside an editor. */
  async function openConnected(bytes: Uint8Array, mode: "full" | "compact" = "full", width = 1280): Promise<void> {
    await pages.open({ bytes: null, mode }, { fakeHost: true, width, height: mode === "full" ? 800 : 400 });
    await pages.post({ type: "trace-reset", name: "pipeline.ts", live: false });
    await pages.postBytes(bytes, true);
    await pages.page.waitForSelector("body[data-findings]");
    await pages.drawn();
  }

  /** A number that says what a lane looks like. */
  async function looks(title: string): Promise<number> {
    await pages.drawn();
    const label = await pages.page.locator(".label", { hasText: title }).first().boundingBox();
    const canvas = await pages.page.locator(".lanes-canvas").boundingBox();
    return pages.page.locator(".lanes-canvas").evaluate(
      (element: HTMLCanvasElement, [top, height]) => {
        const { data } = element.getContext("2d")!.getImageData(0, top!, element.width, height!);
        return data.reduce((sum, value) => sum + value, 0);
      },
      [Math.round(label!.y - canvas!.y), Math.round(label!.height) - 2],
    );
  }

  it("say at once how the run went and what stood in its way, as the report does", async () => {
    const bytes = demoTrace().bytes();
    await open(bytes);
    const { findings } = jsonReport(analyseFile(bytes).model);
    assert.ok(findings.length >= 3);
    assert.deepEqual(
      await titles(),
      findings.map(({ title }) => title),
    );
    const text = await details();
    assert.match(text, /2\.3 of 6 cores used, for 150 ms/);
    assert.match(text, /Threads: 50 % running, 24 % blocked/);
    assert.match(text, /4 threads wait 12 % of their time for “ledger”\s+66\.4 ms\s+pipeline\.ts:71/);
    assert.match(text, new RegExp(`what stood in its way \\(${findings.length}\\)`, "i"));
    // Before all else in the pane: nothing has to be scrolled for the first of them.
    const first = (await pages.page.locator(".finding").first().boundingBox())!;
    assert.ok(first.y + first.height < 300, JSON.stringify(first));
  });

  it("light up what they speak of while they are pointed at, and nothing else", async () => {
    await open(demoTrace().bytes());
    const before = [await looks("worker-1"), await looks("report.ts"), await looks("main")];
    await finding("ledger").hover();
    await pages.page.waitForSelector(".labels.spotlit");
    assert.deepEqual((await lit()).sort(), ["ledger", "worker-1", "worker-2", "worker-3", "worker-4"]);
    const dark = [await looks("worker-1"), await looks("report.ts"), await looks("main")];
    for (const [i, sum] of dark.entries()) assert.notEqual(sum, before[i]);
    assert.ok(Number(await pages.page.locator(".axis .lit").getAttribute("width")) > 100);
    await finding("orders” is full").hover();
    await pages.page.waitForFunction(
      () => document.querySelectorAll(".label.lit").length === 2 && document.querySelector(".spotlit"),
    );
    assert.deepEqual((await lit()).sort(), ["main", "orders"]);
    await pages.page.mouse.move(600, 400);
    await pages.page.waitForFunction(() => !document.querySelector(".spotlit"));
    await pages.page.mouse.move(1100, 780);
    assert.deepEqual([await looks("worker-1"), await looks("report.ts"), await looks("main")], before);
  });

  it("are gone to by a click: where the longest wait is, with what it says in full", async () => {
    await open(demoTrace().bytes());
    const whole = await pages.axis();
    await finding("ledger").locator(".finding-main").click();
    await pages.drawn();
    assert.notEqual(await pages.axis(), whole);
    const text = await details();
    assert.match(text, /4 threads waited for it 51 times, 66\.4 ms in all/);
    assert.match(text, /Hold it for less/);
    assert.match(text, /waits for lock/);
    assert.match(text, /took\s+3\.19 ms/);
    assert.match((await pages.page.locator(".label.active .title").textContent()) ?? "", /^worker-2$/);
    assert.match((await pages.page.locator(".announcer").textContent()) ?? "", /^4 threads wait 12 % .* 66\.4 ms/);
    // All of the time in which it was seen; another of its threads; and back to the list.
    const near = await pages.axis();
    await pages.page.locator(".card dl").getByText("12 ms to 138 ms").click();
    await pages.drawn();
    assert.notEqual(await pages.axis(), near);
    await pages.page.locator(".card dl").getByText("worker-4", { exact: true }).click();
    await pages.drawn();
    assert.match((await pages.page.locator(".label.active .title").textContent()) ?? "", /^worker-4$/);
    await pages.page.locator(".back").click();
    assert.ok((await titles()).length > 2);
    assert.equal(await pages.page.locator(".card").count(), 0);
  });

  it("need nothing but the keyboard, down to the line of the source", async () => {
    await openConnected(demoTrace().bytes());
    await pages.page.locator(".header .tool").last().focus();
    for (let i = 0; i < 40 && !(await focused()).includes("cores used on average"); i++)
      await pages.page.keyboard.press("Tab");
    assert.match(await focused(), /^Warning: 2\.28 of 6 cores used on average/);
    await pages.page.waitForSelector(".labels.spotlit");
    await pages.page.keyboard.press("ArrowDown");
    await pages.page.keyboard.press("ArrowDown");
    assert.match(await focused(), /ledger/);
    await pages.drawn();
    assert.ok((await lit()).includes("ledger"));
    assert.equal(await pages.page.locator(".label.active").count(), 0);
    await pages.page.keyboard.press("Enter");
    await pages.page.locator(".card").waitFor();
    await pages.drawn();
    assert.equal(await pages.page.locator(".spotlit").count(), 0);
    // The next thing to do has the focus: a second Enter opens the source.
    assert.match(await focused(), /pipeline\.ts:71/);
    await pages.page.keyboard.press("Enter");
    await pages.page.waitForFunction(() => globalThis.sent.some((sent) => sent.type === "open-source"));
    const message = await pages.page.evaluate(() => globalThis.sent.find((sent) => sent.type === "open-source"));
    assert.ok(message?.type === "open-source" && message.line === 71, JSON.stringify(message));
    await pages.page.keyboard.press("Escape");
    assert.ok((await titles()).length > 2);
    // N from anywhere, and back, and round.
    await pages.page.keyboard.press("n");
    assert.match((await pages.page.locator(".card-title").textContent()) ?? "", /cores used/);
    await pages.page.keyboard.press("n");
    assert.match((await pages.page.locator(".card-title").textContent()) ?? "", /orders/);
    await pages.page.keyboard.press("Shift+N");
    await pages.page.keyboard.press("Shift+N");
    const count = Number(await pages.page.locator("body").getAttribute("data-findings"));
    assert.equal(await pages.page.locator(".card-place").textContent(), `${count} of ${count}`);
  });

  it("lead to the source from the list, too", async () => {
    await openConnected(demoTrace().bytes());
    const whole = await pages.axis();
    await finding("ledger").locator(".site").click();
    const message = await pages.page.evaluate(() => globalThis.sent.find((sent) => sent.type === "open-source"));
    assert.ok(message?.type === "open-source" && message.line === 71);
    assert.equal(await pages.axis(), whole);
  });

  it("change in place while the script runs, and not under the pointer", async () => {
    const bytes = demoTrace().bytes();
    await pages.open({ bytes: null }, { fakeHost: true });
    await pages.post({ type: "trace-reset", name: "pipeline.ts", live: true });
    await pages.post({ type: "trace-status", state: "running", detail: "" });
    const at = Math.floor(bytes.length * 0.7);
    await pages.postBytes(bytes.subarray(0, at));
    await finding("“ledger”").waitFor();
    assert.match(await details(), /what stands in its way/i);
    await finding("“ledger”").locator(".finding-main").hover();
    const before = await pages.page.evaluate(() => {
      const all = [...document.querySelectorAll<HTMLElement>(".finding")];
      all.forEach((one, i) => {
        one.dataset.before = String(i);
      });
      const element = all.find((one) => one.textContent.includes("“ledger”"))!;
      element.id = "mine";
      return element.textContent;
    });
    await pages.postBytes(bytes.subarray(at), true);
    await pages.page.waitForSelector("body[data-findings]");
    await pages.drawn();
    const after = await pages.page.evaluate(() => ({
      text: document.getElementById("mine")!.textContent,
      order: [...document.querySelectorAll<HTMLElement>(".finding")].map((one) => one.dataset.before),
    }));
    assert.notEqual(after.text, before);
    // Those that were there stand in the order in which they stood, and what is new comes behind them.
    const kept = after.order.filter((one) => one !== undefined).map(Number);
    assert.deepEqual(
      kept,
      [...kept].sort((x, y) => x - y),
    );
    assert.ok(after.order.lastIndexOf(String(kept.at(-1))) === kept.length - 1, after.order.join());
    assert.match(await details(), /what stood in its way/i);
  });

  it("say what to think of a run without any", async () => {
    const trace = new SyntheticTrace({ cores: 4, source: "perf", command: ["alone.ts"] });
    trace.process(100, "alone.ts").thread("main").on(0, 0, ms(400)).end(ms(400));
    await open(trace.bytes());
    await pages.page.locator(".nothing-found", { hasText: "Nothing stands in its way" }).waitFor();
    assert.match(await details(), /One thread does all the work, and a thread uses one core/);
    await pages.page.keyboard.press("n");
    assert.match((await pages.page.locator(".announcer").textContent()) ?? "", /no findings/);
    await pages.page.setViewportSize({ width: 480, height: 800 });
    await pages.page.locator(".strip-main", { hasText: "Nothing stands in its way" }).click();
    assert.match(await details(), /One thread does all the work/);
  });

  it("are twenty without anything being cut off, and with names of any length", async () => {
    await open(manyFindings(20, "a-name-that-is-far-longer-than-what-fits-into-a-line-").bytes());
    assert.equal((await titles()).length, 20);
    const { wide, inner } = await pages.page
      .locator(".details")
      .evaluate((pane) => ({ wide: pane.scrollWidth, inner: pane.clientWidth }));
    assert.ok(wide <= inner, `${wide} in ${inner}`);
    const last = finding("line-0”");
    await last.scrollIntoViewIfNeeded();
    const top = await pages.page.locator(".details").evaluate((pane) => pane.scrollTop);
    assert.ok(top > 0);
    await last.locator(".finding-main").click();
    await pages.page.locator(".card").waitFor();
    assert.equal(await pages.page.locator(".details").evaluate((pane) => pane.scrollTop), 0);
    // The list is as it was left.
    await pages.page.locator(".back").click();
    assert.ok((await pages.page.locator(".details").evaluate((pane) => pane.scrollTop)) > 0);
  });

  it("have a line of their own where there is no room for the pane", async () => {
    await open(demoTrace().bytes(), { width: 480 });
    const strip = pages.page.locator(".finding-strip");
    assert.ok(await strip.isVisible());
    assert.ok(!(await pages.page.locator(".details").isVisible()));
    assert.match(await strip.innerText(), /2\.28 of 6 cores used/);
    const all = strip.locator(".strip-all");
    await all.click();
    assert.ok(await pages.page.locator(".details").isVisible());
    assert.equal(await all.getAttribute("aria-expanded"), "true");
    await finding("ledger").locator(".finding-main").click();
    await pages.page.locator(".card").waitFor();
    assert.equal(await all.getAttribute("aria-expanded"), "false");
    await all.click();
    assert.ok((await titles()).length > 2);
    await all.click();
    assert.ok(!(await pages.page.locator(".details").isVisible()));
    await strip.locator(".strip-main").click();
    assert.match(await details(), /2\.28 of 6 cores/);
    assert.ok((await pages.page.evaluate(() => document.body.scrollWidth)) <= 480);
  });

  it("come without moving the lanes, also where they have a line of their own", async () => {
    await pages.open({ bytes: null }, { fakeHost: true, width: 480 });
    await pages.page.evaluate(() => {
      // Idle time comes when the test says so.
      const waiting: IdleRequestCallback[] = [];
      globalThis.requestIdleCallback = (work) => waiting.push(work);
      document.addEventListener("idle", () => {
        for (let work = waiting.shift(); work; work = waiting.shift())
          work({ didTimeout: false, timeRemaining: () => 50 });
      });
    });
    await pages.post({ type: "trace-reset", name: "pipeline.ts", live: false });
    await pages.postBytes(demoTrace().bytes(), true);
    await pages.page.waitForSelector("body[data-complete=true]");
    await pages.drawn();
    const strip = pages.page.locator(".finding-strip");
    assert.match(await strip.innerText(), /Looking for what stands in its way/);
    const before = await pages.page.locator(".lanes-canvas").boundingBox();
    await pages.page.evaluate(() => document.dispatchEvent(new Event("idle")));
    await pages.page.waitForSelector("body[data-findings]");
    await pages.drawn();
    assert.match(await strip.innerText(), /2\.28 of 6 cores used/);
    assert.deepEqual(await pages.page.locator(".lanes-canvas").boundingBox(), before);
  });

  it("leave the lanes scrolled as they were when the page is loaded again", async () => {
    const load = async (): Promise<void> => {
      await pages.post({ type: "trace-reset", name: "pipeline.ts", live: false, path: "/traces/pipeline.heddle" });
      await pages.postBytes(demoTrace().bytes(), true);
      await pages.page.waitForSelector("body[data-findings]");
      await pages.drawn();
    };
    await pages.open({ bytes: null }, { fakeHost: true, width: 480, height: 500 });
    await load();
    // To the end: what the line of the findings takes of the room is needed for it.
    const scroller = pages.page.locator(".scroller");
    await scroller.evaluate((element) => {
      element.scrollTop = 1e6;
    });
    await pages.drawn();
    const top = await scroller.evaluate((element) => element.scrollTop);
    assert.ok(top > 100, `${top}`);
    await pages.page.waitForFunction((wanted) => {
      const state = JSON.parse(sessionStorage.getItem("state") ?? "{}") as { scrollTop?: number };
      return state.scrollTop === wanted;
    }, top);
    await pages.page.reload();
    await load();
    await pages.page.waitForFunction((wanted) => document.querySelector(".scroller")!.scrollTop === wanted, top);
  });

  it("lead from the sidebar to the whole timeline, where the costliest is seen", async () => {
    const bytes = demoTrace().bytes();
    await openConnected(bytes, "compact", 280);
    const strip = pages.page.locator(".strip-main");
    assert.match(await strip.innerText(), /2\.28 of 6 cores used/);
    assert.ok((await pages.page.evaluate(() => document.body.scrollWidth)) <= 280);
    await strip.click();
    const message = await pages.page.evaluate(() => globalThis.sent.find((sent) => sent.type === "open-timeline"));
    const { where } = jsonReport(analyseFile(bytes).model).findings[0]!;
    assert.ok(message?.type === "open-timeline" && where);
    assert.ok(message.fromNs! <= where.startNs && message.toNs! >= where.endNs - 1, JSON.stringify(message));
  });

  it("do not say twice in a line what the banner says already", async () => {
    const stuck = deadlockTrace().bytes({ exitCode: null, signal: "SIGTERM", hung: true });
    await open(stuck, { width: 480 });
    assert.ok(await pages.page.locator(".standstill").isVisible());
    assert.ok(!(await pages.page.locator(".finding-strip").isVisible()));
    await pages.page.close();
    await open(stuck);
    assert.deepEqual(await titles(), ["Deadlock of 2 threads"]);
    await pages.page.keyboard.press("n");
    assert.match(await details(), /Take these locks in the same order everywhere/);
  });

  it("show names as they are, whatever is in them", async () => {
    await open(demoTrace({ prefix: "<img src=x onerror=alert(1)>\u0007\u202e" }).bytes());
    assert.ok((await titles()).some((title) => title.includes("<img src=x onerror=alert(1)>␇")));
    await pages.page.keyboard.press("n");
    assert.equal(await pages.page.locator("img").count(), 0);
    assert.ok(!(await pages.page.locator("body").innerText()).includes("\u202e"));
  });

  for (const theme of ["dark", "light", "hc-dark", "hc-light"]) {
    it(`can be read in ${theme}`, async () => {
      await open(demoTrace().bytes(), { theme });
      const contrasts = await pages.page.evaluate(() => {
        const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
        const light = (color: string): number => {
          probe.clearRect(0, 0, 1, 1);
          probe.fillStyle = color;
          probe.fillRect(0, 0, 1, 1);
          const [r, g, b] = [...probe.getImageData(0, 0, 1, 1).data].map((part) => {
            const c = part / 255;
            return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! + 0.05;
        };
        const ground = light(getComputedStyle(document.querySelector(".details")!).backgroundColor);
        return [".finding-title", ".finding-cost", ".verdict-split", ".finding-sub .site", ".finding .severity"].map(
          (selector) => {
            const ink = light(getComputedStyle(document.querySelector(selector)!).color);
            return Math.max(ink, ground) / Math.min(ink, ground);
          },
        );
      });
      const [title, cost, split, site, sign] = contrasts;
      for (const one of [title, cost, split, site]) assert.ok(one! >= 4.5, contrasts.join());
      assert.ok(sign! >= 3, contrasts.join());
    });
  }
});
