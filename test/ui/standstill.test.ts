/** What the timeline says of a program that can never go on. */
import assert from "node:assert/strict";
import { hangFrame } from "../../src/trace/writer.js";
import { ms, type SyntheticTrace } from "../analysis/synthetic-trace.js";
import type { PageOptions } from "./one-file-html.js";
import { deadlockTrace, starvedTrace } from "./stuck-trace.js";
import { type OpenOptions, TimelinePages } from "./timeline-pages.js";

const stopped = (made: SyntheticTrace) => made.bytes({ exitCode: null, signal: "SIGTERM", hung: true });

describe("a standstill in a browser", function () {
  this.timeout(60_000);
  const pages = new TimelinePages();

  async function open(options: PageOptions, page: OpenOptions = {}): Promise<void> {
    if (options.bytes) await pages.openTrace(options.bytes, { ...options, ...page });
    else await pages.open(options, page);
  }
  const banner = () => pages.page.locator(".standstill");

  it("is told in one sentence below the header, and a click on a thread shows its wait", async () => {
    await open({ bytes: stopped(deadlockTrace()) });
    await banner().waitFor();
    assert.match(
      (await banner().textContent()) ?? "",
      /^Deadlock: this program could never go on after 400 ms, because “(one|two)” waits for Lock “(ledger|accounts)”, which “(one|two)” holds, and “(one|two)” waits for Lock “(accounts|ledger)”, which “(one|two)” holds\.$/,
    );
    assert.equal(await pages.page.locator(".badge.failed").textContent(), "hung");
    await banner().getByRole("button", { name: "“two”" }).click();
    const details = pages.page.locator(".details");
    await details.getByText("waits for lock").waitFor();
    assert.match((await details.textContent()) ?? "", /accounts/);
    assert.match((await details.textContent()) ?? "", /bank\.ts:19/);
    await banner().getByRole("button", { name: "“one”" }).click();
    await details.getByText("ledger").first().waitFor();
    assert.match((await details.textContent()) ?? "", /bank\.ts:12/);
  });

  it("says what is missing where there is no circle", async () => {
    await open({ bytes: stopped(starvedTrace()) });
    await banner().waitFor();
    assert.equal(
      await banner().textContent(),
      "This program could never go on after 300 ms, because “main” waits for an item of Queue “jobs”, which is empty.",
    );
  });

  it("marks on the time axis since when, wherever one looks", async () => {
    await open({ bytes: stopped(deadlockTrace()) });
    await pages.drawn();
    const share = async (): Promise<[number, number]> => {
      const axis = (await pages.page.locator(".axis svg").boundingBox())!;
      const band = await pages.page
        .locator(".axis .stuck")
        .evaluate((rect) => [Number(rect.getAttribute("x")), Number(rect.getAttribute("width"))]);
      return [band[0]! / axis.width, (band[0]! + band[1]!) / axis.width];
    };
    const [from, to] = await share();
    // The standstill was found at 1900 ms, where the trace ends, and there is a little room behind that.
    assert.ok(Math.abs(from / to - 400 / 1900) < 0.005, `${from} ${to}`);
    await pages.page.mouse.move(1100, 400);
    for (let i = 0; i < 8; i++) await pages.page.keyboard.press("w");
    await pages.drawn();
    const [near, far] = await share();
    assert.ok(near <= 0 && far > 0.99, `${near} ${far}`);
  });

  it("comes and goes while the run goes on", async () => {
    const made = deadlockTrace();
    made.hangs.length = 0;
    await open({ bytes: null }, { fakeHost: true });
    await pages.post({ type: "trace-reset", name: "bank.ts", live: true });
    await pages.post({ type: "trace-status", state: "running", detail: "" });
    await pages.postBytes(made.bytes({ end: false }));
    await pages.page.locator(".label", { hasText: "two" }).waitFor();
    assert.ok(!(await banner().isVisible()));
    await pages.postBytes(hangFrame({ pid: 100, t: ms(1900), hung: true, sinceNs: ms(400) }));
    await banner().waitFor();
    assert.match((await banner().textContent()) ?? "", /^Deadlock: this program can never go on since 400 ms/);
    assert.ok(await pages.page.locator(".badge.live").isVisible());
    await pages.postBytes(hangFrame({ pid: 100, t: ms(1950), hung: false, sinceNs: ms(1950) }));
    await banner().waitFor({ state: "hidden" });
    await pages.drawn();
    assert.equal(await pages.page.locator(".axis .stuck").getAttribute("width"), "0");
  });

  it("has a short form in the sidebar, which leads to the timeline", async () => {
    await open({ bytes: null, mode: "compact" }, { fakeHost: true, width: 280, height: 400 });
    await pages.post({ type: "trace-reset", name: "bank.ts", live: false });
    await pages.postBytes(stopped(deadlockTrace()), true);
    await banner().waitFor();
    assert.match(
      (await banner().textContent()) ?? "",
      /^Deadlock, could never go on: (“one” → “two” → “one”|“two” → “one” → “two”)\.$/,
    );
    assert.ok((await pages.page.evaluate(() => document.body.scrollWidth)) <= 280);
    await banner().getByRole("button").first().click();
    await pages.page.waitForFunction(() => globalThis.sent.some((message) => message.type === "open-timeline"));
    const message = await pages.page.evaluate(() => globalThis.sent.find((sent) => sent.type === "open-timeline"));
    assert.ok(message?.type === "open-timeline");
    assert.ok(message.fromNs! <= ms(400) && message.toNs! >= ms(1900), JSON.stringify(message));
  });

  it("shows names as they are, whatever is in them", async () => {
    await open({ bytes: stopped(deadlockTrace({ prefix: "<img src=x onerror=alert(1)>\u0007\u202e" })) });
    await banner().waitFor();
    assert.match((await banner().textContent()) ?? "", /“<img src=x onerror=alert\(1\)>␇/);
    assert.equal(await pages.page.locator("img").count(), 0);
  });

  for (const theme of ["dark", "light", "hc-dark", "hc-light"]) {
    it(`stands out in ${theme}`, async () => {
      const outlined = async (bytes: Uint8Array): Promise<{ pixels: number; contrasts: number[] }> => {
        await open({ bytes, theme });
        await pages.drawn();
        return pages.page.locator(".lanes-canvas").evaluate((canvas: HTMLCanvasElement) => {
          const style = getComputedStyle(document.body);
          const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
          const rgb = (color: string): number[] => {
            probe.clearRect(0, 0, 1, 1);
            probe.fillStyle = color;
            probe.fillRect(0, 0, 1, 1);
            return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
          };
          const light = (color: number[]): number => {
            const [r, g, b] = color.map((part) => {
              const c = part / 255;
              return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! + 0.05;
          };
          const contrast = (a: number[], b: number[]): number => {
            const [x, y] = [light(a), light(b)];
            return Math.max(x, y) / Math.min(x, y);
          };
          const get = (name: string): number[] => rgb(style.getPropertyValue(name).trim());
          const isHigh = document.body.dataset.scheme!.startsWith("hc");
          const outline = get(isHigh ? "--fg" : "--stuck");
          const { data, width } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
          // Long lines of its colour: no letter and no slice has those.
          let pixels = 0;
          for (let run = 0, i = 0; i < data.length; i += 4) {
            const same = outline.every((part, j) => data[i + j] === part);
            run = same && (i / 4) % width > 0 ? run + 1 : 0;
            if (run > 200) pixels++;
          }
          const ground = rgb(getComputedStyle(document.querySelector(".standstill") ?? document.body).backgroundColor);
          const text = rgb(style.color);
          return { pixels, contrasts: [contrast(outline, get("--bg")), contrast(text, ground)] };
        });
      };
      const { pixels, contrasts } = await outlined(stopped(deadlockTrace()));
      // Above and below two waits, two device pixels thick.
      assert.ok(pixels > 4 * 200, `${pixels}`);
      assert.ok(contrasts[0]! >= 3 && contrasts[1]! >= 4.5, contrasts.join());
      await pages.page.close();
      const going = deadlockTrace();
      going.hangs.length = 0;
      assert.equal((await outlined(going.bytes())).pixels, 0);
    });
  }
});
