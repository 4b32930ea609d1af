/**
 * One record of a thread while it is applied: its fields, and what the numbers in them mean. There is one such object a
 * thread, filled anew for each record, so that a record costs no object of its own.
 */
import { EventFlag, EventKind, type ObjectKind } from "../trace/events.js";
import type { ThreadEvents } from "../trace/frames.js";
import type { GrowingModel, ProcessGroup } from "./growing-model.js";
import type { ObjectLane } from "./object-lane.js";
import { siteOfUrl } from "./strings.js";
import { SliceFlag, type ThreadLane } from "./thread-lane.js";

export class CurrentRecord {
  /** When it counts as having happened: never before the record that came before it. */
  t = 0;
  /** The time that it carries itself. */
  own = 0;
  kind = 0;
  flags = 0;
  /** The fields as they were written: numbers of the thread's and its process's. */
  object = 0;
  a = 0;
  b = 0;
  #site = 0;

  /** The thread's string numbers as indexes of the model's strings: as they are, and as sites. */
  readonly #texts: number[] = [0];
  readonly #sites: number[] = [0];
  #lane: ThreadLane | null = null;

  /** `number`: the thread's, in its process. */
  constructor(
    readonly model: GrowingModel,
    readonly group: ProcessGroup,
    readonly number: number,
  ) {}

  fill(t: number, { t: times, kind, flags, object, site, a, b }: ThreadEvents, row: number): void {
    this.t = t;
    this.own = times[row]!;
    this.kind = kind[row]!;
    this.flags = flags[row]!;
    this.object = object[row]!;
    this.#site = site[row]!;
    this.a = a[row]!;
    this.b = b[row]!;
  }

  /** The thread that wrote it. */
  get lane(): ThreadLane {
    this.#lane ??= this.model.thread(this.group, this.number, this.kind === EventKind.ThreadStart ? this.a : 0);
    return this.#lane;
  }

  get async(): boolean {
    return (this.flags & EventFlag.Async) !== 0;
  }
  get failed(): boolean {
    return (this.flags & EventFlag.Failed) !== 0;
  }
  get remote(): boolean {
    return (this.flags & EventFlag.Remote) !== 0;
  }
  get inexact(): boolean {
    return (this.flags & EventFlag.InexactTime) !== 0;
  }
  /** The flags of a slice that ends with it. */
  get failure(): number {
    return this.failed ? SliceFlag.Failed : 0;
  }

  defineText(number: number, text: string): void {
    if (number <= 0 || number > 1 << 24) return;
    this.#texts[number] = this.model.table.index(text);
    this.#sites[number] = -1;
  }

  /** A string of the thread's as an index of the model's. */
  text(number: number): number {
    return this.#texts[number] ?? 0;
  }

  /** The string itself. */
  name(number: number): string {
    return this.model.table.all[this.text(number)]!;
  }

  /** Its site, as an index of the model's strings. */
  get site(): number {
    const number = this.#site;
    if (number === 0) return 0;
    let site = this.#sites[number];
    if (site === undefined) return 0;
    if (site < 0) {
      site = this.model.table.index(siteOfUrl(this.model.table.all[this.#texts[number]!]!));
      this.#sites[number] = site;
    }
    return site;
  }

  /** What stands in the place of a site where it is a name: as an index, and whether there is any. */
  get siteAsName(): string {
    return this.#site === 0 ? "" : this.name(this.#site);
  }

  /** The thread that `b` names: its index, or -1. */
  get who(): number {
    const { b } = this;
    if (b === 0) return -1;
    return (this.remote ? this.model.threadOfAnyProcess(b) : this.group.threads.get(b))?.index ?? -1;
  }

  /** The object it is about; one whose creation was not seen gets the kind `guess`. */
  objectLike(guess: ObjectKind): ObjectLane {
    return this.model.object(this.group, this.object, guess);
  }
}
