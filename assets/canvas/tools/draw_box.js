// Drag to draw a box; a click selects. Handles of the selected box work here too; Ctrl borrows the select tool.

import { clipBox, rect } from "../drawing/geometry.js";
import { paintNewBox } from "../drawing/overlay.js";
import { selectedHandleAt, handleCursor, startResize } from "./drag_selection.js";

const STILL = 4;

/** @param {(box: number[]) => void} finish  gets the clipped box in image pixels */
function boxTool(app, id, finish) {
  let start = null,
    resizing = null,
    box = null;
  const forget = () => {
    start = resizing = box = null;
  };
  return {
    id,
    handles: true,
    crosshair: true,
    cursor(p) {
      const handle = p ? selectedHandleAt(app, p.screen) : -1;
      return handle >= 0 ? handleCursor(handle) : "crosshair";
    },
    onPointerDown(p) {
      start = p;
      resizing = startResize(app, p);
    },
    onPointerMove(p) {
      if (!start) {
        app.selection.setHover(app.stage.hit(p.at)?.id ?? null);
        return;
      }
      if (resizing) resizing.move(p.at);
      else if (box || Math.hypot(p.screen[0] - start.screen[0], p.screen[1] - start.screen[1]) > STILL)
        box = rect(start.at, p.at);
    },
    onPointerUp(p) {
      const drawn = box && clipBox(rect(start.at, p.at), app.stage.size);
      if (resizing) resizing.end();
      else if (drawn) finish(drawn);
      else if (start && !box) pick(app, p);
      forget();
    },
    onCancel() {
      resizing?.cancel();
      forget();
    },
    get isBusy() {
      return Boolean(box || resizing);
    },
    paint(g, scene) {
      const now = box && clipBox(box, app.stage.size);
      if (now) paintNewBox(g, scene, now, app.classes.current.color);
    },
  };
}

function pick(app, p) {
  const row = app.stage.hit(p.at);
  if (p.shift) {
    if (row) app.selection.toggle(row.id);
  } else app.selection.set(row ? [row.id] : []);
}

/** Draw exactly what the person draws; no model touches it. */
export const drawBox = (app) =>
  boxTool(app, "draw_box", (box) => {
    const row = app.newRow(box);
    if (!row) return;
    app.store.commit("Draw box", [{ op: "add", annotation: row }]);
    app.selection.set([row.id]);
    app.naming.named([row.id]);
  });

/** Draw loosely; the segmenter makes it tight. */
export const smartBox = (app) => boxTool(app, "smart_box", (box) => app.assist.tightBox(box));
