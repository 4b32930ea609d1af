import type { Commands } from "./commands.js";

const PAN = 0.15;
const ZOOM = 0.75;

/** Keys of the whole page, but for those typed into a field. */
export function listenToKeys(commands: Commands): void {
  window.addEventListener("keydown", (event) => {
    const target = event.target as Element | null;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
    // What AltGr writes is a key like others: on many keyboards the brackets.
    const writes = event.getModifierState("AltGraph");
    if ((event.altKey && !writes) || event.metaKey) {
      if (event.metaKey && event.key === "f") {
        commands.search();
        event.preventDefault();
      }
      return;
    }
    const pressed = target instanceof HTMLButtonElement && (event.key === "Enter" || event.key === " ");
    if (pressed) return;
    if (handle(commands, event, event.ctrlKey && !writes)) event.preventDefault();
  });
}

const signs: Readonly<Record<string, string>> = { BracketLeft: "[", BracketRight: "]", Comma: ",", Period: "." };

/** The letter or sign of a key; of a keyboard that writes other letters than Latin ones what stands there on one that does. */
function nameOf({ key, code }: KeyboardEvent): string {
  if (key.length !== 1) return key;
  if (key > "\u02ff") return signs[code] ?? (/^Key[A-Z]$/.test(code) ? code.slice(3).toLowerCase() : key);
  return key.toLowerCase();
}

function handle(commands: Commands, event: KeyboardEvent, withCtrl: boolean): boolean {
  const key = nameOf(event);
  if (withCtrl) {
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
    case "PageUp":
      commands.scrollPage(-1);
      return true;
    case "PageDown":
      commands.scrollPage(1);
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
