// Draw a turned box: drag along one of its sides, then click where the opposite side is.

import { MIN_SIDE, distance, pointInside } from "../drawing/geometry.js";
import { outline, tint } from "../drawing/overlay.js";
import { frameChanges, sideFrame } from "../drawing/turned.js";

const STILL = 4;

export function drawTurned({ store, selection, classes, stage, naming, newRow, toast }) {
  let from = null, // both ends of the side
    to = null,
    isDragging = false,
    cursor = null;
  const forget = () => {
    from = to = cursor = null;
    isDragging = false;
  };
  const inImage = (p) => pointInside(p.at, stage.size);

  /** The box as it is now, as changes of an annotation; null while it is too thin or does not fit. */
  function drawn() {
    const frame = from && to && sideFrame(from, to, cursor ?? to);
    return frame && frame.h >= MIN_SIDE ? frameChanges({}, frame, stage.size) : null;
  }

  function finish() {
    const changes = drawn();
    if (!changes) return toast("Click beside the side that was drawn, inside the image.");
    forget();
    const row = newRow(changes.xyxy);
    if (!row) return undefined;
    store.commit("Draw turned box", [{ op: "add", annotation: { ...row, ...changes } }]);
    selection.set([row.id]);
    return naming.named([row.id]);
  }

  return {
    id: "draw_turned",
    crosshair: true,
    cursor: () => "crosshair",
    get isBusy() {
      return from !== null;
    },
    onPointerDown(p) {
      if (from) {
        cursor = inImage(p);
        return finish();
      }
      from = inImage(p);
      isDragging = true;
      return undefined;
    },
    onPointerMove(p) {
      if (isDragging) to = inImage(p);
      else if (from) cursor = inImage(p);
    },
    onPointerUp() {
      if (isDragging && (!to || distance(from, to) * stage.view.zoom <= STILL)) forget();
      isDragging = false;
    },
    onCancel: forget,
    paint(g, scene) {
      if (!from || !to) return;
      const { color } = classes.current,
        now = drawn() ?? { polygons: [[[...from, ...to]]] };
      outline(g, scene.view, now, "rgba(0,0,0,.45)", 3.5);
      tint(g, outline(g, scene.view, now, color, 2), color);
    },
  };
}
