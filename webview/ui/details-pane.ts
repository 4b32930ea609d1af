import type { TraceModel } from "../../src/analysis/model.js";
import { displayName, formatDuration, parseSite, plural, shortSite } from "../model/format.js";
import { laneOfObject, objectKindName } from "../model/lanes.js";
import type { Obstacle } from "../model/summary.js";
import type { Thing } from "../model/things.js";
import { type Description, type Fact, objectName } from "./description.js";
import { h, icon, icons } from "./dom.js";

export interface DetailsActions {
  /** Shows and selects another thing. */
  go(thing: Thing): void;
  /** Null where there is no editor to open it in. */
  readonly openSource: ((site: string) => void) | null;
  showLane(lane: string): void;
  close(): void;
}

/** What is known of the selection; without one, what stood most in the way. */
export class DetailsPane {
  readonly element = h("aside", { class: "details", "aria-label": "Details" });
  readonly #actions: DetailsActions;
  #signature = "";

  constructor(actions: DetailsActions) {
    this.#actions = actions;
  }

  showThing(description: Description): void {
    const signature = JSON.stringify([description.title, description.facts, description.links, description.site]);
    if (!this.#changed(signature)) return;
    const close = h("button", {
      class: "tool",
      type: "button",
      "aria-label": "Deselect",
      title: "Deselect (Esc)",
      onclick: () => this.#actions.close(),
    });
    close.append(icon(icons.close));
    this.element.replaceChildren(
      h(
        "div",
        { class: "details-head" },
        h("i", { class: `dot ${description.tone}` }),
        h("div", { class: "details-title" }, h("b", {}, description.title), h("span", {}, description.kind)),
        close,
      ),
      h("dl", {}, ...description.facts.flatMap((fact) => this.#fact(fact))),
      ...(description.links.length > 0
        ? [
            h("div", { class: "section" }, "Who waited for whom"),
            h("dl", {}, ...description.links.flatMap((fact) => this.#fact(fact))),
          ]
        : []),
      ...(description.site ? [h("div", { class: "section" }, "Where"), this.#site(description.site)] : []),
      ...(description.detail
        ? [h("div", { class: "section" }, "Detail"), h("pre", {}, pretty(description.detail))]
        : []),
    );
  }

  showObstacles(model: TraceModel, obstacles: readonly Obstacle[]): void {
    const top = obstacles.filter((obstacle) => obstacle.waitedNs > 0).slice(0, 6);
    const signature = JSON.stringify(top.map((o) => [o.object, o.waits, Math.round(o.waitedNs / 1e6)]));
    if (!this.#changed(`obstacles${model.complete}${signature}`)) return;
    const most = top[0]?.waitedNs ?? 1;
    const items = top.map((obstacle) => {
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
          h("span", { class: "obstacle-name" }, objectName(model, obstacle.object)),
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
    });
    this.element.replaceChildren(
      h("div", { class: "details-head" }, h("div", { class: "details-title" }, h("b", {}, "Most waited for"))),
      ...(items.length > 0
        ? items
        : [
            h(
              "p",
              { class: "hint" },
              model.complete
                ? "No thread waited for a lock or a queue."
                : "No thread has waited for a lock or a queue yet.",
            ),
          ]),
      h("p", { class: "hint" }, "Click a slice to see who waited for whom. ", h("kbd", {}, "?"), " lists the keys."),
    );
  }

  #changed(signature: string): boolean {
    if (signature === this.#signature) return false;
    this.#signature = signature;
    return true;
  }

  #fact(fact: Fact): HTMLElement[] {
    const { target } = fact;
    const value = target
      ? h("button", { class: "link", type: "button", onclick: () => this.#actions.go(target) }, fact.value)
      : fact.value;
    return [h("dt", {}, fact.label), h("dd", {}, value)];
  }

  #site(site: string): HTMLElement {
    const place = parseSite(site);
    const full = place ? `${place.file}:${place.line}:${place.column}` : site;
    const { openSource } = this.#actions;
    if (!place || !openSource)
      return h("div", { class: "site", title: displayName(full) }, displayName(full.replace(/^file:\/\//, "")));
    const button = h(
      "button",
      { class: "link site", type: "button", title: `Open ${displayName(full)}`, onclick: () => openSource(site) },
      shortSite(site),
    );
    button.append(icon(icons.out));
    return button;
  }
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return displayName(json);
  }
}
