import type { ViewCommand } from "../../src/protocol/messages.js";
import type { ViewState } from "../view-state.js";
import type { Navigator } from "./navigator.js";

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
  /** To the next or previous finding. */
  stepFinding(step: 1 | -1): void;
  edge(which: "start" | "end"): void;
  /** Scrolls the lanes. */
  scrollPage(step: 1 | -1): void;
  escape(): void;
}

/** What commands act on. */
export interface CommandTargets {
  readonly view: ViewState;
  readonly navigator: Navigator;
  readonly guide: { step(step: 1 | -1): void; close(): boolean };
  readonly searchBox: { readonly isOpen: boolean; open(): void; close(): void };
  readonly keys: { readonly open: boolean; toggle(open?: boolean): void };
  openSite(site: string): void;
  /** Something changed that is drawn. */
  changed(): void;
}

export function makeCommands({ view, navigator, guide, searchBox, keys, openSite, changed }: CommandTargets): Commands {
  return {
    zoom: (factor) => navigator.zoom(factor),
    pan: (part) => navigator.pan(part),
    fit: () => navigator.fit(),
    follow: () => navigator.follow(),
    moveLane: (step) => navigator.moveLane(step),
    stepEvent: (step) => navigator.stepEvent(step),
    followArrow: (direction) => navigator.followArrow(direction),
    openSource: () => {
      const { selection } = view;
      const site = selection && view.description(selection)?.site;
      if (site) openSite(site);
    },
    search: () => searchBox.open(),
    keys: () => keys.toggle(),
    stepFinding: (step) => guide.step(step),
    edge: (which) => navigator.edge(which),
    scrollPage: (step) => navigator.scrollPage(step),
    escape: () => {
      if (keys.open) keys.toggle(false);
      else if (searchBox.isOpen) searchBox.close();
      else if (view.range) view.range = null;
      else if (!guide.close()) navigator.select(null);
      changed();
    },
  };
}

/** Does what VS Code's side asks for. */
export function runViewCommand(commands: Commands, command: ViewCommand): void {
  const actions: Record<ViewCommand, () => void> = {
    fit: () => commands.fit(),
    follow: () => commands.follow(),
    search: () => commands.search(),
    keys: () => commands.keys(),
    "zoom-in": () => commands.zoom(0.75),
    "zoom-out": () => commands.zoom(1 / 0.75),
    next: () => commands.stepEvent(1),
    previous: () => commands.stepEvent(-1),
  };
  actions[command]();
}
