/**
 * Opens the timeline in a browser, with a fake of VS Code's side if wanted: what it sends is kept, what the test says is
 * posted to it. A page that throws or shows a dialog fails the test it is in.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { FromWebview, ToWebview } from "../../src/protocol/messages.js";
import { chromiumPath, launchBrowser } from "./browser.js";
import { oneFileHtml, type PageOptions } from "./one-file-html.js";

declare global {
  /** What the page sent to the fake of VS Code. */
  var sent: FromWebview[];
}

export interface OpenOptions {
  readonly fakeHost?: boolean;
  readonly width?: number;
  readonly height?: number;
}

export class TimelinePages {
  #browser: Browser | undefined;
  #folder = "";
  #page: Page | undefined;
  #pages = 0;
  #errors: string[] = [];

  /** To be made within `describe`: it takes part in its hooks. Without a browser all tests are skipped. */
  constructor() {
    const pages = this;
    before(async function () {
      if (!chromiumPath) this.skip();
      pages.#folder = mkdtempSync(join(tmpdir(), "heddle-ui-"));
      pages.#browser = await launchBrowser();
    });
    after(async () => {
      await this.#browser?.close();
      if (this.#folder) rmSync(this.#folder, { recursive: true });
    });
    beforeEach(() => {
      this.#errors = [];
    });
    afterEach(async () => {
      await this.#page?.close();
      assert.deepEqual(this.#errors, []);
    });
  }

  /** The page that was opened last. */
  get page(): Page {
    return this.#page!;
  }

  async open(options: PageOptions, { fakeHost = false, width = 1280, height = 800 }: OpenOptions = {}): Promise<Page> {
    const path = join(this.#folder, `page-${this.#pages++}.html`);
    writeFileSync(path, oneFileHtml(options));
    const page = await this.#browser!.newPage({ viewport: { width, height } });
    this.#page = page;
    page.on("pageerror", (error) => this.#errors.push(String(error)));
    page.on("dialog", (dialog) => {
      this.#errors.push(`dialog: ${dialog.message()}`);
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

  /** Opens a page that carries a trace, and waits until all of it is drawn. */
  async openTrace(bytes: Uint8Array, options: Omit<PageOptions, "bytes"> & OpenOptions = {}): Promise<Page> {
    await this.open({ ...options, bytes }, options);
    await this.page.waitForSelector("body[data-complete=true]");
    await this.drawn();
    return this.page;
  }

  /** Waits until what was asked for is on the screen. */
  drawn(): Promise<void> {
    return this.page.evaluate(
      () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))),
    );
  }

  post(message: Exclude<ToWebview, { type: "trace-bytes" }>): Promise<void> {
    return this.page.evaluate((data) => window.postMessage(data, "*"), message);
  }

  postBytes(bytes: Uint8Array, done = false): Promise<void> {
    return this.page.evaluate(
      (given) =>
        window.postMessage({ type: "trace-bytes", bytes: Uint8Array.from(given.bytes), done: given.done }, "*"),
      { bytes: [...bytes], done },
    );
  }

  titles(): Promise<string[]> {
    return this.page.locator(".label .title").allTextContents();
  }

  async axis(): Promise<string> {
    return (await this.page.locator(".axis text").allTextContents()).join();
  }

  /** Where a part of a lane's canvas is, in page pixels. */
  async lanePoint(title: string, part: number, fromTop: number): Promise<[number, number]> {
    const label = await this.page.locator(".label", { hasText: title }).first().boundingBox();
    const canvas = await this.page.locator(".lanes-canvas").boundingBox();
    assert.ok(label && canvas);
    return [canvas.x + canvas.width * part, label.y + fromTop];
  }
}
