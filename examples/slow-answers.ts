// The same I/O-bound work by one thread, by threads, and by processes: questions to a server that takes its time.
//
// Look for: in the three marked parts hardly any core is in use. One thread waits for one answer after the other, eight
// threads for eight at once whatever the number of cores, and processes gain no more than threads. Compare with
// threads-and-processes.ts, where the work needs cores.

import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { isMain } from "heddle";
import { type Executor, ProcessPoolExecutor, ThreadPoolExecutor } from "heddle/futures";
import { span } from "heddle/trace";

const QUESTIONS = 32;
const THINKING_MS = 25;

/** Asks for the square of a number. */
async function ask(port: number, n: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write(String(n));
  const [answer] = await once(socket, "data");
  socket.destroy();
  return Number(answer);
}

async function timed(title: string, work: () => Promise<number[]>) {
  const begin = performance.now();
  const answers = await span(title, work);
  const right = answers.filter((answer, n) => answer === n * n).length;
  console.log(`${title.padEnd(12)} ${right} right answers in ${(performance.now() - begin).toFixed(0)} ms`);
}

const numbers = Array.from({ length: QUESTIONS }, (_, n) => n);

async function on(title: string, executor: Executor, port: number) {
  const askAll = async () => executor.map(ask, Array(QUESTIONS).fill(port), numbers);
  await askAll(); // starts the workers, which takes longer than the work
  await timed(title, askAll);
  await executor.shutdown();
}

if (isMain) {
  const server = createServer((socket) => {
    socket.on("error", () => {}); // it may hang up
    socket.on("data", (question) => setTimeout(() => socket.end(String(Number(question) ** 2)), THINKING_MS));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await timed("one thread", async () => {
    const answers: number[] = [];
    for (const n of numbers) answers.push(await ask(port, n));
    return answers;
  });
  await on("threads", new ThreadPoolExecutor({ maxWorkers: 8 }), port);
  await on("processes", new ProcessPoolExecutor({ maxWorkers: 8 }), port);
  server.close();
}
