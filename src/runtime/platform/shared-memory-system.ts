/** What the system must give for memory that processes share: one implementation per platform. */

/** A piece of the address space of this process that shows shared memory. */
export interface Mapping {
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
}

/** Where a process finds memory without a name: a descriptor of another one, or, where that cannot be, a name. */
export type Reference = { readonly pid: number; readonly fd: number } | { readonly name: string };

/** A mapping of memory without a name, and what has to stay open so that others can find it. */
export interface AnonymousMapping extends Mapping {
  /** Where others find it, as long as it is not {@link SharedMemorySystem.closeReference closed}. */
  readonly reference: Reference;
  /** The memory, and perhaps some behind it, in a buffer that keeps it mapped: it unmaps itself, and nobody else may. */
  readonly host?: SharedArrayBuffer;
}

/**
 * Told what tells a block from a later one of the same name, before the block gets that name. Not called on a platform
 * where nobody but its own process could remove a name after a crash.
 */
export type BeforeNamed = (identity: string) => void;

/** Sizes are in bytes. What fails throws an `Error` with a code, as `EEXIST`. */
export interface SharedMemorySystem {
  /** What the names begin with that we make up ourselves, as CPython does on this platform. */
  readonly namePrefix: string;
  /** Makes a named block, zeroed. Throws `EEXIST` if there is one of that name, `ENOSPC` if there is no room. */
  create(name: string, size: number, named: BeforeNamed): Mapping;
  /** Maps the block of a name, all of it. Throws `ENOENT` if there is none. */
  open(name: string): Mapping;
  /** Removes a name; mappings stay. Throws `ENOENT` if there is none. */
  unlink(name: string): void;
  /** Makes memory that no name leads to, zeroed. `hosted`: large, and with a {@link AnonymousMapping.host} if that can be. */
  createAnonymous(size: number, hosted?: boolean): AnonymousMapping;
  /** Maps the memory of a reference. Throws `ENOENT` if its process has ended or closed it. */
  openAnonymous(reference: Reference, hosted?: boolean): AnonymousMapping;
  /** Nobody else is to find it through this reference. */
  closeReference(reference: Reference): void;
  /** The memory as a buffer. It must not be touched once it is unmapped: that is a segmentation fault. */
  view(address: bigint, size: number): ArrayBuffer;
  /**
   * Lets go of the shared memory although there may be views. They stay valid, but show memory of their own. Does
   * nothing where the system cannot do that in one step.
   */
  discard(mapping: Mapping): void;
  /** Ends a mapping of which no view can be touched any more. */
  unmap(mapping: Mapping): void;
}
