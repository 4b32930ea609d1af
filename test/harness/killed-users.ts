/**
 * For scripts that kill who uses conditions, events and barriers at any instant, threads or processes: what the users do,
 * and how to see that those who live can still use them. The script imports the classes and `assert`.
 */
export const killedUsers = `
  interface Signals { condition: Condition; event: Event; barrier: Barrier }
  /** Uses them at random for ever; what the death of others does to them is made good and gone on with. */
  function hammerOn({ condition, event, barrier }: Signals, random: () => number): never {
    for (;;) {
      try {
        const way = random();
        if (way < 0.5) {
          condition.acquireSync();
          if (way < 0.2) condition.waitSync({ timeout: random() * 2 });
          else if (way < 0.35) condition.notify(1 + Math.floor(random() * 3));
          else if (way < 0.4) condition.notifyAll();
          else condition.wait({ timeout: 1000 }).catch(() => {});
          if (way < 0.4) condition.release();
        } else if (way < 0.7) {
          if (way < 0.55) event.set();
          else if (way < 0.6) event.clear();
          else event.waitSync({ timeout: random() });
        } else if (way < 0.95) barrier.waitSync({ timeout: random() * 2 });
        else barrier.reset();
      } catch (error) {
        // Somebody died with the lock, or the barrier is broken.
        if (error instanceof BrokenBarrierError) barrier.reset();
        else {
          assert.ok(error instanceof RuntimeError, String(error));
          try { condition.release(); } catch {}
        }
      }
    }
  }
  /** Asserts that they are as good as new, when nobody else uses them. Each wait has so many milliseconds. */
  async function checkSignals({ condition, event, barrier }: Signals, timeout: number) {
    // Whoever died with the lock has left it; and those who died in line take no notification.
    for (;;) {
      try { if (await condition.acquire({ timeout })) break; assert.fail("nobody gives the lock back"); } catch (error) {
        assert.ok(error instanceof RuntimeError, String(error));
        condition.release();
      }
    }
    const woken = condition.wait({ timeout });
    await condition.acquire();
    condition.notify();
    condition.release();
    assert.equal(await woken, true, "a notification is lost");
    condition.release();
    event.clear();
    const raised = event.wait({ timeout });
    event.set();
    assert.equal(await raised, true);
    barrier.abort();
    barrier.reset();
    const round = [barrier.wait({ timeout }), barrier.wait({ timeout })];
    for (const end = performance.now() + timeout; barrier.nWaiting !== 2; await new Promise((resolve) => setTimeout(resolve, 2))) {
      assert.ok(performance.now() < end, "who waits is not counted");
    }
    round.push(barrier.wait());
    assert.deepEqual(await Promise.all(round), [0, 1, 2]);
  }
`;
