// Drag to draw a box; a click selects. Handles of the selected box work here too; Ctrl borrows the select tool.

import { clipBox, distance, rect } from "../drawing/geometry.js";
import { paintNewBox } from "../drawing/overlay.js";

const STILL = 4;

/** @param {(box: number[]) => void} finish  gets the clipped box in image pixels */
function boxTool({ selection, classes, stage, drags }, id, finish) {
  let start = null,
    resizing = null,
    box = null;
  const forget = () => {
    start = resizing = box = null;
  };
  function pick(p) {
    const row = stage.hit(p.at);
    if (p.shift) {
      if (row) selection.toggle(row.id);
    } else selection.set(row ? [row.id] : []);
  }
  return {
    id,
    handles: true,
    crosshair: true,
    cursor: (p) => (p && drags.cursorAt(p.screen)) ?? "crosshair",
    onPointerDown(p) {
      start = p;
      resizing = drags.resize(p);
    },
    onPointerMove(p) {
      if (!start) {
        selection.setHover(stage.hit(p.at)?.id ?? null);
        return;
      }
      if (resizing) resizing.move(p.at, p.shift);
      else if (box || distance(p.screen, start.screen) > STILL) box = rect(start.at, p.at);
    },
    onPointerUp(p) {
      const drawn = box && clipBox(rect(start.at, p.at), stage.size);
      if (resizing) resizing.end();
      else if (drawn) finish(drawn);
      else if (start && !box) pick(p);
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
      const now = box && clipBox(box, stage.size);
      if (now) paintNewBox(g, scene, now, classes.current.color);
    },
  };
}

/** Draw exactly what the person draws; no model touches it. */
export function drawBox(parts) {
  const { store, selection, naming, newRow } = parts;
  return boxTool(parts, "draw_box", (box) => {
    const row = newRow(box);
    if (!row) return;
    store.commit("Draw box", [{ op: "add", annotation: row }]);
    selection.set([row.id]);
    naming.named([row.id]);
  });
}

/** Draw loosely; the segmenter makes it tight. */
export const smartBox = (parts) => boxTool(parts, "smart_box", (box) => parts.assist.tightBox(box));
