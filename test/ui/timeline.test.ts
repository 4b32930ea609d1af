/** What the timeline shows. */
import assert from "node:assert/strict";
import { demoTrace } from "./demo-trace.js";
import { TimelinePages } from "./timeline-pages.js";

describe("the timeline in a browser", function () {
  this.timeout(60_000);
  const pages = new TimelinePages();

  it("shows a lane for every thread, lock, queue, pool and counter, grouped", async () => {
    await pages.openTrace(demoTrace().bytes());
    const shown = await pages.titles();
    for (const title of ["pipeline.ts", "main", "worker-1", "worker-4", "report.ts", "Locks", "ledger", "sockets"])
      assert.ok(shown.includes(title), `${title} is not among ${shown.join(", ")}`);
    // What stands around the lanes may still take its room, and the end of the lanes move with it.
    await pages.page.waitForFunction(() => {
      document.querySelector(".scroller")?.scrollTo(0, 1e6);
      return [...document.querySelectorAll(".label .title")].some(({ textContent }) => textContent === "Cores");
    });
    const below = await pages.titles();
    for (const title of ["orders", "workers", "orders settled", "Cores"]) assert.ok(below.includes(title), title);
    assert.match((await pages.page.locator(".figure").first().textContent()) ?? "", /1\d\d ms\s*wall time/);
  });

  it("draws lanes in the colours of their states", async () => {
    await pages.openTrace(demoTrace().bytes());
    const colors = await pages.page.locator(".lanes-canvas").evaluate((canvas: HTMLCanvasElement) => {
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
    await pages.openTrace(demoTrace().bytes());
    for (let i = 0; i < 6; i++) await pages.page.keyboard.press("w");
    await pages.drawn();
    // Walk over the lane until a wait is under the pointer.
    const [x, y] = await pages.lanePoint("worker-2", 0, 30);
    const width = 780;
    let found = -1;
    for (let at = 4; at < width && found < 0; at += 6) {
      await pages.page.mouse.move(x + at, y);
      if (((await pages.page.locator(".tooltip").textContent()) ?? "").includes("waits for lock")) found = at;
    }
    assert.ok(found >= 0, "no wait was found on the lane");
    assert.ok(await pages.page.locator(".tooltip").isVisible());
    await pages.page.mouse.click(x + found, y);
    const details = pages.page.locator(".details");
    await details.getByText("waits for lock").waitFor();
    assert.match((await details.textContent()) ?? "", /woken byworker-|held byworker-/);
    assert.match((await details.textContent()) ?? "", /pipeline\.ts:71:9/);
    // The link leads to the one who released it.
    await details.locator("dd .link").first().click();
    assert.doesNotMatch((await details.locator(".details-title").textContent()) ?? "", /waits for lock/);
  });

  it("shows names as they are, whatever is in them", async () => {
    const prefix = "<img src=x onerror=alert(1)><script>alert(2)</script>\u0000\u0007\u202e\"'&";
    await pages.openTrace(demoTrace({ prefix }).bytes());
    assert.ok(
      (await pages.titles()).some((title) => title.startsWith("<img src=x onerror=alert(1)>") && title.includes("␀")),
    );
    assert.equal(await pages.page.locator("img").count(), 0);
    await pages.page.keyboard.press("ArrowDown");
    await pages.page.keyboard.press("ArrowDown");
    await pages.page.keyboard.press(".");
    await pages.page.keyboard.press("/");
    await pages.page.keyboard.type("<img");
    await pages.page.locator(".result").first().waitFor();
    const [x, y] = await pages.lanePoint("worker-1", 0.5, 12);
    await pages.page.mouse.move(x, y);
    await pages.drawn();
    assert.equal(await pages.page.locator("img, .app script, .tooltip script").count(), 0);
    assert.ok(!(await pages.page.locator("body").innerText()).includes("\u202e"));
  });
});
