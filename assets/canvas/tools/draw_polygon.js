// Click the corners of a polygon; Enter, a double click or a click on the first corner closes it. Dragging draws
// freely. Begun with Alt it becomes a hole of the selected polygon, begun with Shift a further part of it.

import { contains, distance, pointInside } from "../drawing/geometry.js";
import { paintDot } from "../drawing/handles.js";
import { tint } from "../drawing/overlay.js";
import { boxPolygons, polygonChanges, withHole } from "../drawing/polygons.js";
import { toScreen } from "../drawing/view.js";

const CLOSE = 10, // screen pixels around the first corner that close the polygon
  STILL = 4,
  FREE_STEP = 12; // a point each so many screen pixels while dragging

export function drawPolygon(parts) {
  const { selection, classes, stage } = parts;
  let ring = [],
    mode = "new",
    down = null,
    cursor = null;
  const forget = () => {
    ring = [];
    mode = "new";
    down = null;
  };
  const inImage = (at) => pointInside(at, stage.size);
  /** Screen pixels from the pointer to a corner. */
  const away = (p, i) => distance(p.screen, toScreen(stage.view, [ring.at(i), ring.at(i + 1)]));

  function begin(p) {
    const row = selection.only();
    mode = row && p.alt ? "hole" : row && p.shift ? "part" : "new";
    if (mode === "new") selection.clear();
  }

  /** Close the ring; false while it has too few corners. */
  function close() {
    if (ring.length < 6) return false;
    const [drawn, as] = [ring, mode];
    forget();
    finish(parts, drawn, as);
    stage.frame();
    return true;
  }

  return {
    id: "draw_polygon",
    crosshair: true,
    cursor: () => "crosshair",
    get isBusy() {
      return ring.length > 0;
    },
    close,
    /** Take back the last corner. */
    dropLast() {
      ring = ring.slice(0, -2);
      stage.frame();
    },
    onPointerDown(p) {
      down = p;
      if (!ring.length) begin(p);
      else if (ring.length >= 6 && (away(p, 0) <= CLOSE || away(p, -2) <= STILL)) {
        down = null;
        close();
        return;
      }
      if (ring.length && away(p, -2) <= STILL) return;
      ring = [...ring, ...inImage(p.at)];
      cursor = p.at;
    },
    onPointerMove(p) {
      cursor = p.at;
      if (down && ring.length && away(p, -2) >= FREE_STEP) ring = [...ring, ...inImage(p.at)];
    },
    onPointerUp() {
      down = null;
    },
    onCancel: forget,
    paint(g, scene) {
      if (ring.length) paintRing(g, scene, ring, cursor && inImage(cursor), classes.current.color, mode);
    },
  };
}

function finish(parts, ring, mode) {
  const { store, selection, stage, naming, newRow } = parts;
  const row = mode === "new" ? null : selection.only();
  if (row) return extend(parts, row, ring, mode);
  const changes = polygonChanges([[ring]], stage.size),
    added = changes && newRow(changes.xyxy);
  if (!added) return undefined;
  store.commit("Draw polygon", [{ op: "add", annotation: { ...added, ...changes } }]);
  selection.set([added.id]);
  return naming.named([added.id]);
}

function extend({ store, stage, toast }, row, ring, mode) {
  const held = row.polygons ?? boxPolygons(row.xyxy);
  const polygons = mode === "part" ? [...held, [ring]] : contains(row.xyxy, ring) ? withHole(held, ring) : null;
  if (!polygons) return toast("A hole begins inside the selected polygon.", "warn");
  const changes = polygonChanges(polygons, stage.size);
  return changes && store.commit(mode === "part" ? "Add a part" : "Cut a hole", [{ op: "set", id: row.id, changes }]);
}

function paintRing(g, { view }, ring, cursor, color, mode) {
  const path = new Path2D(),
    points = cursor ? [...ring, ...cursor] : ring;
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = toScreen(view, [points[i], points[i + 1]]);
    if (i) path.lineTo(x, y);
    else path.moveTo(x, y);
  }
  tint(g, path, mode === "hole" ? "#0b0d12" : color, "nonzero");
  g.lineWidth = 3.5;
  g.strokeStyle = "rgba(0,0,0,.45)";
  g.stroke(path);
  g.lineWidth = 2;
  g.strokeStyle = mode === "hole" ? "#ffffff" : color;
  g.stroke(path);
  for (let i = 0; i < ring.length; i += 2)
    paintDot(g, toScreen(view, [ring[i], ring[i + 1]]), i === 0 ? 5.5 : 3.5, color);
}
