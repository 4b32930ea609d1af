/** What an executor over several machines is to offer. Only the types: none ships yet. */
import type { Executor } from "./executor.js";
import type { Future } from "./future.js";

/** An executor over several machines, such as Ray: calls as tasks, and objects that live on one node as actors. */
export interface ClusterExecutor extends Executor {
  /** Makes an object of a class on some node. */
  actor<A extends unknown[], T extends object>(type: new (...args: A) => T, ...args: A): Future<Actor<T>>;
  /** The nodes of the cluster; each is a group on the timeline. */
  nodes(): Promise<readonly { readonly id: string; readonly host: string; readonly cores: number }[]>;
}

/** An object on another node. Its methods run there one after the other; disposing of it ends it. */
export type Actor<T> = AsyncDisposable & {
  // biome-ignore lint/suspicious/noExplicitAny: as in the contract
  readonly [K in keyof T as T[K] extends (...args: any) => any ? K : never]: T[K] extends (...args: infer A) => infer R
    ? (...args: A) => Future<Awaited<R>>
    : never;
};
