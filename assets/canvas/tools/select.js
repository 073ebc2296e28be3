// Select with a click, several with shift or a frame; drag to move, handles to resize.

import { doubleClick } from "../shell/dom.js";
import { distance, rect } from "../drawing/geometry.js";
import { paintMarquee } from "../drawing/overlay.js";

const STILL = 3; // screen pixels a hand trembles within one click

export function select({ selection, stage, drags, useTool }) {
  let dragging = null,
    start = null,
    frame = null,
    picked = null,
    travelled = false;
  const twice = doubleClick();
  const far = (p) => distance(p.screen, start.screen) > STILL;
  const forget = () => {
    dragging = start = frame = picked = null;
    travelled = false;
  };
  return {
    id: "select",
    handles: true,
    relabels: true,
    cursor(p) {
      if (!p) return "default";
      return drags.cursorAt(p.screen) ?? (selection.hover ? "move" : "default");
    },
    onPointerDown(p) {
      start = p;
      dragging = drags.resize(p);
      if (dragging) return;
      const row = stage.hit(p.at);
      if (!row) {
        frame = p.at;
        return;
      }
      if (p.shift) {
        selection.toggle(row.id);
        return;
      }
      picked = selection.has(row.id) ? row.id : null; // a click without a drag then narrows to it
      if (!picked) selection.set([row.id]);
      dragging = drags.move(p);
    },
    onPointerMove(p) {
      if (!start) {
        selection.setHover(stage.hit(p.at)?.id ?? null);
        return;
      }
      travelled ||= far(p);
      if (travelled) dragging?.move(p.at, p.shift);
    },
    onPointerUp(p) {
      if (frame) {
        const found = travelled ? stage.inside(rect(frame, p.at)).map((row) => row.id) : [];
        if (p.shift) selection.add(found);
        else selection.set(found);
      } else if (dragging && travelled) dragging.end();
      else if (picked) selection.set([picked]);
      const only = selection.only(),
        isClick = start && !frame && !travelled && !p.shift;
      forget();
      if (isClick && only?.polygons && twice(only.id, p.time)) useTool("edit_polygon");
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
