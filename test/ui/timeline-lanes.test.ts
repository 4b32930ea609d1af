/** What lanes do where things are unusual: negative values, marks, names from right to left, growth above what is read. */
import assert from "node:assert/strict";
import { ms, SyntheticTrace } from "../analysis/synthetic-trace.js";
import { demoTrace } from "./demo-trace.js";
import { TimelinePages } from "./timeline-pages.js";

describe("lanes of a timeline", function () {
  this.timeout(120_000);
  const pages = new TimelinePages();
  const announced = async (): Promise<string> => (await pages.page.locator(".announcer").textContent()) ?? "";

  it("show values below zero, below a line that is zero", async () => {
    const trace = new SyntheticTrace();
    const process = trace.process(100, "main.ts");
    process.thread("main").counter(ms(1), "balance", -10, "EUR").counter(ms(60), "balance", 5, "EUR").end(ms(100));
    process.exit(ms(100));
    await pages.openTrace(trace.bytes());
    const label = (await pages.page.locator(".label.counter").boundingBox())!;
    const canvas = (await pages.page.locator(".lanes-canvas").boundingBox())!;
    // From top to bottom, whether there is the colour of values: at a time of -10, and at one of 5.
    const columns = await pages.page.locator(".lanes-canvas").evaluate(
      (element: HTMLCanvasElement, { top, height }) => {
        const hex = getComputedStyle(document.body).getPropertyValue("--area").trim();
        const area = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join();
        const context = element.getContext("2d")!;
        return [0.4, 0.8].map((part) => {
          const { data } = context.getImageData(Math.round(element.width * part), top, 1, height);
          return Array.from({ length: height }, (_, y) => [...data.subarray(y * 4, y * 4 + 3)].join() === area);
        });
      },
      { top: Math.round(label.y - canvas.y), height: Math.round(label.height) },
    );
    const [below, above] = columns.map((column) => ({ from: column.indexOf(true), to: column.lastIndexOf(true) }));
    assert.ok(above!.from >= 0 && below!.from > above!.to, JSON.stringify([below, above]));
    assert.ok(below!.to - below!.from > above!.to - above!.from);
  });

  it("are searched for marks, too", async () => {
    const trace = new SyntheticTrace();
    const process = trace.process(100, "main.ts");
    process
      .thread("main")
      .mark(ms(20), "checkpoint")
      .mark(ms(70), "checkpoint")
      .span(ms(30), ms(40), "work")
      .end(ms(100));
    process.exit(ms(100));
    await pages.openTrace(trace.bytes());
    await pages.page.keyboard.press("/");
    await pages.page.keyboard.type("check");
    await pages.page.locator(".result", { hasText: "2 events" }).waitFor();
    const chosen = await pages.page.locator(".search input").getAttribute("aria-activedescendant");
    assert.equal(await pages.page.locator(`#${chosen}[aria-selected=true]`).count(), 1);
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      await pages.page.keyboard.press("Enter");
      seen.push(await announced());
    }
    assert.match(seen[0]!, /^checkpoint, mark: at 20\.\d{1,4} ms/);
    assert.match(seen[1]!, /^checkpoint, mark: at 70\.\d{1,4} ms/);
    assert.equal(seen[2], seen[0]);
  });

  it("keep names from right to left apart from what stands beside them, and cut them at their end", async () => {
    const trace = new SyntheticTrace();
    const process = trace.process(100, "main.ts");
    const main = process.thread("main");
    const worker = main.spawn(ms(1), "עובד עם שם ארוך מאוד שאין לו מקום בעמודה", ms(2));
    const lock = main.lock(ms(1), "קופה");
    worker.acquire(ms(3), lock).release(ms(50), lock).end(ms(90));
    main
      .acquire(ms(50), lock, { since: ms(10) })
      .release(ms(60), lock)
      .end(ms(100));
    process.exit(ms(100));
    await pages.openTrace(trace.bytes());
    const title = pages.page.locator(".label.thread .title").nth(1);
    const { direction, textAlign, cut } = await title.evaluate((element) => {
      const { direction, textAlign } = getComputedStyle(element);
      return { direction, textAlign, cut: element.scrollWidth > element.clientWidth };
    });
    assert.deepEqual({ direction, textAlign, cut }, { direction: "rtl", textAlign: "left", cut: true });
    await pages.page.keyboard.press("ArrowDown");
    await pages.page.keyboard.press(".");
    await pages.page.locator("dt", { hasText: "woken by" }).waitFor();
    assert.match(await announced(), /woken by \u2068עובד[^\u2069]+\u2069, 50/);
  });

  it("have words that can be read on every slice, in every theme", async () => {
    const trace = new SyntheticTrace();
    const process = trace.process(100, "main.ts");
    const main = process.thread("main");
    main.gc(ms(40), 35).loopDelay(ms(97), 50).end(ms(100));
    process.exit(ms(100));
    await pages.openTrace(trace.bytes(), { theme: "dark" });
    for (const theme of ["dark", "light", "hc-dark", "hc-light"]) {
      await pages.page.evaluate((name) => {
        document.body.dataset.theme = name;
      }, theme);
      await pages.page.waitForSelector(`body[data-scheme=${theme}]`);
      await pages.drawn();
      const contrasts = await pages.page.locator(".lanes-canvas").evaluate((canvas: HTMLCanvasElement) => {
        const context = canvas.getContext("2d")!;
        const brightness = ([r, g, b]: number[]): number => {
          const [x, y, z] = [r!, g!, b!].map((part) => {
            const c = part / 255;
            return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * x! + 0.7152 * y! + 0.0722 * z!;
        };
        const top = document.querySelector(".label.thread")!.getBoundingClientRect().top;
        const y = Math.round(top - canvas.getBoundingClientRect().top) + 6;
        return ["--gc", "--loop-delay"].map((name, i) => {
          const hex = getComputedStyle(document.body).getPropertyValue(name).trim();
          const ground = brightness([1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));
          // The beginning of the slice, within its edges: its colour and that of its words.
          const { data } = context.getImageData(Math.round(canvas.width * (i === 0 ? 0.06 : 0.46)), y, 60, 14);
          let most = 1;
          for (let at = 0; at < data.length; at += 4) {
            const [light, dark] = [brightness([...data.subarray(at, at + 3)]), ground].sort((a, b) => b - a);
            most = Math.max(most, (light! + 0.05) / (dark! + 0.05));
          }
          return most;
        });
      });
      // Strokes of letters are thinner than a pixel, so not quite of their colour.
      for (const contrast of contrasts) assert.ok(contrast > 4, `${theme}: ${contrasts}`);
    }
  });

  it("have hints that stay on the screen, whatever the names are", async () => {
    const name = "x".repeat(3000);
    const trace = new SyntheticTrace();
    const process = trace.process(100, name);
    const main = process.thread(name);
    const lock = main.lock(ms(1), name);
    main.acquire(ms(1), lock).release(ms(90), lock).span(ms(2), ms(95), name).end(ms(100));
    process.exit(ms(100));
    for (const [width, height] of [
      [300, 420],
      [1280, 600],
    ] as const) {
      await pages.openTrace(trace.bytes(), { width, height });
      await pages.page.waitForSelector("body[data-findings]");
      const canvas = (await pages.page.locator(".lanes-canvas").boundingBox())!;
      for (const [part, lane] of [
        [0.1, ".label.thread"],
        [0.8, ".label.thread"],
        [0.5, ".label.lock"],
      ] as const) {
        const label = (await pages.page.locator(lane).boundingBox())!;
        await pages.page.mouse.move(canvas.x + canvas.width * part, label.y + 12);
        const hint = (await pages.page.locator(".tooltip").boundingBox())!;
        const said = JSON.stringify({ width, part, lane, hint });
        assert.ok(hint.x >= 0 && hint.y >= 0 && hint.x + hint.width <= width && hint.y + hint.height <= height, said);
        assert.ok(hint.height < 260, said);
      }
      await pages.page.close();
    }
  });

  it("are not covered by the details of what is selected on them", async () => {
    await pages.openTrace(demoTrace().bytes(), { width: 700, height: 600 });
    await pages.page.waitForSelector("body[data-findings]");
    const scroller = (await pages.page.locator(".scroller").boundingBox())!;
    const bottom = scroller.y + scroller.height;
    // The last thread of which all is in view: what it did in the middle of the trace.
    const boxes = await Promise.all((await pages.page.locator(".label.thread").all()).map((one) => one.boundingBox()));
    const last = boxes.filter((box) => box!.y + box!.height <= bottom).at(-1)!;
    await pages.page.mouse.click(scroller.x + 460, last.y + last.height - 9);
    await pages.page.locator(".details dl").first().waitFor();
    await pages.drawn();
    const label = (await pages.page.locator(".label.active").boundingBox())!;
    const now = (await pages.page.locator(".scroller").boundingBox())!;
    assert.ok(now.y + now.height < bottom - 50, "the details took no room");
    const said = JSON.stringify({ label, now });
    assert.ok(label.y >= now.y - 1 && label.y + label.height <= now.y + now.height + 1, said);
  });

  it("stay where they are when more come above them", async () => {
    const trace = new SyntheticTrace();
    const process = trace.process(100, "main.ts");
    const main = process.thread("main");
    for (let i = 0; i < 12; i++) {
      const lock = main.lock(ms(1), `lock ${i}`);
      main.acquire(ms(2 + i), lock).release(ms(2.5 + i), lock);
    }
    for (let i = 0; i < 5; i++)
      main
        .spawn(ms(150 + i), `late ${i}`, ms(151 + i))
        .span(ms(160), ms(170), "work")
        .end(ms(180));
    main.end(ms(200));
    process.exit(ms(200));
    const bytes = trace.bytes();
    await pages.open({ bytes: null }, { fakeHost: true, height: 420 });
    await pages.page.waitForFunction(() => globalThis.sent.some((message) => message.type === "ready"));
    await pages.post({ type: "trace-reset", name: "main.ts", live: true });
    const half = Math.floor(bytes.length / 2);
    await pages.postBytes(bytes.subarray(0, half));
    await pages.page.locator(".label.lock").nth(3).waitFor();
    const scrolled = () =>
      pages.page.evaluate(() => {
        const scroller = document.querySelector(".scroller")!;
        return { top: scroller.scrollTop, most: scroller.scrollHeight - scroller.clientHeight };
      });
    await pages.page.evaluate(() => document.querySelector(".scroller")!.scrollTo(0, 260));
    await pages.drawn();
    const before = await scrolled();
    assert.ok(before.top > 200, JSON.stringify(before));
    const label = pages.page.locator(".label.lock").nth(3);
    const name = (await label.locator(".title").textContent())!;
    const place = async (): Promise<number> =>
      (await pages.page.locator(".label.lock", { has: pages.page.getByText(name, { exact: true }) }).boundingBox())!.y -
      (await pages.page.locator(".scroller").boundingBox())!.y;
    const was = await place();
    await pages.postBytes(bytes.subarray(half), true);
    await pages.page.waitForSelector("body[data-complete=true]");
    await pages.drawn();
    assert.ok((await scrolled()).most > before.most + 150, "no lanes came");
    assert.ok(Math.abs((await place()) - was) < 1.5, `${name} went from ${was} to ${await place()}`);
  });

  it("light up what comes under the pointer when it is they that move", async () => {
    await pages.openTrace(demoTrace().bytes());
    await pages.page.waitForSelector("body[data-findings]");
    for (let i = 0; i < 6; i++) await pages.page.keyboard.press("w");
    const [x, y] = await pages.lanePoint("worker-2", 0.5, 14);
    const picture = () =>
      pages.page.locator(".lanes-canvas").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
    await pages.page.mouse.move(x, y);
    await pages.drawn();
    const words = await pages.page.locator(".tooltip").textContent();
    let told = words;
    // On to where something else lies there.
    for (let i = 0; i < 12 && told === words; i++) {
      await pages.page.keyboard.press("d");
      await pages.drawn();
      const moved = await picture();
      await pages.page.mouse.move(x + 1, y);
      await pages.page.mouse.move(x, y);
      await pages.drawn();
      assert.equal(await picture(), moved);
      told = await pages.page.locator(".tooltip").textContent();
    }
    assert.notEqual(told, words);
  });
});
