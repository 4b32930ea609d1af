/**
 * The growing columns behind the model's read-only faces: typed arrays that double when they are full, so that a
 * row costs its bytes and nothing else.
 */
import type {
  CoreColumns,
  FlowColumns,
  HoldColumns,
  MarkColumns,
  MessageColumns,
  RequestColumns,
  SliceColumns,
  StateColumns,
  StepColumns,
} from "./model.js";

type AnyTyped = Float64Array | Uint32Array | Int32Array | Uint16Array | Int16Array | Uint8Array;

/** Twice as large, with the same beginning. */
export function doubled<T extends AnyTyped>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2);
  larger.set(array);
  return larger;
}

/** Makes all columns of a table twice as long. */
function growColumns<T extends object>(table: T): void {
  for (const [name, column] of Object.entries(table)) {
    if (ArrayBuffer.isView(column)) table[name as keyof T] = doubled(column as AnyTyped) as T[keyof T];
  }
}

export class GrowingStates implements StateColumns {
  count = 0;
  start = new Float64Array(16);
  end = new Float64Array(16);
  state = new Uint8Array(16);
  core = new Int16Array(16);

  push(start: number, end: number, state: number, core: number): number {
    const row = this.count;
    if (row === this.start.length) growColumns(this);
    this.start[row] = start;
    this.end[row] = end;
    this.state[row] = state;
    this.core[row] = core;
    this.count = row + 1;
    return row;
  }
}

export class GrowingSlices implements SliceColumns {
  count = 0;
  start = new Float64Array(16);
  end = new Float64Array(16);
  depth = new Uint16Array(16);
  kind = new Uint8Array(16);
  name = new Uint32Array(16);
  object = new Int32Array(16);
  site = new Uint32Array(16);
  flags = new Uint8Array(16);
  value = new Float64Array(16);
  detail = new Uint32Array(16);

  push(
    start: number,
    end: number,
    depth: number,
    kind: number,
    name: number,
    object: number,
    site: number,
    flags: number,
    value: number,
  ): number {
    const row = this.count;
    if (row === this.start.length) growColumns(this);
    this.start[row] = start;
    this.end[row] = end;
    this.depth[row] = depth;
    this.kind[row] = kind;
    this.name[row] = name;
    this.object[row] = object;
    this.site[row] = site;
    this.flags[row] = flags;
    this.value[row] = value;
    this.count = row + 1;
    return row;
  }
}

export class GrowingHolds implements HoldColumns {
  count = 0;
  start = new Float64Array(16);
  end = new Float64Array(16);
  thread = new Int32Array(16);
  site = new Uint32Array(16);
  times = new Float64Array(16);
  inexact = new Uint8Array(16);
  cut = new Uint8Array(16);

  /** A hold that goes on. */
  push(start: number, thread: number, site: number, times: number, inexact: boolean): number {
    const row = this.count;
    if (row === this.start.length) growColumns(this);
    this.start[row] = start;
    this.end[row] = Number.NaN;
    this.thread[row] = thread;
    this.site[row] = site;
    this.times[row] = times;
    this.inexact[row] = inexact ? 1 : 0;
    this.count = row + 1;
    return row;
  }
}

export class GrowingSteps implements StepColumns {
  count = 0;
  time = new Float64Array(16);
  value = new Float64Array(16);

  /** Never goes back in time: a step that comes late counts from the last one's time. */
  push(time: number, value: number): void {
    const row = this.count;
    if (row > 0) {
      if (this.value[row - 1] === value) return;
      if (time < this.time[row - 1]!) time = this.time[row - 1]!;
    }
    if (row === this.time.length) growColumns(this);
    this.time[row] = time;
    this.value[row] = value;
    this.count = row + 1;
  }

  get last(): number {
    return this.count === 0 ? 0 : this.value[this.count - 1]!;
  }
}

export class GrowingCores implements CoreColumns {
  readonly busyNs = new GrowingSteps();
  count = 0;
  start = new Float64Array(16);
  end = new Float64Array(16);
  thread = new Int32Array(16);

  push(start: number, end: number, thread: number): number {
    const row = this.count;
    if (row === this.start.length) growColumns(this);
    this.start[row] = start;
    this.end[row] = end;
    this.thread[row] = thread;
    this.count = row + 1;
    return row;
  }
}

export class GrowingFlows implements FlowColumns {
  count = 0;
  kind = new Uint8Array(16);
  fromThread = new Int32Array(16);
  fromTime = new Float64Array(16);
  toThread = new Int32Array(16);
  toTime = new Float64Array(16);
  object = new Int32Array(16);
  bytes = new Float64Array(16);
  fromSite = new Uint32Array(16);

  push(
    kind: number,
    fromThread: number,
    fromTime: number,
    toThread: number,
    toTime: number,
    object: number,
    bytes = 0,
    fromSite = 0,
  ): void {
    const row = this.count;
    if (row === this.kind.length) growColumns(this);
    // Sorted by toTime, also where two clocks disagree by a little.
    if (row > 0 && toTime < this.toTime[row - 1]!) toTime = this.toTime[row - 1]!;
    this.kind[row] = kind;
    this.fromThread[row] = fromThread;
    this.fromTime[row] = Math.min(fromTime, toTime);
    this.toThread[row] = toThread;
    this.toTime[row] = toTime;
    this.object[row] = object;
    this.bytes[row] = bytes;
    this.fromSite[row] = fromSite;
    this.count = row + 1;
  }
}

export class GrowingMessages implements MessageColumns {
  count = 0;
  start = new Float64Array(16);
  end = new Float64Array(16);
  thread = new Int32Array(16);
  site = new Uint32Array(16);
  toThread = new Int32Array(16);
  toSite = new Uint32Array(16);
  bytes = new Float64Array(16);

  /** A message that is on its way. */
  push(start: number, thread: number, site: number, bytes: number): number {
    const row = this.count;
    if (row === this.start.length) growColumns(this);
    this.start[row] = row > 0 ? Math.max(start, this.start[row - 1]!) : start;
    this.end[row] = Number.NaN;
    this.thread[row] = thread;
    this.site[row] = site;
    this.toThread[row] = -1;
    this.bytes[row] = bytes;
    this.count = row + 1;
    return row;
  }
}

export class GrowingRequests implements RequestColumns {
  count = 0;
  start = new Float64Array(16);
  end = new Float64Array(16);
  thread = new Int32Array(16);
  serveStart = new Float64Array(16);
  serveEnd = new Float64Array(16);
  server = new Int32Array(16);
  name = new Uint32Array(16);
  failed = new Uint8Array(16);

  /** A request of which nothing but its name is known. */
  push(name: number): number {
    const row = this.count;
    if (row === this.start.length) growColumns(this);
    for (const times of [this.start, this.end, this.serveStart, this.serveEnd]) times[row] = Number.NaN;
    this.thread[row] = -1;
    this.server[row] = -1;
    this.name[row] = name;
    this.count = row + 1;
    return row;
  }
}

export class GrowingMarks implements MarkColumns {
  count = 0;
  time = new Float64Array(16);
  name = new Uint32Array(16);
  site = new Uint32Array(16);
  detail = new Uint32Array(16);

  push(time: number, name: number, site: number): number {
    const row = this.count;
    if (row === this.time.length) growColumns(this);
    this.time[row] = time;
    this.name[row] = name;
    this.site[row] = site;
    this.count = row + 1;
    return row;
  }
}

/** Values by a number that counts up (item, task): NaN where nothing is known. */
export class ByNumber {
  #times = new Float64Array(64).fill(Number.NaN);
  #threads = new Int32Array(64);
  /** Numbers beyond what an array should hold: a broken file must not make us allocate gigabytes. */
  readonly #far = new Map<number, [time: number, thread: number]>();

  set(number: number, time: number, thread: number): void {
    if (!(number >= 0 && number < 1 << 26 && number <= this.#times.length * 4)) {
      this.#far.set(number, [time, thread]);
      return;
    }
    while (number >= this.#times.length) {
      const length = this.#times.length;
      this.#times = doubled(this.#times).fill(Number.NaN, length);
      this.#threads = doubled(this.#threads);
    }
    this.#times[number] = time;
    this.#threads[number] = thread;
  }

  delete(number: number): void {
    if (this.#times[number] !== undefined) this.#times[number] = Number.NaN;
    this.#far.delete(number);
  }

  time(number: number): number {
    const time = this.#times[number] ?? Number.NaN;
    if (!Number.isNaN(time)) return time;
    return this.#far.size === 0 ? Number.NaN : (this.#far.get(number)?.[0] ?? Number.NaN);
  }

  thread(number: number): number {
    const time = this.#times[number] ?? Number.NaN;
    if (!Number.isNaN(time)) return this.#threads[number]!;
    return this.#far.get(number)?.[1] ?? -1;
  }
}
