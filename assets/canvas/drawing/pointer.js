// Mouse, pen and wheel on the stage: panning and zooming here, all else goes to the tool in hand.

import * as views from "./view.js";

/**
 * @param {HTMLCanvasElement} over  the layer that takes the events
 * @param {object} parts
 * @param {object} parts.look  the stage's view: {view, size, setView, frame}
 * @param {() => object} parts.tools  the tools, {current, down, move, up, cancel}
 * @param {object} parts.selection
 * @param {(at: ?number[]) => void} parts.pointed  told where the pointer is, in image pixels; null when it left
 */
export function createPointer(over, { look, tools, selection, pointed }) {
  let panning = null, // {from, view}: where a pan began
    held = false, // Space is down
    cursor = null;

  const screenAt = (event) => {
    const box = over.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const facts = (event) => {
    const screen = screenAt(event);
    return {
      screen,
      time: event.timeStamp,
      at: views.toImage(look.view, screen),
      shift: event.shiftKey,
      ctrl: event.ctrlKey || event.metaKey,
      alt: event.altKey,
    };
  };
  const pans = () => held || tools().current.id === "pan";

  function style(now = null) {
    over.style.cursor = panning ? "grabbing" : pans() ? "grab" : (tools().current.cursor?.(now) ?? "crosshair");
  }

  function down(event) {
    over.focus({ preventScroll: true });
    if (!look.size) return;
    over.setPointerCapture(event.pointerId);
    if (event.button === 1 || event.button === 2 || pans()) {
      panning = { from: screenAt(event), view: look.view };
      style();
      return;
    }
    if (event.button === 0) tools().down(facts(event));
    look.frame();
  }

  function move(event) {
    if (!look.size) return;
    const now = facts(event);
    cursor = now.at;
    if (panning)
      look.setView(views.panBy(panning.view, now.screen[0] - panning.from[0], now.screen[1] - panning.from[1]));
    else tools().move(now);
    pointed(cursor);
    style(now);
    look.frame();
  }

  function up(event) {
    if (panning) {
      panning = null;
      style();
    } else if (event.button === 0) tools().up(facts(event));
    look.frame();
  }

  function lost() {
    panning = null;
    tools().cancel();
    look.frame();
  }

  function left() {
    cursor = null;
    selection.setHover(null);
    pointed(null);
    look.frame();
  }

  function wheel(event) {
    event.preventDefault();
    if (!look.size) return undefined;
    const { view } = look,
      { current } = tools();
    if (event.altKey && current.onWheel) return current.onWheel(event);
    if (event.shiftKey && !event.ctrlKey) return look.setView(views.panBy(view, -(event.deltaX || event.deltaY), 0));
    return look.setView(views.zoomAt(view, screenAt(event), views.wheelFactor(event)));
  }

  const quiet = (event) => event.preventDefault();
  over.addEventListener("pointerdown", down);
  over.addEventListener("pointermove", move);
  over.addEventListener("pointerup", up);
  over.addEventListener("pointercancel", lost);
  over.addEventListener("pointerleave", left);
  over.addEventListener("contextmenu", quiet);
  over.addEventListener("mousedown", (event) => event.button === 1 && quiet(event)); // no autoscroll
  over.addEventListener("auxclick", quiet);
  over.addEventListener("wheel", wheel, { passive: false });

  return {
    style,
    get cursor() {
      return cursor;
    },
    /** Is the view being moved, or about to be? */
    get isTaken() {
      return Boolean(panning) || held;
    },
    /** Another image: the pointer has not been seen on it. */
    forget() {
      cursor = null;
    },
    /** Space goes down or up: dragging pans meanwhile. */
    hold(isHeld) {
      if (held === isHeld) return;
      held = isHeld;
      style();
      look.frame();
    },
  };
}
