/** The workbench in a browser, driven as a user does: keys, clicks, and what is on the screen. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Browser, chromium, type Frame, type Page } from "playwright-core";

interface Server {
  readonly url: string;
  stop(): Promise<void>;
  log(): string;
}

export class Workbench {
  readonly page: Page;
  readonly workspace: string;
  readonly #browser: Browser;
  readonly #server: Server;
  readonly #home: string;

  private constructor(page: Page, workspace: string, browser: Browser, server: Server, home: string) {
    this.page = page;
    this.workspace = workspace;
    this.#browser = browser;
    this.#server = server;
    this.#home = home;
  }

  /**
   * @param files Of the workspace, by name.
   * @param open What the window opens, below the folder of the files: it, a folder or workspace file in it, or nothing.
   * @param trust Whether VS Code asks for trust (and the workspace then has none).
   */
  static async start(
    files: Readonly<Record<string, string | Uint8Array>>,
    { trust = false, settings = {} as Record<string, unknown>, workspace = "", open = "." as string | null } = {},
  ): Promise<Workbench> {
    // JavaScript outside of the tests' own compilation.
    const script = "../../../scripts/vscode-server.mjs";
    const { startServer } = (await import(script)) as {
      startServer(home: string, options: object): Promise<Server>;
    };
    const home = mkdtempSync(join(tmpdir(), "heddle-user-"));
    const folder = workspace || join(home, "project");
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    const server = await startServer(join(home, "vscode"), {
      vsix: process.env.HEDDLE_TEST_VSIX,
      trust,
      settings: {
        "heddle.nodePath": process.env.HEDDLE_TEST_NODE ?? process.execPath,
        "security.workspace.trust.startupPrompt": "never",
        "workbench.startupEditor": "none",
        "workbench.tips.enabled": false,
        "chat.disableAIFeatures": true,
        "workbench.secondarySideBar.defaultVisibility": "hidden",
        "editor.minimap.enabled": false,
        // As text in the page, which tests can read.
        "terminal.integrated.gpuAcceleration": "off",
        ...settings,
      },
    });
    const browser = await chromium.launch({
      executablePath: process.env.HEDDLE_TEST_CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
    });
    const page = await browser.newPage({ viewport: { width: 1500, height: 900 } });
    page.setDefaultTimeout(30_000);
    const opened = open === null ? "" : encodeURIComponent(join(folder, open));
    const kind = open?.endsWith(".code-workspace") ? "workspace" : "folder";
    await page.goto(open === null ? `${server.url}?ew=true` : `${server.url}?${kind}=${opened}`);
    await page.locator(".monaco-workbench .part.statusbar").waitFor();
    return new Workbench(page, folder, browser, server, home);
  }

  /** Opens a file of the workspace by Quick Open. */
  async open(name: string): Promise<void> {
    const tab = this.page.locator(`.tab[data-resource-name="${name}"]`).first();
    await this.#pick("Control+p", name, name, () => tab.waitFor({ timeout: 5000 }));
  }

  /** Opens a file from anywhere by its path. */
  async openPath(path: string): Promise<void> {
    const name = path.split("/").pop()!;
    const tab = this.page.locator(`.tab[data-resource-name="${name}"]`).first();
    const input = this.page.locator(".quick-input-widget input");
    await this.command("File: Open File...");
    await input.waitFor();
    while (!(await tab.isVisible())) {
      await input.fill(path).catch(() => {});
      await this.page.keyboard.press("Enter");
      await tab.waitFor({ timeout: 3000 }).catch(() => {});
    }
  }

  /** Runs a command by its title in the command palette. */
  async command(title: string): Promise<void> {
    await this.#pick("F1", `>${title}`, title);
  }

  /** A quick pick may still be closing, or its list not be filled yet: then once more. */
  async #pick(key: string, typed: string, row: string, chosen = async () => {}): Promise<void> {
    const input = this.page.locator(".quick-input-widget input");
    for (let attempt = 1; ; attempt++) {
      try {
        await this.page.keyboard.press(key);
        // Longer each time: on a busy machine it takes its time to find files.
        const timeout = 3000 * attempt;
        await input.fill(typed, { timeout });
        const found = this.page.locator(".quick-input-list .monaco-list-row", { hasText: row }).first();
        await found.click({ timeout });
        await chosen();
        return;
      } catch (error) {
        if (attempt === 5) throw error;
        await this.page.keyboard.press("Escape");
      }
    }
  }

  /** Waits until nothing of a quick pick is on the screen any more: it fades. */
  paletteIsGone(): Promise<void> {
    return this.page.locator(".quick-input-widget").waitFor({ state: "hidden" });
  }

  /** The titles that the palette offers for what is typed. */
  async offered(typed: string): Promise<string[]> {
    await this.page.keyboard.press("F1");
    const input = this.page.locator(".quick-input-widget input");
    await input.waitFor();
    await input.fill(`>${typed}`);
    await this.page.locator(".quick-input-list .monaco-list-row").first().waitFor();
    const rows = await this.page.locator(".quick-input-list .monaco-list-row .label-name").allTextContents();
    await this.page.keyboard.press("Escape");
    return rows;
  }

  /** The document of the timeline: the whole one, or the sidebar's. */
  async timeline(mode: "full" | "compact" = "full", timeoutMs = 30_000): Promise<Frame> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      for (const frame of this.page.frames()) {
        const found = await frame.evaluate(() => document.body?.dataset.mode).catch(() => undefined);
        if (found === mode && (await isShown(frame))) return frame;
      }
      if (Date.now() > until) throw new Error(`no ${mode} timeline on the screen within ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Opens Heddle's sidebar. */
  async sidebar(): Promise<void> {
    // A click on the container that is open would close it.
    const isOpen = this.page.locator(".sidebar .pane-header", { hasText: "Traces" }).first();
    if (await isOpen.isVisible()) return;
    await this.page.locator(".activitybar .action-label[aria-label='Heddle']").click();
    await isOpen.waitFor();
  }

  /** Takes an entry of the open context menu: by Enter, since a menu takes no click in its first moment. */
  async menu(title: string): Promise<void> {
    const entry = this.page.locator(".context-view .action-item", { hasText: title }).first();
    await entry.hover();
    await this.page.locator(".context-view .action-item.focused", { hasText: title }).waitFor();
    await this.page.keyboard.press("Enter");
    await entry.waitFor({ state: "detached" });
  }

  /** Loads the window again. `meanwhile` happens when the old one is gone and the new one has not come yet. */
  async reload(meanwhile?: () => Promise<void>): Promise<void> {
    const title = "Developer: Reload Window";
    const row = this.page.locator(".quick-input-list .monaco-list-row.focused", { hasText: title });
    while (!(await row.isVisible())) {
      await this.page.keyboard.press("F1");
      const input = this.page.locator(".quick-input-widget input");
      await input
        .fill(`>${title}`, { timeout: 3000 })
        .then(() => row.waitFor({ timeout: 3000 }))
        .catch(() => this.page.keyboard.press("Escape"));
    }
    // Not by a click: the page that would have to answer it is gone.
    const loaded = this.page.waitForEvent("domcontentloaded", { timeout: 60_000 });
    if (meanwhile !== undefined) {
      const isWorkbench = (url: URL) => url.pathname === "/" && url.searchParams.has("folder");
      await this.page.route(
        isWorkbench,
        async (route) => {
          await meanwhile();
          await route.continue();
        },
        { times: 1 },
      );
    }
    await this.page.keyboard.press("Enter");
    await loaded;
    await this.page.locator(".monaco-workbench .part.statusbar").waitFor();
  }

  /**
   * Moves the pointer along a lane of a timeline until what it says beside the pointer matches; the pointer stays there.
   * @param fromTop Pixels below the lane's upper edge.
   * @throws Error with what it said instead.
   */
  async pointAt(timeline: Frame, lane: string, matches: RegExp, fromTop = 12): Promise<{ x: number; y: number }> {
    const label = timeline.locator(".label:not(.group)", { hasText: lane }).first();
    await label.scrollIntoViewIfNeeded();
    const row = await label.boundingBox();
    const canvas = await timeline.locator(".lanes-canvas").boundingBox();
    if (row === null || canvas === null) throw new Error(`the lane ${lane} is not on the screen`);
    const said = new Set<string>();
    const y = row.y + fromTop;
    for (let x = canvas.x + 2; x < canvas.x + canvas.width; x += 4) {
      await this.page.mouse.move(x, y);
      const tip = timeline.locator(".tooltip");
      const text = (await tip.isVisible()) ? ((await tip.textContent()) ?? "") : "";
      if (matches.test(text)) return { x, y };
      said.add(text);
    }
    throw new Error(`nothing on the lane ${lane} matches ${matches}: ${[...said].join(" / ")}`);
  }

  /** The number of the line with the cursor, in an editor that shows the file; it need not have the focus. */
  lineWithCursor(file: string) {
    const group = this.page.locator(".editor-group-container").filter({
      has: this.page.locator(`.tab.active[data-resource-name="${file}"]`),
    });
    return group.locator(".line-numbers.active-line-number");
  }

  get tabs() {
    return this.page.locator(".tabs-container .tab");
  }

  /** Answers the dialog that asks for a file name; it fills in its suggestion when it is ready. */
  async saveAs(suggested: string, path: string): Promise<void> {
    const input = this.page.locator(".quick-input-widget input");
    await input.waitFor();
    while (!(await input.inputValue()).endsWith(suggested)) await this.page.waitForTimeout(50);
    await input.fill(path);
    // It takes no answer while it still lists the folder.
    for (;;) {
      await this.page.keyboard.press("Enter");
      const isGone = input.waitFor({ state: "hidden", timeout: 1000 });
      if (
        await isGone.then(
          () => true,
          () => false,
        )
      )
        return;
    }
  }

  /** The status-bar item of a run. */
  running(script: string) {
    return this.page.locator(".statusbar-item[id='heddle.heddle.heddle.run']", { hasText: script });
  }

  /** Waits until the terminal on the screen shows the text. */
  async terminalShows(text: string | RegExp, timeoutMs = 60_000): Promise<void> {
    const rows = this.page.locator(".terminal-wrapper.active .xterm-rows").filter({ visible: true, hasText: text });
    await rows.waitFor({ timeout: timeoutMs });
  }

  /** Gives the terminal the keys. */
  async intoTerminal(): Promise<void> {
    await this.page.locator(".terminal-wrapper.active .xterm-screen").filter({ visible: true }).click();
    await this.page.locator(".terminal-wrapper.active .xterm.focus").filter({ visible: true }).waitFor();
  }

  trace(name: string | RegExp) {
    return this.page.locator(".sidebar .monaco-list-row", { hasText: name });
  }

  notification(text: string | RegExp) {
    return this.page.locator(".notification-toast", { hasText: text });
  }

  /** A page of the same browser that has nothing to do with the workbench. */
  otherPage(): Promise<Page> {
    return this.#browser.newPage();
  }

  async picture(name: string): Promise<void> {
    const folder = join(__dirname, "..", "..", "..", "out", "pictures");
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.#server.stop();
    if (!process.env.KEEP_HOME) rmSync(this.#home, { recursive: true, force: true });
    else console.log(this.#home);
  }
}

/** Web views that are kept while hidden are still frames of the page. */
async function isShown(frame: Frame): Promise<boolean> {
  for (let at: Frame | null = frame; at?.parentFrame(); at = at.parentFrame()) {
    const element = await at.frameElement().catch(() => null);
    if (element === null || !(await element.isVisible())) return false;
  }
  return true;
}
