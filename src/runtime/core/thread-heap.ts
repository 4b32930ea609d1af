/** The heap of the threads of this process, as one of which there can be several. */
import { heapBytes, words } from "./heap.js";
import { Heap } from "./shared-heap.js";
import { threadHolders } from "./thread-holders.js";

export const threadHeap: Heap = new Heap(words, heapBytes, () => threadHolders, 0);
