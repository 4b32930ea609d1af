// A producer that is faster than its two consumers, over a queue with room for eight.
//
// Look for: the queue's lane climbs to its capacity and stays there, and the producer turns red: it waits for a free
// place. A longer queue would only hide it; a third consumer ends it.

import { createHash } from "node:crypto";
import { isMain } from "heddle";
import { Queue } from "heddle/queue";
import { Thread } from "heddle/threading";

interface Page {
  url: string;
  text: string;
}

/** Makes pages, about a millisecond each. */
function fetchPages(pages: Queue<Page | null>, count: number, consumers: number) {
  for (let i = 0; i < count; i++) {
    let text = `page ${i} `;
    while (text.length < 200_000) text += text;
    pages.putSync({ url: `https://example.com/${i}`, text });
  }
  for (let i = 0; i < consumers; i++) pages.putSync(null);
}

/** Takes pages until the poison pill, several milliseconds each. */
function indexPages(pages: Queue<Page | null>, results: Queue<string>) {
  for (let page = pages.getSync(); page !== null; page = pages.getSync()) {
    let digest = page.text;
    for (let i = 0; i < 12; i++) digest = createHash("sha256").update(page.text).update(digest).digest("hex");
    results.putSync(`${page.url} ${digest.slice(0, 12)}`);
  }
}

if (isMain) {
  const pages = new Queue<Page | null>({ maxSize: 8, name: "pages" });
  const results = new Queue<string>({ name: "results" });
  const threads = [
    new Thread({ target: fetchPages, args: [pages, 150, 2], name: "producer" }),
    new Thread({ target: indexPages, args: [pages, results], name: "consumer 1" }),
    new Thread({ target: indexPages, args: [pages, results], name: "consumer 2" }),
  ];
  for (const thread of threads) thread.start();
  for (const thread of threads) await thread.join();
  console.log(`${results.qsize()} pages indexed; the first: ${results.getNowait()}`);
}
