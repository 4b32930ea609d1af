// Scans ports of this machine with sixteen threads that take their work from a queue.
//
// Look for: bands that are mostly grey: the threads wait for the network and need no core, so many of them help even on
// a machine with two cores. Compare with threads-and-processes.ts, where more threads than cores gain nothing.

import { connect, createServer } from "node:net";
import { isMain } from "heddle";
import { Empty, Queue } from "heddle/queue";
import { Lock, Thread } from "heddle/threading";

const HOST = "127.0.0.1";

/** Whether something listens there. */
function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port, timeout: 500 });
    const answer = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
    socket.once("timeout", () => answer(false));
  });
}

async function scan(ports: Queue<number>, open: Queue<number>, printer: Lock) {
  for (;;) {
    let port: number;
    try {
      port = ports.getNowait();
    } catch (error) {
      if (error instanceof Empty) return;
      throw error;
    }
    if (await isOpen(port)) {
      using _ = await printer.hold();
      console.log(`port ${port} is open`);
      open.putNowait(port);
    }
  }
}

if (isMain) {
  // Something to find: three servers on free ports.
  const servers = await Promise.all(
    [0, 0, 0].map(
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer((socket) => socket.end());
          server.listen(0, HOST, () => resolve(server));
        }),
    ),
  );
  const listening = servers.map((server) => (server.address() as { port: number }).port);
  const from = Math.max(1, Math.min(...listening) - 500);
  const to = Math.min(65_535, Math.max(...listening) + 500);

  const ports = new Queue<number>({ name: "ports" });
  const open = new Queue<number>({ name: "open ports" });
  const printer = new Lock({ name: "printer" });
  const limit = Math.min(to, from + 4_000);
  for (let port = from; port <= limit; port++) ports.putNowait(port);
  for (const port of listening) if (port > limit) ports.putNowait(port);
  const scanners = Array.from(
    { length: 16 },
    (_, i) => new Thread({ target: scan, args: [ports, open, printer], name: `scanner ${i + 1}` }),
  );
  const begin = performance.now();
  const count = ports.qsize();
  for (const scanner of scanners) scanner.start();
  for (const scanner of scanners) await scanner.join();
  console.log(`${count} ports in ${(performance.now() - begin).toFixed(0)} ms, ${open.qsize()} open`);
  for (const server of servers) server.close();
}
