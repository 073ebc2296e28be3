// Select with a click, several with shift or a frame; drag to move, handles to resize.

import { doubleClick } from "../shell/dom.js";
import { rect } from "../drawing/geometry.js";
import { paintMarquee } from "../drawing/overlay.js";
import { selectedHandleAt, handleCursor, startMove, startResize } from "./drag_selection.js";

const STILL = 3; // screen pixels a hand trembles within one click

export function select(app) {
  let dragging = null,
    start = null,
    frame = null,
    picked = null,
    travelled = false;
  const twice = doubleClick();
  const far = (p) => Math.hypot(p.screen[0] - start.screen[0], p.screen[1] - start.screen[1]) > STILL;
  const forget = () => {
    dragging = start = frame = picked = null;
    travelled = false;
  };
  return {
    id: "select",
    handles: true,
    cursor(p) {
      if (!p) return "default";
      const handle = selectedHandleAt(app, p.screen);
      return handle >= 0 ? handleCursor(handle) : app.selection.hover ? "move" : "default";
    },
    onPointerDown(p) {
      start = p;
      dragging = startResize(app, p);
      if (dragging) return;
      const row = app.stage.hit(p.at);
      if (!row) {
        frame = p.at;
        return;
      }
      if (p.shift) {
        app.selection.toggle(row.id);
        return;
      }
      picked = app.selection.has(row.id) ? row.id : null; // a click without a drag then narrows to it
      if (!picked) app.selection.set([row.id]);
      dragging = startMove(app, p);
    },
    onPointerMove(p) {
      if (!start) {
        app.selection.setHover(app.stage.hit(p.at)?.id ?? null);
        return;
      }
      travelled ||= far(p);
      if (travelled) dragging?.move(p.at);
    },
    onPointerUp(p) {
      if (frame) {
        const found = travelled ? app.stage.inside(rect(frame, p.at)).map((row) => row.id) : [];
        if (p.shift) app.selection.add(found);
        else app.selection.set(found);
      } else if (dragging && travelled) dragging.end();
      else if (picked) app.selection.set([picked]);
      const only = app.selection.only(),
        isClick = start && !frame && !travelled && !p.shift;
      forget();
      if (isClick && only?.polygons && twice(only.id, p.time)) app.tools.use("edit_polygon");
    },
    onCancel() {
      dragging?.cancel();
      forget();
    },
    get isBusy() {
      return Boolean(dragging && travelled) || Boolean(frame && travelled);
    },
    paint(g, scene) {
      if (frame && travelled && scene.cursor) paintMarquee(g, scene, rect(frame, scene.cursor));
    },
  };
}
