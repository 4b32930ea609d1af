import type { Commands } from "./commands.js";

const PAN = 0.15;
const ZOOM = 0.75;

/** Keys of the whole page, but for those typed into a field. */
export function listenToKeys(commands: Commands): void {
  window.addEventListener("keydown", (event) => {
    const target = event.target as Element | null;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
    if (event.altKey || event.metaKey) {
      if (event.metaKey && event.key === "f") {
        commands.search();
        event.preventDefault();
      }
      return;
    }
    const pressed = target instanceof HTMLButtonElement && (event.key === "Enter" || event.key === " ");
    if (pressed) return;
    if (handle(commands, event)) event.preventDefault();
  });
}

function handle(commands: Commands, event: KeyboardEvent): boolean {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey) {
    if (key !== "f") return false;
    commands.search();
    return true;
  }
  const more = event.shiftKey ? 4 : 1;
  switch (key) {
    case "w":
    case "+":
    case "=":
      commands.zoom(ZOOM);
      return true;
    case "s":
    case "-":
      commands.zoom(1 / ZOOM);
      return true;
    case "a":
      commands.pan(-PAN * more);
      return true;
    case "d":
      commands.pan(PAN * more);
      return true;
    case "f":
      commands.fit();
      return true;
    case "e":
      commands.follow();
      return true;
    case "ArrowUp":
      commands.moveLane(-1);
      return true;
    case "ArrowDown":
      commands.moveLane(1);
      return true;
    case "ArrowLeft":
    case ",":
      commands.stepEvent(-1);
      return true;
    case "ArrowRight":
    case ".":
      commands.stepEvent(1);
      return true;
    case "[":
      commands.followArrow("cause");
      return true;
    case "]":
      commands.followArrow("effect");
      return true;
    case "Enter":
      commands.openSource();
      return true;
    case "/":
      commands.search();
      return true;
    case "?":
      commands.keys();
      return true;
    case "n":
      commands.stepFinding(event.shiftKey ? -1 : 1);
      return true;
    case "Home":
      commands.edge("start");
      return true;
    case "End":
      commands.edge("end");
      return true;
    case "Escape":
      commands.escape();
      return true;
    default:
      return false;
  }
}
