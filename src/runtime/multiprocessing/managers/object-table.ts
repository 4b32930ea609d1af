/**
 * The objects of a server, by number. An object stays as long as somebody has a proxy of it: a client, or another object
 * of the server, such as a list of dictionaries; and while a handle of it is under way.
 */
import { randomBytes } from "node:crypto";
import { newObjectNumber, recording, recordObject } from "../../../recorder/emit.js";
import { ObjectKind, ObjectScope } from "../../../trace/events.js";
import { RemoteError } from "../../core/errors.js";
import { Managed } from "./objects/managed.js";
import type { Token } from "./protocol.js";
import type { RegisteredType } from "./registry.js";

/** How long a handle may be under way, in milliseconds. */
const PIN_MS = 60_000;
const SWEEP_MS = 10_000;

/** An object of the server. */
export interface Entry {
  readonly token: Token;
  readonly object: unknown;
  readonly type: RegisteredType | null;
  /** How many proxies clients have of it. */
  references: number;
  /** Until when handles keep it. */
  readonly pins: number[];
}

/** The kinds that have a lane in the trace. */
const KINDS: Readonly<Record<string, ObjectKind>> = {
  Lock: ObjectKind.Lock,
  RLock: ObjectKind.RLock,
  Semaphore: ObjectKind.Semaphore,
  BoundedSemaphore: ObjectKind.BoundedSemaphore,
  Condition: ObjectKind.Condition,
  Event: ObjectKind.Event,
  Barrier: ObjectKind.Barrier,
  Queue: ObjectKind.Queue,
  JoinableQueue: ObjectKind.Queue,
};

export class ObjectTable {
  readonly #prefix = randomBytes(8).toString("hex");
  #last = 0;
  readonly #entries = new Map<string, Entry>();
  /** Objects that were given out before, by type: the same object is the same entry. */
  readonly #known = new WeakMap<object, Map<string, Entry>>();
  #sweeper: NodeJS.Timeout | null = null;

  /** How many objects there are that somebody can reach. */
  get size(): number {
    return this.#entries.size;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** Takes an object in, or finds it. It has no reference yet. */
  add(
    object: unknown,
    typeId: string,
    type: RegisteredType | null,
    name: string,
    details: Pick<Token, "exposed" | "proxy">,
  ): Entry {
    const isObject = (typeof object === "object" && object !== null) || typeof object === "function";
    const known = isObject ? this.#known.get(object)?.get(typeId) : undefined;
    if (known !== undefined) return known;
    const kind = recording && object instanceof Managed ? KINDS[typeId] : undefined;
    const number = kind === undefined ? 0 : newObjectNumber();
    const trace = kind === undefined ? null : ([process.pid, number, kind] as const);
    const token: Token = { id: `${this.#prefix}-${++this.#last}`, typeId, name, ...details, trace };
    const entry: Entry = { token, object, type, references: 0, pins: [] };
    if (isObject) {
      const types = this.#known.get(object) ?? new Map<string, Entry>();
      types.set(typeId, entry);
      this.#known.set(object, types);
    }
    if (object instanceof Managed) {
      object.name = name;
      object.traced = number;
      if (kind !== undefined) recordObject(number, kind, name, 0, object.capacity, ObjectScope.Manager);
    }
    return entry;
  }

  /** The entry of a number. Throws `RemoteError` if there is none (any more). */
  get(id: unknown): Entry {
    const entry = this.#entries.get(String(id));
    if (entry === undefined) {
      throw new RemoteError("the object does not exist any more, or belongs to another server");
    }
    return entry;
  }

  /** Somebody has a proxy more of it. `arrived`: by a handle, which is not under way any more. */
  refer(entry: Entry, arrived: boolean): void {
    entry.references++;
    if (arrived) entry.pins.shift();
    this.#entries.set(entry.token.id, entry);
  }

  /** Somebody has a proxy less of it. */
  unrefer(entry: Entry): void {
    entry.references = Math.max(0, entry.references - 1);
    this.#letGo(entry);
  }

  #letGo(entry: Entry): void {
    const { id } = entry.token;
    if (entry.references > 0 || entry.pins.length > 0 || !this.#entries.delete(id)) return;
    if (entry.object instanceof Managed) entry.object.dropped();
  }

  /** A handle of it is under way. */
  pin(entry: Entry): void {
    entry.pins.push(performance.now() + PIN_MS);
    this.#entries.set(entry.token.id, entry);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  #sweep(): void {
    const now = performance.now();
    let pins = 0;
    for (const entry of [...this.#entries.values()]) {
      while (entry.pins.length > 0 && (entry.pins[0] as number) < now) entry.pins.shift();
      pins += entry.pins.length;
      this.#letGo(entry);
    }
    if (pins > 0 || this.#sweeper === null) return;
    clearInterval(this.#sweeper);
    this.#sweeper = null;
  }

  /** Lets go of everything. */
  clear(): void {
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    this.#sweeper = null;
    for (const { object } of this.#entries.values()) if (object instanceof Managed) object.dropped();
    this.#entries.clear();
  }
}
