/**
 * Linux: every context switch, fork, exit and name of the calling thread's future children, from the kernel.
 *
 * A software dummy event counts nothing, but carries the side records we want. It is opened on the calling thread with
 * `inherit`, once per CPU (the kernel maps inherited events only per CPU), so it must be opened before the script is
 * spawned, by the thread that spawns it. Each CPU's ring is mapped and read by polling; the kernel writes, we move the
 * tail. Needs `kernel.perf_event_paranoid` <= 2, or root, or CAP_PERFMON.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Where records of one poll go; times are nanoseconds since the origin. */
export interface PerfSink {
  fork(pid: number, tid: number, parentPid: number, t: number): void;
  exit(pid: number, tid: number, t: number): void;
  /** `exec`: the name is new because the process runs another program. */
  named(pid: number, tid: number, name: string, exec: boolean): void;
  switched(pid: number, tid: number, core: number, t: number, out: boolean, preempted: boolean): void;
  lost(count: number): void;
}

export interface PerfEvents {
  /** Gives what came since the last poll: of each core in order. */
  poll(sink: PerfSink): void;
  close(): void;
}

/** It cannot be had here; the message says why, for a person. */
export class PerfUnavailable extends Error {
  override readonly name = "PerfUnavailable";
}

const SYSCALL: Partial<Record<NodeJS.Architecture, number>> = { x64: 298, arm64: 241 };
const ATTR_BYTES = 112;
const TYPE_SOFTWARE = 1;
const COUNT_SW_DUMMY = 9;
const SAMPLE_TID_TIME_CPU = (1 << 1) | (1 << 2) | (1 << 7);
/** inherit, exclude_kernel, exclude_hv, comm, task, sample_id_all, comm_exec, use_clockid, context_switch. */
const ATTR_FLAGS = [1, 5, 6, 9, 13, 18, 24, 25, 26].reduce((bits, bit) => bits | (1 << bit), 0);
const CLOCK_MONOTONIC = 1;
const FLAG_CLOEXEC = 8;
/** What an unprivileged user may lock per core (kernel.perf_event_mlock_kb): 128 data pages and one for control. */
const PAGE_BYTES = 4096;
const DATA_BYTES = 128 * PAGE_BYTES;
const EPERM = 1;
const EACCES = 13;

const RecordType = { Lost: 2, Comm: 3, Exit: 4, Fork: 7, Switch: 14 } as const;
const MISC_BIT_13 = 1 << 13;
const MISC_BIT_14 = 1 << 14;
/** pid, tid, time, cpu behind each record. */
const SAMPLE_ID_BYTES = 24;

interface Ring {
  readonly fd: number;
  readonly pointer: unknown;
  readonly control: Uint32Array;
  readonly data: DataView;
  tail: number;
}

interface Library {
  func(definition: string): (...args: unknown[]) => unknown;
}

interface Koffi {
  load(path: string | null): Library;
  view(pointer: unknown, length: number): ArrayBuffer;
  address(pointer: unknown): bigint;
  errno(): number;
}

/**
 * Opens the rings for children that the calling thread starts from now on.
 * @throws PerfUnavailable
 */
export function openPerfEvents(originNs: bigint): PerfEvents {
  const number = SYSCALL[process.arch];
  if (process.platform !== "linux" || number === undefined) {
    throw new PerfUnavailable(`No context switches on ${process.platform} ${process.arch}.`);
  }
  let koffi: Koffi;
  try {
    koffi = createRequire(__filename)("koffi") as Koffi;
  } catch (error) {
    throw new PerfUnavailable(`The native bridge could not be loaded: ${(error as Error).message}`);
  }
  const libc = koffi.load(null);
  const syscall = libc.func(
    "long syscall(long number, _Inout_ uint8_t *attr, int pid, int cpu, int group, unsigned long flags)",
  );
  const mmap = libc.func("void *mmap(void *address, size_t length, int prot, int flags, int fd, long offset)");
  const munmap = libc.func("int munmap(void *address, size_t length)");
  const closeFd = libc.func("int close(int fd)");

  const rings: Ring[] = [];
  const close = (): void => {
    for (const ring of rings) {
      munmap(ring.pointer, PAGE_BYTES + DATA_BYTES);
      closeFd(ring.fd);
    }
    rings.length = 0;
  };
  const attr = dummyEventAttributes();
  for (const core of onlineCores()) {
    const fd = Number(syscall(number, attr, 0, core, -1, FLAG_CLOEXEC));
    if (fd < 0) {
      const errno = koffi.errno();
      close();
      throw new PerfUnavailable(
        errno === EPERM || errno === EACCES
          ? `The system does not allow context-switch records (kernel.perf_event_paranoid is ${paranoia()}).`
          : `The system has no context-switch records (errno ${errno}).`,
      );
    }
    const pointer = mmap(null, PAGE_BYTES + DATA_BYTES, 3, 1, fd, 0);
    if (pointer === null || koffi.address(pointer) === 0xffff_ffff_ffff_ffffn) {
      closeFd(fd);
      close();
      throw new PerfUnavailable("The system gives no memory for context-switch records (kernel.perf_event_mlock_kb).");
    }
    const memory = koffi.view(pointer, PAGE_BYTES + DATA_BYTES);
    rings.push({
      fd,
      pointer,
      control: new Uint32Array(memory, 0, PAGE_BYTES / 4),
      data: new DataView(memory, PAGE_BYTES, DATA_BYTES),
      tail: 0,
    });
  }
  const high = Number(originNs >> 32n);
  const low = Number(originNs & 0xffff_ffffn);
  /** Exact although the clock itself may need more than 53 bits. */
  const since = (view: DataView, at: number): number =>
    (view.getUint32(at + 4, true) - high) * 2 ** 32 + (view.getUint32(at, true) - low);
  return {
    poll(sink) {
      for (const ring of rings) readRing(ring, sink, since);
    },
    close,
  };
}

function dummyEventAttributes(): Uint8Array {
  const bytes = new Uint8Array(ATTR_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, TYPE_SOFTWARE, true);
  view.setUint32(4, ATTR_BYTES, true);
  view.setUint32(8, COUNT_SW_DUMMY, true);
  view.setUint32(24, SAMPLE_TID_TIME_CPU, true);
  view.setUint32(40, ATTR_FLAGS, true);
  view.setInt32(92, CLOCK_MONOTONIC, true);
  return bytes;
}

/** Words of the control page: data_head at byte 1024, data_tail at 1032 (64 bits each; the low half is enough). */
const HEAD_WORD = 256;
const TAIL_WORD = 258;
const scratch = new DataView(new ArrayBuffer(1 << 16));

function readRing(ring: Ring, sink: PerfSink, since: (view: DataView, at: number) => number): void {
  const head = Atomics.load(ring.control, HEAD_WORD);
  const mask = DATA_BYTES - 1;
  let tail = ring.tail;
  while (tail !== head) {
    const at = tail & mask;
    const size = ring.data.getUint16(at + 6, true);
    if (size < 8) break;
    let view = ring.data;
    let start = at;
    if (at + size > DATA_BYTES) {
      // The record goes round the end of the ring.
      for (let i = 0; i < size; i++) scratch.setUint8(i, ring.data.getUint8((at + i) & mask));
      view = scratch;
      start = 0;
    }
    readRecord(view, start, size, sink, since);
    tail = (tail + size) >>> 0;
  }
  ring.tail = tail;
  Atomics.store(ring.control, TAIL_WORD, tail);
}

function readRecord(
  view: DataView,
  at: number,
  size: number,
  sink: PerfSink,
  since: (view: DataView, at: number) => number,
): void {
  const type = view.getUint32(at, true);
  const misc = view.getUint16(at + 4, true);
  const id = at + size - SAMPLE_ID_BYTES;
  switch (type) {
    case RecordType.Switch:
      sink.switched(
        view.getUint32(id, true),
        view.getUint32(id + 4, true),
        view.getUint32(id + 16, true),
        since(view, id + 8),
        (misc & MISC_BIT_13) !== 0,
        (misc & MISC_BIT_14) !== 0,
      );
      break;
    case RecordType.Fork:
      sink.fork(
        view.getUint32(at + 8, true),
        view.getUint32(at + 16, true),
        view.getUint32(at + 12, true),
        since(view, at + 24),
      );
      break;
    case RecordType.Exit:
      sink.exit(view.getUint32(at + 8, true), view.getUint32(at + 16, true), since(view, at + 24));
      break;
    case RecordType.Comm: {
      const bytes: number[] = [];
      for (let i = at + 16; i < id && view.getUint8(i) !== 0; i++) bytes.push(view.getUint8(i));
      const name = new TextDecoder().decode(new Uint8Array(bytes));
      sink.named(view.getUint32(at + 8, true), view.getUint32(at + 12, true), name, (misc & MISC_BIT_13) !== 0);
      break;
    }
    case RecordType.Lost:
      sink.lost(view.getUint32(at + 16, true));
      break;
  }
}

/** The cores that are on, such as "0-3,8". */
function onlineCores(): number[] {
  const cores: number[] = [];
  for (const part of readFileSync("/sys/devices/system/cpu/online", "utf8").trim().split(",")) {
    const [first, last] = part.split("-").map(Number) as [number, number | undefined];
    for (let core = first; core <= (last ?? first); core++) cores.push(core);
  }
  return cores;
}

function paranoia(): string {
  try {
    return readFileSync("/proc/sys/kernel/perf_event_paranoid", "utf8").trim();
  } catch {
    return "not known";
  }
}
