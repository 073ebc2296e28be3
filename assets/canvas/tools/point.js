// Click an object; the segmenter answers with its box.

import { paintPoint } from "../drawing/overlay.js";

export function point(app) {
  return {
    id: "point",
    crosshair: true,
    cursor: () => "crosshair",
    onPointerDown() {},
    onPointerMove(p) {
      app.selection.setHover(app.stage.hit(p.at)?.id ?? null);
    },
    onPointerUp(p) {
      if (app.isInside(p.at)) app.assist.point(p.at);
    },
    onCancel() {},
    paint(g, scene) {
      for (const at of app.assist.asked) paintPoint(g, scene, at, true, true);
    },
  };
}
