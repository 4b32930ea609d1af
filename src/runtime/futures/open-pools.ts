/** The pools of this thread whose threads have not ended. A thread that ends has them finish what they were given. */

/** What is needed of a pool. */
export interface OpenPool {
  beginShutdown(cancelFutures: boolean): void;
  ended(): Promise<void>;
  endedSync(): void;
}

export const openPools: Set<OpenPool> = new Set();

/** Ends all pools of this thread when their tasks are done. */
export async function closePools(): Promise<void> {
  for (const pool of openPools) pool.beginShutdown(false);
  for (const pool of openPools) await pool.ended();
}

/** Blocking {@link closePools}. */
export function closePoolsSync(): void {
  for (const pool of openPools) pool.beginShutdown(false);
  for (const pool of openPools) pool.endedSync();
}
