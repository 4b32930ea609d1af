import assert from "node:assert/strict";
import { parseCoreTimes } from "../../src/recorder/core-times.js";
import { reasonOfSyscall, reasonOfWchan } from "../../src/recorder/off-reason.js";
import { OffReason } from "../../src/trace/frames.js";

describe("what the system writes", () => {
  it("of a thread's call tells an idle loop from a blocked one", () => {
    const cases: [text: string, reason: number][] = [
      ["running\n", 0],
      ["281 0xd 0x7ffd 0x400 0x14 0x0 0x8 0x7ffd 0x7f31\n", OffReason.Loop],
      ["281 0xd 0x7ffd 0x400 0x0 0x0 0x8 0x7ffd 0x7f31\n", OffReason.Loop],
      // spawnSync: without an end, with a timeout of the user's.
      ["281 0x11 0x7ffd 0x400 0xffffffff 0x0 0x8 0x7ffd 0x7f31\n", OffReason.Io],
      ["281 0x11 0x7ffd 0x400 0xffffffffffffffff 0x0 0x8 0x7ffd 0x7f31\n", OffReason.Io],
      ["281 0x11 0x7ffd 0x400 0x1387 0x0 0x8 0x7ffd 0x7f31\n", OffReason.Io],
      ["202 0x3a1f 0x189 0x0 0x7ffd 0x0 0xffffffff 0x7ffd 0x7f31\n", OffReason.Lock],
      ["230 0x0 0x0 0x7ffd 0x7ffd 0x0 0x0 0x7ffd 0x7f31\n", OffReason.Sleep],
      ["0 0x1c 0x3a1d 0x1 0x0 0x0 0x0 0x7ffd 0x7f31\n", OffReason.Io],
      ["-1 0x7ffd 0x7f31\n", OffReason.Io],
      ["what?", 0],
    ];
    for (const [text, reason] of cases) {
      assert.equal(reasonOfSyscall(text, "x64"), reason, text);
    }
    assert.equal(reasonOfSyscall("22 0xd 0xff 0x400 0x14 0x0 0x8 0xff 0xff", "arm64"), OffReason.Loop);
    assert.equal(reasonOfSyscall("22 0xd 0xff 0x400 0x14 0x0 0x8 0xff 0xff", "riscv64"), 0);
  });

  it("of the kernel's function tells less, and nothing where it is hidden", () => {
    assert.equal(reasonOfWchan("0"), 0);
    assert.equal(reasonOfWchan("do_epoll_wait"), OffReason.Loop);
    assert.equal(reasonOfWchan("ep_poll"), OffReason.Loop);
    assert.equal(reasonOfWchan("futex_wait_queue_me"), OffReason.Lock);
    assert.equal(reasonOfWchan("hrtimer_nanosleep"), OffReason.Sleep);
    assert.equal(reasonOfWchan("anon_pipe_read"), OffReason.Io);
  });

  it("of its cores adds up to what was busy", () => {
    const text = "cpu  3 3 3 3\ncpu0 10 1 5 999 50 2 3 4 0 0\ncpu2 1 0 0 7 0 0 0 0 0 0\nintr 5\n";
    assert.deepEqual(parseCoreTimes(text), Float64Array.of(25e7, 0, 1e7));
    assert.equal(parseCoreTimes("intr 5\n"), null);
  });
});
