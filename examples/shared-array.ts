// Processes that paint one picture together, in memory they share, and one that reads what they have painted.
//
// Look for: three groups of lanes that paint and one that reads, and no arrow with data between them: the picture is in
// memory they share, 64 MiB that are there once. The wall time beside the CPU time says what sharing the work brought.
import { isMain } from "heddle";
import { cpuCount, Process, RawArray, RawValue } from "heddle/multiprocessing";

const WIDTH = 4096;
const HEIGHT = 4096;
const ROUNDS = 60;

/** Computes rows of a picture of the Mandelbrot set; the next row that nobody has taken is in `next`. */
function paint(pixels: RawArray<"i">, next: RawArray<"i">, step: number) {
  const { view } = pixels;
  for (let y = Atomics.add(next.view, 0, step); y < HEIGHT; y = Atomics.add(next.view, 0, step)) {
    for (let x = 0; x < WIDTH; x += step) {
      const [cx, cy] = [(x / WIDTH) * 3 - 2.25, (y / HEIGHT) * 3 - 1.5];
      let [a, b, rounds] = [0, 0, 0];
      while (a * a + b * b < 4 && rounds < ROUNDS) {
        [a, b] = [a * a - b * b + cx, 2 * a * b + cy];
        rounds++;
      }
      view[y * WIDTH + x] = rounds;
    }
  }
}

/** Reads what the others wrote. */
function darkest(pixels: RawArray<"i">, result: RawValue<"i">) {
  result.value = pixels.view.reduce((count, rounds) => count + (rounds === ROUNDS ? 1 : 0), 0);
}

if (isMain) {
  const step = Number(process.argv[2] ?? 8); // 1 paints every pixel
  const pixels = new RawArray("i", WIDTH * HEIGHT);
  const next = new RawArray("i", 1);
  const result = new RawValue("i");
  const painters = Array.from(
    { length: Math.min(3, cpuCount()) },
    (_, i) => new Process({ target: paint, args: [pixels, next, step], name: `painter ${i + 1}` }),
  );
  for (const painter of painters) painter.start();
  for (const painter of painters) await painter.join();
  const reader = new Process({ target: darkest, args: [pixels, result], name: "reader" });
  reader.start();
  await reader.join();
  console.log(`${result.value} of ${(WIDTH / step) * (HEIGHT / step)} points belong to the set`);
}
