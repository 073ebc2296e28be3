// Paint on the selected annotation's mask, or on a new one; the eraser takes off. Alt swaps the two.

import { clamp } from "../drawing/geometry.js";
import { strokePath } from "../drawing/raster.js";
import { toScreen } from "../drawing/view.js";

const SMALLEST = 1,
  LARGEST = 500; // radius in image pixels

/** Change the size of the brush, which both tools share. */
export function sizeBrush({ settings, stage }, factor) {
  const now = settings.get("brush"),
    next = clamp(now * factor, SMALLEST, LARGEST);
  settings.set("brush", Math.round(next * 10) / 10);
  stage.frame();
}

export const brush = (parts) => strokeTool(parts, "brush", false);
export const eraser = (parts) => strokeTool(parts, "eraser", true);

function strokeTool({ store, selection, classes, settings, stage, strokes, newRow, toast }, id, erasing) {
  let stroke = null,
    alt = false;
  const colorOf = ({ target }) => classes.of(store.rows.get(target)?.class_id ?? classes.current.class_id).color;
  return {
    id,
    cursor: () => "none",
    get isBusy() {
      return stroke !== null;
    },
    onPointerDown(p) {
      const erases = p.alt !== erasing;
      if (erases && !selection.only() && !strokes.size) {
        const row = stage.hit(p.at);
        if (row) selection.set([row.id]);
        else return toast("Select what to erase from.");
      }
      if (!erases && !selection.only() && classes.current.class_id < 0) return void newRow([0, 0, 1, 1]);
      stroke = { points: [...p.at], radius: settings.get("brush"), erases, imageId: store.image.id };
      stroke.target = selection.only()?.id ?? null;
      stroke.follows = strokes.size > 0;
      return undefined;
    },
    onPointerMove(p) {
      alt = p.alt;
      if (stroke) stroke.points.push(...p.at);
    },
    onPointerUp() {
      if (stroke) strokes.add(stroke);
      stroke = null;
    },
    onCancel() {
      stroke = null;
    },
    /** Alt and the wheel change the size. */
    onWheel(event) {
      sizeBrush({ settings, stage }, (event.deltaY || event.deltaX) < 0 ? 1.12 : 1 / 1.12);
    },
    paint(g, scene) {
      for (const one of [...strokes.list(), stroke]) if (one) paintStroke(g, scene, one, colorOf(one));
      if (scene.cursor) paintRound(g, scene, settings.get("brush"), erasing !== alt);
    },
  };
}

function paintStroke(g, { view }, { points, radius, erases }, color) {
  g.globalAlpha = erases ? 0.5 : 0.42;
  g.strokeStyle = erases ? "#0b0d12" : color;
  g.lineWidth = 2 * radius * view.zoom;
  g.lineCap = g.lineJoin = "round";
  g.stroke(strokePath(points, view));
  g.globalAlpha = 1;
  g.lineCap = "butt";
  g.lineJoin = "miter";
}

/** The brush at the cursor: a ring in black and white, dashed when it erases. */
function paintRound(g, { view, cursor }, radius, erases) {
  const [x, y] = toScreen(view, cursor),
    r = Math.max(radius * view.zoom, 1.5);
  for (const [wide, color, dash] of [
    [3, "rgba(0,0,0,.55)", []],
    [1.25, "#ffffff", erases ? [4, 3] : []],
  ]) {
    g.beginPath();
    g.arc(x, y, r, 0, 2 * Math.PI);
    g.setLineDash(dash);
    g.lineWidth = wide;
    g.strokeStyle = color;
    g.stroke();
  }
  g.setLineDash([]);
}
