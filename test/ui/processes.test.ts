/** What the timeline shows across processes: shared locks, messages, requests to managers. */
import assert from "node:assert/strict";
import { processesTrace } from "./processes-trace.js";
import { TimelinePages } from "./timeline-pages.js";

describe("several processes in a browser", function () {
  this.timeout(60_000);
  const pages = new TimelinePages();
  const details = () => pages.page.locator(".details");

  /** Chooses the first thing of a lane, and goes on to the n-th. */
  async function choose(lane: string, n = 1): Promise<string> {
    await pages.page.locator(".label", { hasText: lane }).first().click();
    for (let i = 0; i < n; i++) await pages.page.keyboard.press(".");
    await pages.drawn();
    return (await details().textContent()) ?? "";
  }

  it("are a group each, and what they share has one lane that names all of them", async () => {
    await pages.openTrace(processesTrace().bytes());
    assert.deepEqual(
      (await pages.titles()).filter((title) => title !== "main"),
      [
        "bank.ts",
        "teller-1",
        "teller-2",
        "ledger manager",
        "Locks",
        "vault",
        "Connections",
        "orders",
        "127.0.0.1:5000",
      ],
    );
    const place = (lane: string) =>
      pages.page.locator(".label", { hasText: lane }).first().locator(".subtitle").textContent();
    assert.equal(await place("vault"), "bank.ts:10 · pids 4711, 4720, 4721");
    assert.equal(await place("orders"), "bank.ts:12 · pids 4711, 4720");
    assert.match(await choose("vault"), /held bymain of teller-1/);
    assert.match(await choose("vault"), /held bymain of teller-2/);
  });

  it("show a message's size, its way, and both of its lines", async () => {
    await pages.openTrace(processesTrace().bytes());
    const text = await choose("orders");
    assert.match(text, /message of a Pipe/);
    assert.match(text, /size4\.20 kB/);
    assert.match(text, /on its way60 µs/);
    assert.match(text, /frommain of bank\.ts/);
    assert.match(text, /tomain of teller-1/);
    assert.match(text, /received atbank\.ts:33/);
    assert.match(text, /bank\.ts:21/);
    await details().getByRole("button", { name: "main of teller-1" }).click();
    await details().getByText("receive orders").waitFor();
    assert.match((await details().textContent()) ?? "", /message frommain of bank\.ts, 4\.20 kB/);
  });

  it("show of a request the time on the wire and in the server, and lead to its other side and back", async () => {
    await pages.openTrace(processesTrace().bytes());
    await pages.page.keyboard.press("/");
    await pages.page.keyboard.type("dict.update");
    await pages.page.keyboard.press("Enter");
    await pages.page.keyboard.press("Escape");
    await details().getByText("request to a manager").waitFor();
    const text = (await details().textContent()) ?? "";
    assert.match(text, /took730 µs/);
    assert.match(text, /in the server550 µs/);
    assert.match(text, /on the wire180 µs/);
    await details().getByRole("button", { name: "main of ledger manager" }).click();
    await details().getByText("serves a request").waitFor();
    await details().getByRole("button", { name: "main of teller-1" }).click();
    await details().getByText("request to a manager").waitFor();
  });

  it("count waits for messages among what was waited for", async () => {
    await pages.openTrace(processesTrace().bytes());
    const most = (await details().textContent()) ?? "";
    assert.match(most, /orders.*Pipe · 16 waits of 2 threads/);
    await details()
      .getByRole("button", { name: /orders/ })
      .first()
      .click();
    await pages.drawn();
    assert.equal(await pages.page.locator(".label.active .title").textContent(), "orders");
  });
});
