import type { TraceModel } from "../../src/analysis/model.js";
import { formatDuration, plural } from "../model/format.js";
import { laneOfObject, objectKindName } from "../model/lanes.js";
import type { Obstacle } from "../model/summary.js";
import type { Thing } from "../model/things.js";
import { objectName } from "./description.js";
import { h } from "./dom.js";

export interface MostWaitedActions {
  /** Shows and selects another thing. */
  go(thing: Thing): void;
  showLane(lane: string): void;
}

/** Objects that are listed. */
const MOST = 6;

/** The objects that were most waited for, whether that is worth a finding or not. */
export class MostWaited {
  readonly #list = h("div", {});
  readonly element = h("div", { hidden: true }, h("h3", { class: "section" }, "Most waited for"), this.#list);
  readonly #actions: MostWaitedActions;
  #signature = "";

  constructor(actions: MostWaitedActions) {
    this.#actions = actions;
  }

  update(model: TraceModel, obstacles: readonly Obstacle[]): void {
    const top = obstacles.filter((obstacle) => obstacle.waitedNs > 0).slice(0, MOST);
    const signature = JSON.stringify(
      top.map((o) => [o.object, o.waits, Math.round(o.waitedNs / 1e6), objectName(model, o.object)]),
    );
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.element.hidden = top.length === 0;
    const most = top[0]?.waitedNs ?? 1;
    this.#list.replaceChildren(...top.map((obstacle) => this.#item(model, obstacle, most)));
  }

  #item(model: TraceModel, obstacle: Obstacle, most: number): HTMLElement {
    const object = model.objects[obstacle.object]!;
    const bar = h("i", {});
    bar.style.width = `${Math.max(2, Math.round((obstacle.waitedNs / most) * 100))}%`;
    const lane = laneOfObject(object);
    return h(
      "div",
      { class: "obstacle" },
      h(
        "button",
        {
          class: "obstacle-main",
          type: "button",
          title: "Show its lane",
          onclick: () => this.#actions.showLane(lane),
        },
        h("span", { class: "obstacle-name", dir: "auto" }, objectName(model, obstacle.object)),
        h("b", {}, formatDuration(obstacle.waitedNs)),
        h("span", { class: "obstacle-bar" }, bar),
      ),
      h(
        "div",
        { class: "obstacle-sub" },
        `${objectKindName(object.kind)} · ${plural(obstacle.waits, "wait")} of ${plural(obstacle.threads.size, "thread")} · `,
        h(
          "button",
          {
            class: "link",
            type: "button",
            onclick: () =>
              this.#actions.go({
                type: "slice",
                lane: `thread:${obstacle.longestThread}`,
                thread: obstacle.longestThread,
                row: obstacle.longestRow,
              }),
          },
          `longest ${formatDuration(obstacle.longestNs)}`,
        ),
      ),
    );
  }
}
