// A process that makes blocks of log lines, two that compress them, and a queue of four places in between.
//
// Look for: the lane of "blocks" is one for all three processes and is mostly full, so the maker's red parts wait for a
// place; an arrow leads from each put to the get in another process. Nobody copies a block but the two who use it.

import { gzipSync } from "node:zlib";
import { isMain } from "heddle";
import { Process, Queue } from "heddle/multiprocessing";

const BLOCKS = 60;
const BLOCK_BYTES = 256 * 1024;

/** Makes blocks and ends right after the last put: what is in the queue stays there. */
function make(blocks: Queue<Uint8Array | null>, compressors: number) {
  for (let n = 0; n < BLOCKS; n++) {
    let text = "";
    for (let line = 0; text.length < BLOCK_BYTES; line++)
      text += `block ${n}, line ${line}: request ${line * n} served\n`;
    blocks.putSync(new TextEncoder().encode(text).subarray(0, BLOCK_BYTES));
  }
  for (let i = 0; i < compressors; i++) blocks.putSync(null);
}

/** Compresses blocks until there are no more. */
function compress(blocks: Queue<Uint8Array | null>, sizes: Queue<[before: number, after: number]>) {
  for (let block = blocks.getSync(); block !== null; block = blocks.getSync()) {
    sizes.putSync([block.length, gzipSync(block, { level: 9 }).length]);
  }
}

if (isMain) {
  const blocks = new Queue<Uint8Array | null>({ maxSize: 4, name: "blocks" });
  const sizes = new Queue<[number, number]>({ name: "sizes" });
  const processes = [
    new Process({ target: make, args: [blocks, 2], name: "maker" }),
    new Process({ target: compress, args: [blocks, sizes], name: "compressor 1" }),
    new Process({ target: compress, args: [blocks, sizes], name: "compressor 2" }),
  ];
  for (const process of processes) process.start();
  let [before, after] = [0, 0];
  for (let n = 0; n < BLOCKS; n++) {
    const [raw, packed] = await sizes.get();
    before += raw;
    after += packed;
  }
  for (const process of processes) await process.join();
  console.log(`${BLOCKS} blocks, ${before} bytes, compressed to ${Math.round((after / before) * 100)} %`);
}
