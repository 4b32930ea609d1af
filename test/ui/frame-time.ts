/**
 * How long a frame takes with a million events: `tsx test/ui/frame-time.ts [EVENTS [ROUNDS]]`.
 *
 * A frame is one step of a zoom or pan by a key, at 1600 × 1000 pixels. Three figures a frame, medians over the rounds:
 * - `draw`: all of the page's own work in the animation frame, from the model to the last call of the canvas, by the
 *   clock. Other work on the machine shows in it, so its load is printed too.
 * - `script CPU`: the same and the handling of the key, in CPU time.
 * - `thread CPU`: all that the page's main thread does for it, also what the browser does with these calls (style,
 *   layout, rasterising the canvas).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { CDPSession, Page } from "playwright-core";
import { largeTrace } from "../analysis/large-trace.js";
import { launchBrowser } from "./browser.js";
import { oneFileHtml } from "./one-file-html.js";

declare global {
  /** Start and length of tasks longer than 50 ms, milliseconds. */
  var tasks: [start: number, length: number][];
}

const FRAMES = 60;
const [events = 1_000_000, rounds = 5] = process.argv.slice(2).map(Number);

/** Milliseconds a frame. */
interface Figures {
  readonly median: number;
  readonly p95: number;
  readonly script: number;
  readonly thread: number;
}

async function main(): Promise<void> {
  const folder = join(__dirname, "../../out/screenshots");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "large.html");
  writeFileSync(path, oneFileHtml({ bytes: largeTrace({ events }).bytes(), theme: "dark" }));
  const browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  page.on("pageerror", (error) => console.error(error));
  await page.addInitScript(() => {
    globalThis.tasks = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) globalThis.tasks.push([startTime, duration]);
    }).observe({ type: "longtask" });
  });
  const begin = Date.now();
  await page.goto(pathToFileURL(path).href);
  const firstLanes = page.waitForSelector("body[data-lanes]", { timeout: 120_000 }).then(() => Date.now() - begin);
  await page.waitForSelector(".figure");
  await page.waitForSelector(".progress", { state: "hidden", timeout: 120_000 });
  await page.waitForFunction(() => globalThis.heddleFrameStats!().frames > 1, undefined, { timeout: 120_000 });
  console.log(
    `first lanes after ${await firstLanes} ms, loaded in ${Date.now() - begin} ms; load of the machine ${loadavg()[0]!.toFixed(1)}`,
  );
  const tasks = await page.evaluate(() => globalThis.tasks);
  console.log(
    `tasks of more than 50 ms: ${tasks.map(([start, length]) => `${Math.round(length)} ms (at ${Math.round(start)} ms)`).join(", ") || "none"}`,
  );
  await page.screenshot({ path: join(folder, "large.png") });
  const metrics = await page.context().newCDPSession(page);
  await metrics.send("Performance.enable", { timeDomain: "threadTicks" });

  const measured = new Map<string, Figures[]>();
  for (let round = 0; round < rounds; round++) {
    const add = async (what: string, keys: string): Promise<void> => {
      measured.set(what, [...(measured.get(what) ?? []), await measure(page, metrics, keys)]);
    };
    await press(page, "Home", 1);
    await press(page, "s", 60);
    await add("zoom at everything", "ws");
    await press(page, "s", 60);
    await press(page, "w", 8);
    await add("pan at a tenth", "da");
    await press(page, "w", 16);
    await add("pan at a thousandth", "da");
    await page.screenshot({ path: join(folder, "large-zoomed.png") });
  }
  for (const [what, all] of measured) {
    const of = (key: keyof Figures): string => middle(all.map((figures) => figures[key])).toFixed(1);
    console.log(
      `${what}: draw median ${of("median")} ms, 95 % under ${of("p95")} ms; script CPU ${of("script")} ms, thread CPU ${of("thread")} ms`,
    );
  }
  console.log(`load of the machine ${loadavg()[0]!.toFixed(1)}`);
  await browser.close();
}

async function press(page: Page, key: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await page.keyboard.press(key);
}

async function measure(page: Page, metrics: CDPSession, keys: string): Promise<Figures> {
  const before = await busySeconds(metrics);
  const { median, p95 } = await page.evaluate(
    async ([moves, frames]) => {
      globalThis.heddleFrameStats!().reset();
      for (let i = 0; i < frames; i++) {
        window.dispatchEvent(new KeyboardEvent("keydown", { key: i % 20 < 10 ? moves[0]! : moves[1]! }));
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      const statistics = globalThis.heddleFrameStats!();
      return { median: statistics.median, p95: statistics.p95 };
    },
    [keys, FRAMES] as const,
  );
  const after = await busySeconds(metrics);
  const perFrame = 1000 / FRAMES;
  return {
    median,
    p95,
    script: (after.script - before.script) * perFrame,
    thread: (after.thread - before.thread) * perFrame,
  };
}

/** How long the main thread has worked so far. */
async function busySeconds(metrics: CDPSession): Promise<{ script: number; thread: number }> {
  const { metrics: all } = await metrics.send("Performance.getMetrics");
  const of = (wanted: string): number => all.find(({ name }) => name === wanted)!.value;
  return { script: of("ScriptDuration"), thread: of("TaskDuration") };
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

void main();
