/**
 * The pictures of the walkthrough, light and dark: written to out/pictures/; with HEDDLE_UPDATE_PICTURES=1 also to media/.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { demoTrace } from "../../ui/demo-trace.js";
import { Workbench } from "./workbench.js";

const root = join(__dirname, "..", "..", "..");
const script = `import { isMain } from "heddle";
import { Lock, Thread } from "heddle/threading";

/** Takes turns at the lock. */
function transfer(accounts: Lock, rounds: number) {
  for (let round = 0; round < rounds; round++) {
    using held = accounts.holdSync();
    move(100);
  }
}
function move(amount: number) {}

if (isMain) {
  const accounts = new Lock({ name: "accounts" });
  const tellers = [1, 2, 3].map(
    (n) => new Thread({ name: \`teller \${n}\`, target: transfer, args: [accounts, 150] }),
  );
  for (const teller of tellers) teller.start();
  for (const teller of tellers) await teller.join();
}
`;

describe("the pictures of the walkthrough", () => {
  let bench: Workbench;
  before(async function () {
    this.timeout(300_000);
    const trace = demoTrace().bytes();
    bench = await Workbench.start(
      {
        ".vscode/settings.json": "{}",
        "bank.ts": script,
        ".heddle/pipeline-2026-11-20-10-31-07.heddle": trace,
        ".heddle/hash-files-2026-11-20-10-24-55.heddle": demoTrace().bytes({ exitCode: 1 }),
        ".heddle/before the change.heddle": trace,
      },
      { settings: { "breadcrumbs.enabled": false, "workbench.activityBar.location": "default" } },
    );
  });
  after(() => bench?.stop());
  afterEach(async function () {
    if (this.currentTest?.state === "failed") await bench.picture(`failed-${this.currentTest.title.slice(0, 40)}`);
  });

  interface Clip {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }
  const boxOf = async (part: string): Promise<Clip> => (await bench.page.locator(part).first().boundingBox())!;

  async function picture(name: string, clip: Clip): Promise<void> {
    await bench.paletteIsGone();
    const folder = join(root, "out", "pictures");
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `walkthrough-${name}.png`);
    await bench.page.screenshot({ path, clip });
    ok(statSync(path).size > 5000, name);
    if (process.env.HEDDLE_UPDATE_PICTURES) copyFileSync(path, join(root, "media", `walkthrough-${name}.png`));
  }

  for (const tone of ["light", "dark"] as const) {
    it(`${tone}: where to run, what is read, what is kept`, async () => {
      const theme = tone === "light" ? "Light Modern" : "Dark Modern";
      writeFileSync(
        join(bench.workspace, ".vscode", "settings.json"),
        JSON.stringify({ "workbench.colorTheme": theme }),
      );
      await bench.command("View: Close All Editors");
      await bench.reload();
      await bench.page.locator(tone === "light" ? ".monaco-workbench.vs" : ".monaco-workbench.vs-dark").waitFor();
      const sideBar = bench.page.locator(".part.sidebar");
      const hideSideBar = async () => {
        while (await sideBar.isVisible()) {
          await bench.command("View: Toggle Primary Side Bar Visibility");
          await sideBar.waitFor({ state: "hidden", timeout: 5000 }).catch(() => {});
        }
      };
      await hideSideBar();
      await bench.page.setViewportSize({ width: 800, height: 520 });
      await bench.open("bank.ts");
      const run = bench.page.locator(".editor-actions .action-label[aria-label^='Run with Concurrency Trace']");
      await run.waitFor();
      await bench.page.locator(".view-line", { hasText: "transfer" }).first().waitFor();
      await run.hover();
      await bench.page.locator(".monaco-hover", { hasText: "Run with Concurrency Trace" }).first().waitFor();
      await picture(`run-${tone}`, await boxOf(".part.editor"));

      await bench.page.setViewportSize({ width: 1120, height: 700 });
      await bench.sidebar();
      const row = bench.trace("pipeline");
      await row.click();
      const timeline = await bench.timeline();
      await timeline.locator("body[data-complete=true]").waitFor();
      await timeline.locator(".label", { hasText: "worker" }).first().waitFor();
      await bench.page.mouse.move(2, 2);
      await hideSideBar();
      // In the room that the side bar has left.
      await timeline.locator(".finding").first().waitFor();
      const panel = (await (await timeline.frameElement()).boundingBox())!;
      await picture(`read-${tone}`, panel);

      await bench.sidebar();
      await (await bench.timeline("compact")).locator(".badge", { hasText: "exit 0" }).waitFor();
      await row.click({ button: "right" });
      const menu = bench.page.locator(".context-view");
      await menu.locator(".action-item", { hasText: "Rename…" }).waitFor();
      await menu.evaluate((element) =>
        Promise.all(element.getAnimations({ subtree: true }).map((one) => one.finished)),
      );
      const { x, y, height } = await boxOf(".part.sidebar");
      await picture(`keep-${tone}`, { x, y, width: 364, height });
      await bench.page.keyboard.press("Escape");
    });
  }

  it("are those that the manifest names", () => {
    const { contributes } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const named = contributes.walkthroughs[0].steps.flatMap((step: { media: { image: Record<string, string> } }) =>
      Object.values(step.media.image),
    );
    const names = ["run", "read", "keep"].flatMap((name) => [`${name}-dark`, `${name}-light`]);
    deepStrictEqual([...new Set(named)].sort(), names.map((name) => `media/walkthrough-${name}.png`).sort());
  });
});
