/** The pointer and the wheel over the lanes. */

export interface PointerActions {
  /** Over the lanes at these CSS pixels of the canvas; NaN when it left. */
  hover(x: number, y: number, clientX: number, clientY: number): void;
  click(x: number, y: number): void;
  doubleClick(x: number, y: number): void;
  panBy(dx: number, dy: number): void;
  zoomAt(x: number, factor: number): void;
  /** A span being marked, in pixels; `done` when the button was let go. */
  mark(from: number, to: number, done: boolean): void;
}

/** Pixels the pointer may move in a click. */
const STILL = 4;

export function listenToPointer(canvas: HTMLElement, area: HTMLElement, actions: PointerActions): void {
  const at = (event: MouseEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  let drag: { x: number; y: number; lastX: number; lastY: number; marks: boolean; moved: boolean } | null = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 && event.button !== 1) return;
    const [x, y] = at(event);
    canvas.setPointerCapture(event.pointerId);
    drag = { x, y, lastX: x, lastY: y, marks: event.shiftKey && event.button === 0, moved: false };
    if (event.button === 1) event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (!drag) {
      actions.hover(x, y, event.clientX, event.clientY);
      return;
    }
    if (Math.hypot(x - drag.x, y - drag.y) > STILL) drag.moved = true;
    if (!drag.moved) return;
    if (drag.marks) actions.mark(drag.x, x, false);
    else {
      canvas.style.cursor = "grabbing";
      actions.panBy(drag.lastX - x, drag.lastY - y);
    }
    drag.lastX = x;
    drag.lastY = y;
  });
  const stop = (event: PointerEvent): void => {
    const ended = drag;
    drag = null;
    canvas.style.cursor = "";
    if (!ended || event.type === "pointercancel") return;
    if (ended.moved) {
      if (ended.marks) actions.mark(ended.x, at(event)[0], true);
    } else if (event.button === 0) actions.click(ended.x, ended.y);
  };
  canvas.addEventListener("pointerup", stop);
  canvas.addEventListener("pointercancel", stop);
  canvas.addEventListener("pointerleave", () => actions.hover(Number.NaN, Number.NaN, 0, 0));
  canvas.addEventListener("dblclick", (event) => actions.doubleClick(...at(event)));

  area.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const unit =
        event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 24 : event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? 400 : 1;
      const dx = event.deltaX * unit;
      const dy = event.deltaY * unit;
      if (event.ctrlKey || event.metaKey) {
        // Also a pinch on a touchpad, which comes in small steps.
        const x = Math.max(0, at(event)[0]);
        actions.zoomAt(x, Math.exp(Math.max(-120, Math.min(120, dy)) * (Math.abs(dy) < 30 ? 0.012 : 0.0028)));
      } else if (event.shiftKey) actions.panBy(dx + dy, 0);
      else actions.panBy(dx, dy);
    },
    { passive: false },
  );
}
