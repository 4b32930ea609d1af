// The same ten tasks read twice: in the order in which they were handed in, and in the order in which they end.
//
// Look for: the first task is the longest. In "in order" the main thread has nothing to do until it ends, then all at
// once; in "as completed" it handles each result at once, so its marks are spread over the whole time.

import { isMain } from "heddle";
import { asCompleted, ThreadPoolExecutor } from "heddle/futures";
import { mark, span } from "heddle/trace";

/** Takes the longer the smaller the number. */
async function download(file: number): Promise<number> {
  await new Promise((done) => setTimeout(done, 400 - 40 * file));
  return file;
}

const FILES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

if (isMain) {
  await using pool = new ThreadPoolExecutor({ maxWorkers: FILES.length });
  await Promise.all(FILES.map(() => pool.submit(download, 10))); // all threads are there

  const inOrder: number[] = [];
  await span("in order", async () => {
    for await (const file of pool.map(download, FILES)) {
      inOrder.push(file);
      mark(`file ${file}`);
    }
  });
  console.log(`in order:     ${inOrder.join(" ")}`);

  const asTheyCame: number[] = [];
  await span("as completed", async () => {
    for await (const done of asCompleted(FILES.map((file) => pool.submit(download, file)))) {
      asTheyCame.push(done.result());
      mark(`file ${done.result()}`);
    }
  });
  console.log(`as completed: ${asTheyCame.join(" ")}`);
}
