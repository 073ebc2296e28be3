// Click an object; the segmenter answers with its box.

import { paintPoint } from "../drawing/overlay.js";

export function point({ selection, stage, assist }) {
  return {
    id: "point",
    crosshair: true,
    cursor: () => "crosshair",
    onPointerDown() {},
    onPointerMove(p) {
      selection.setHover(stage.hit(p.at)?.id ?? null);
    },
    onPointerUp(p) {
      if (stage.isInside(p.at)) assist.point(p.at);
    },
    onCancel() {},
    paint(g, scene) {
      for (const at of assist.asked) paintPoint(g, scene, at, true, true);
    },
  };
}
