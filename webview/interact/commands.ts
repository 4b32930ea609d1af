/** Everything the keyboard and the extension can ask of the timeline, by name. */
export interface Commands {
  zoom(factor: number): void;
  /** A part of the view's width; positive is later. */
  pan(part: number): void;
  fit(): void;
  follow(): void;
  moveLane(step: 1 | -1): void;
  stepEvent(step: 1 | -1): void;
  followArrow(direction: "cause" | "effect"): void;
  openSource(): void;
  search(): void;
  keys(): void;
  edge(which: "start" | "end"): void;
  escape(): void;
}
