import type { StateColumns } from "./model.js";

/** How long a thread was in a state between two times: nanoseconds. What is open counts as lasting to the end. */
export function timeInState(states: StateColumns, from: number, to: number, state: number): number {
  // The first row that ends after `from`; the last row alone may be open.
  let low = 0;
  let high = states.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (states.end[middle]! <= from) low = middle + 1;
    else high = middle;
  }
  let sum = 0;
  for (let row = low; row < states.count && states.start[row]! < to; row++) {
    if (states.state[row] !== state) continue;
    const end = Number.isNaN(states.end[row]!) ? to : Math.min(states.end[row]!, to);
    sum += Math.max(0, end - Math.max(states.start[row]!, from));
  }
  return sum;
}
