// Box one to find all like it; with Alt a box shows what is not meant. Enter asks.

import { clipBox, contains, distance, rect } from "../drawing/geometry.js";
import { boxToScreen } from "../drawing/view.js";
import { paintNewBox } from "../drawing/overlay.js";

const STILL = 4;
const COLOR = { true: "#35c281", false: "#ef5b5b" };

export function exemplar({ finds, selection, stage }) {
  let start = null,
    box = null;
  const forget = () => {
    start = box = null;
  };
  const add = (xyxy, positive) => finds.setExemplars([...finds.exemplars, { xyxy, positive }]);

  /** A click takes an example back, or makes one of the annotation there. */
  function pick(p) {
    const held = finds.exemplars.filter(({ xyxy }) => contains(xyxy, p.at));
    const row = stage.hit(p.at);
    if (held.length) finds.setExemplars(finds.exemplars.filter((one) => one !== held.at(-1)));
    else if (row) add(row.xyxy, !p.alt);
  }

  return {
    id: "exemplar",
    crosshair: true,
    cursor: () => "crosshair",
    get isBusy() {
      return box !== null;
    },
    onEnter() {
      const picked = selection.rows().map((row) => ({ xyxy: row.xyxy, positive: true }));
      if (picked.length) finds.setExemplars(picked);
    },
    onPointerDown(p) {
      start = p;
    },
    onPointerMove(p) {
      if (!start) selection.setHover(stage.hit(p.at)?.id ?? null);
      else if (box || distance(p.screen, start.screen) > STILL)
        box = { xyxy: rect(start.at, p.at), positive: !start.alt };
    },
    onPointerUp(p) {
      const drawn = box && clipBox(box.xyxy, stage.size);
      if (drawn) add(drawn, box.positive);
      else if (start && !box) pick(p);
      forget();
    },
    onCancel: forget,
    paint(g, scene) {
      for (const { xyxy, positive } of finds.exemplars) paintExample(g, scene, xyxy, COLOR[positive]);
      if (box) paintNewBox(g, scene, box.xyxy, COLOR[box.positive]);
    },
  };
}

function paintExample(g, { view }, xyxy, color) {
  const [x1, y1, x2, y2] = boxToScreen(view, xyxy);
  g.fillStyle = color;
  g.globalAlpha = 0.16;
  g.fillRect(x1, y1, x2 - x1, y2 - y1);
  g.globalAlpha = 1;
  for (const [wide, style] of [
    [4, "rgba(0,0,0,.5)"],
    [2.25, color],
  ]) {
    g.lineWidth = wide;
    g.strokeStyle = style;
    g.strokeRect(x1, y1, x2 - x1, y2 - y1);
  }
}
