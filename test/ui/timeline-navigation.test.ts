/** Moving about in the timeline, by mouse and by keys. */
import assert from "node:assert/strict";
import { ms, SyntheticTrace } from "../analysis/synthetic-trace.js";
import { demoTrace } from "./demo-trace.js";
import { TimelinePages } from "./timeline-pages.js";

describe("moving about in the timeline", function () {
  this.timeout(60_000);
  const pages = new TimelinePages();

  it("zooms, pans and fits by keys and wheel", async () => {
    await pages.openTrace(demoTrace().bytes());
    const whole = await pages.axis();
    await pages.page.keyboard.press("w");
    await pages.drawn();
    const zoomed = await pages.axis();
    assert.notEqual(zoomed, whole);
    await pages.page.keyboard.press("d");
    await pages.drawn();
    assert.notEqual(await pages.axis(), zoomed);
    await pages.page.keyboard.press("f");
    await pages.drawn();
    assert.equal(await pages.axis(), whole);
    const [x, y] = await pages.lanePoint("worker-1", 0.5, 20);
    await pages.page.mouse.move(x, y);
    await pages.page.keyboard.down("Control");
    await pages.page.mouse.wheel(0, -240);
    await pages.page.keyboard.up("Control");
    await pages.page.waitForFunction((before) => {
      const now = [...document.querySelectorAll(".axis text")].map((text) => text.textContent).join();
      return now !== before;
    }, whole);
    const before = await pages.axis();
    await pages.page.mouse.down();
    await pages.page.mouse.move(x - 200, y, { steps: 4 });
    await pages.page.mouse.up();
    await pages.drawn();
    assert.notEqual(await pages.axis(), before);
    // A span marked with Shift is what F zooms to.
    await pages.page.keyboard.down("Shift");
    await pages.page.mouse.move(x - 100, y);
    await pages.page.mouse.down();
    await pages.page.mouse.move(x, y, { steps: 4 });
    await pages.page.mouse.up();
    await pages.page.keyboard.up("Shift");
    assert.match((await pages.page.locator(".announcer").textContent()) ?? "", /^[\d.]+ [mµ]s are marked/);
    const unmarked = await pages.axis();
    await pages.page.keyboard.press("f");
    await pages.drawn();
    assert.notEqual(await pages.axis(), unmarked);
  });

  it("keeps the labels of the time axis apart and whole, also deep in a long trace", async () => {
    const trace = new SyntheticTrace();
    const process = trace.process(100, "main.ts");
    process.thread("main").span(ms(1), ms(39_000), "work").end(ms(40_000));
    process.exit(ms(40_000));
    for (const width of [300, 760, 1280]) {
      await pages.openTrace(trace.bytes(), { width, height: 400 });
      for (let i = 0; i < 16; i++) {
        const { boxes, axis } = await pages.page.evaluate(() => {
          const box = (element: Element) => {
            const { left, right } = element.getBoundingClientRect();
            return { left, right, words: element.textContent };
          };
          const texts = [...document.querySelectorAll(".axis text")].filter((one) => one.checkVisibility());
          return { boxes: texts.map(box), axis: box(document.querySelector(".axis")!) };
        });
        const said = JSON.stringify({ width, i, boxes, axis });
        assert.ok(boxes.length > 0, said);
        boxes.sort((a, b) => a.left - b.left);
        boxes.forEach(({ left, right }, at) => {
          assert.ok(left >= (at === 0 ? axis.left : boxes[at - 1]!.right + 4), said);
          assert.ok(right <= axis.right, said);
        });
        for (let press = 0; press < 4; press++) await pages.page.keyboard.press("w");
        await pages.page.keyboard.press("d");
        await pages.drawn();
      }
      assert.match(await pages.axis(), /\d\.\d{7,} s/);
      await pages.page.close();
    }
  });

  it("scrolls lanes with the plain wheel, and chooses a part in the overview", async () => {
    await pages.openTrace(demoTrace().bytes());
    const [x, y] = await pages.lanePoint("worker-1", 0.5, 20);
    await pages.page.mouse.move(x, y);
    await pages.page.mouse.wheel(0, 120);
    await pages.page.waitForFunction(() => document.querySelector(".scroller")!.scrollTop > 50);
    const whole = await pages.axis();
    const strip = (await pages.page.locator(".overview-canvas").boundingBox())!;
    await pages.page.mouse.move(strip.x + 100, strip.y + 20);
    await pages.page.mouse.down();
    await pages.page.mouse.move(strip.x + 200, strip.y + 20, { steps: 4 });
    await pages.page.mouse.up();
    await pages.drawn();
    assert.notEqual(await pages.axis(), whole);
  });

  it("can be used with the keyboard alone, and says what is selected", async () => {
    await pages.openTrace(demoTrace().bytes());
    const said = pages.page.locator(".announcer");
    await pages.page.keyboard.press("ArrowDown");
    await pages.page.keyboard.press("ArrowDown");
    await pages.drawn();
    assert.match((await pages.page.locator(".label.active .title").textContent()) ?? "", /worker-1/);
    await pages.page.keyboard.press(".");
    const first = await said.textContent();
    assert.match(first ?? "", /settle, task/);
    await pages.page.keyboard.press(".");
    assert.notEqual(await said.textContent(), first);
    await pages.page.keyboard.press(",");
    assert.equal(await said.textContent(), first);
    // The task came from main's submit; following the arrow leads there.
    await pages.page.keyboard.press("[");
    assert.match((await said.textContent()) ?? "", /thread main/);
    await pages.page.keyboard.press("?");
    assert.ok(await pages.page.locator(".overlay").isVisible());
    await pages.page.keyboard.press("Escape");
    assert.ok(!(await pages.page.locator(".overlay").isVisible()));
    await pages.page.keyboard.press("Escape");
    assert.match((await pages.page.locator(".details").textContent()) ?? "", /Most waited for/);
  });

  it("takes letters by where they are on a keyboard that has others, and brackets that AltGr writes", async () => {
    await pages.openTrace(demoTrace().bytes());
    interface Press {
      key: string;
      code: string;
      ctrlKey?: boolean;
      altKey?: boolean;
      modifierAltGraph?: boolean;
    }
    const press = (init: Press): Promise<void> =>
      pages.page.evaluate((given: Press) => {
        document.body.dispatchEvent(new KeyboardEvent("keydown", { ...given, bubbles: true }));
      }, init);
    const whole = await pages.axis();
    await press({ key: "ц", code: "KeyW" });
    await pages.drawn();
    assert.notEqual(await pages.axis(), whole);
    await press({ key: "а", code: "KeyF" });
    await pages.drawn();
    assert.equal(await pages.axis(), whole);
    await pages.page.keyboard.press("ArrowDown");
    await pages.page.keyboard.press("ArrowDown");
    await pages.page.keyboard.press(".");
    await press({ key: "[", code: "Digit8", ctrlKey: true, altKey: true, modifierAltGraph: true });
    assert.match((await pages.page.locator(".announcer").textContent()) ?? "", /thread main/);
    // Where AltGr is not pressed, Alt and Ctrl are the browser's and the editor's.
    await press({ key: "w", code: "KeyW", altKey: true });
    await press({ key: "w", code: "KeyW", ctrlKey: true });
    await pages.page.keyboard.press("Escape");
    await pages.page.keyboard.press("f");
    await pages.drawn();
    assert.equal(await pages.axis(), whole);
  });

  it("scrolls by pages, and lets nothing move behind the list of keys", async () => {
    await pages.openTrace(demoTrace().bytes(), { height: 400 });
    await pages.page.waitForSelector("body[data-findings]");
    const top = (): Promise<number> => pages.page.evaluate(() => document.querySelector(".scroller")!.scrollTop);
    await pages.page.keyboard.press("PageDown");
    assert.ok((await top()) > 100);
    await pages.page.keyboard.press("PageUp");
    assert.equal(await top(), 0);
    const keys = pages.page.getByRole("button", { name: "Keys (?)" });
    await keys.focus();
    await pages.page.keyboard.press("Enter");
    const dialog = pages.page.getByRole("dialog");
    await dialog.waitFor();
    const whole = await pages.axis();
    for (const key of ["w", "PageDown", "Tab"]) await pages.page.keyboard.press(key);
    await pages.drawn();
    assert.equal(await pages.axis(), whole);
    assert.equal(await top(), 0);
    assert.ok(await dialog.getByRole("button").evaluate((button) => button === document.activeElement));
    await pages.page.keyboard.press("Escape");
    assert.ok(await keys.evaluate((button) => button === document.activeElement));
  });

  it("finds lanes and names", async () => {
    await pages.openTrace(demoTrace().bytes());
    await pages.page.keyboard.press("/");
    await pages.page.keyboard.type("render");
    await pages.page.locator(".result", { hasText: "render report" }).waitFor();
    await pages.page.keyboard.press("Enter");
    await pages.page.keyboard.press("Escape");
    assert.match((await pages.page.locator(".details").textContent()) ?? "", /render report/);
    await pages.page.keyboard.press("Control+f");
    await pages.page.locator(".search input").fill("no such thing");
    await pages.page.getByText("Nothing is called that.").waitFor();
    // Once it is closed, keys are the timeline's again.
    await pages.page.keyboard.press("Escape");
    await pages.page.keyboard.press("?");
    assert.ok(await pages.page.locator(".overlay").isVisible());
  });

  it("collapses groups", async () => {
    await pages.openTrace(demoTrace().bytes());
    await pages.page.locator(".label.group", { hasText: "Locks" }).click();
    await pages.drawn();
    assert.ok(!(await pages.titles()).includes("ledger"));
  });
});
