// Paints the base layer: the resting annotations, above the picture. Repainted when they or the view change.
// `scene` = {view, screen, dpr, bitmap, rows (iterable), classes, hides(row), labelled(row), fill, line}.

import { boxToScreen, toScreen, visibleBox } from "./view.js";
import { meets } from "./geometry.js";
import { paintKeypoints } from "./keypoints.js";
import { chip } from "./chips.js";

/** Above this many boxes in sight, tints are left out and the picture below is not redrawn before the view rests. */
export const MANY = 3000;
/** Above this many, a moving view shows a picture of the boxes: one copy costs less than their strokes. */
const PICTURE_ABOVE = 300;
const CORNERS = 24; // numbers of an outline that take about as long as a box
const MARGIN = 160; // screen pixels around the view that the picture holds too
const STRETCH = 1.25; // zoom that the picture bears
const HALO_LIMIT = 1500; // a dark rim helps on bright images but doubles the strokes
const FINE = 0.7; // screen pixels between the points of an outline

export function createRenderer(canvas) {
  const g = canvas.getContext("2d");
  const sheet = document.createElement("canvas"); // the boxes alone
  let sheetView = null,
    drawn = 0,
    weight = 0; // of what was drawn, in boxes

  /** Paint everything. `moving`: the view is being dragged or zoomed, so a picture of the boxes will do. */
  function paint(scene, moving = false) {
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, canvas.width, canvas.height);
    if (!scene.bitmap) {
      drawn = 0;
      sheetView = null;
      return;
    }
    if (moving && weight > PICTURE_ABOVE) {
      paintPicture(scene);
      return;
    }
    const rows = visibleRows(scene);
    drawn = rows.length;
    weight = rows.reduce((sum, { polygons }) => sum + (polygons ? 1 + polygons[0][0].length / CORNERS : 1), 0);
    sheetView = null;
    paintRows(g, scene, rows);
  }

  function paintPicture(scene) {
    if (!sheetView || (drawn <= MANY && !covers(scene))) takePicture(scene);
    const { view, dpr } = scene,
      k = view.zoom / sheetView.zoom;
    g.setTransform(k, 0, 0, k, (view.x - sheetView.x * k) * dpr, (view.y - sheetView.y * k) * dpr);
    g.drawImage(sheet, 0, 0);
  }

  /** Does the picture reach all edges of the screen, without much stretch? */
  function covers({ view, screen }) {
    const k = view.zoom / sheetView.zoom,
      [left, top] = [view.x - sheetView.x * k, view.y - sheetView.y * k];
    const [wide, high] = [(screen.width + 2 * MARGIN) * k, (screen.height + 2 * MARGIN) * k];
    return (
      k < STRETCH &&
      k > 1 / STRETCH &&
      left <= 0 &&
      top <= 0 &&
      left + wide >= screen.width &&
      top + high >= screen.height
    );
  }

  function takePicture(scene) {
    const { view, screen, dpr } = scene;
    sheetView = { zoom: view.zoom, x: view.x + MARGIN, y: view.y + MARGIN };
    const wider = {
      ...scene,
      view: sheetView,
      screen: { width: screen.width + 2 * MARGIN, height: screen.height + 2 * MARGIN },
    };
    sheet.width = Math.round(wider.screen.width * dpr); // also clears it
    sheet.height = Math.round(wider.screen.height * dpr);
    const rows = visibleRows({ ...wider, rows: scene.rows });
    paintRows(sheet.getContext("2d"), wider, rows);
  }

  return {
    paint,
    get drawn() {
      return drawn;
    },
  };
}

function visibleRows({ view, screen, rows, hides }) {
  const sight = visibleBox(view, screen),
    found = [];
  for (const row of rows) if (meets(row.xyxy, sight) && !hides(row)) found.push(row);
  return found;
}

/** One path a class and style: strokes cost per path, not per box. */
function paintRows(g, scene, rows) {
  const { view, dpr, classes, line } = scene;
  g.setTransform(dpr, 0, 0, dpr, 0, 0);
  const groups = new Map();
  for (const row of rows) {
    const key = `${row.class_id}:${row.status === "candidate"}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  if (rows.length <= HALO_LIMIT) {
    const halo = new Path2D();
    for (const row of rows) trace(halo, view, row);
    g.strokeStyle = "rgba(6,8,14,.45)";
    g.lineWidth = line + 1.6;
    g.stroke(halo);
  }
  for (const group of groups.values()) {
    const path = new Path2D(),
      candidate = group[0].status === "candidate";
    for (const row of group) trace(path, view, row);
    const { color } = classes.of(group[0].class_id);
    if (scene.fill && rows.length <= MANY) tint(g, view, group, color, candidate ? 0.05 : 0.12);
    g.strokeStyle = color;
    g.lineWidth = line;
    g.setLineDash(candidate ? [5, 4] : []);
    g.stroke(path);
    g.setLineDash([]);
  }
  if (rows.length <= MANY) for (const row of rows) if (row.attributes?.keypoints) paintKeypoints(g, scene, row);
  paintLabels(g, scene, rows);
}

/** Boxes in one path, where overlaps stay tinted; polygons one by one, so that holes stay holes. */
function tint(g, view, group, color, alpha) {
  const boxes = new Path2D();
  g.globalAlpha = alpha;
  g.fillStyle = color;
  for (const row of group) {
    if (!row.polygons) {
      trace(boxes, view, row);
      continue;
    }
    const path = new Path2D();
    trace(path, view, row);
    g.fill(path, "evenodd");
  }
  g.fill(boxes);
  g.globalAlpha = 1;
}

const LABEL_LIMIT = 250,
  LABEL_ROOM = 44; // more labels than that, or on narrower boxes, hide more than they tell

function paintLabels(g, { view, screen, classes, labels }, rows) {
  if (labels === "never" || rows.length > LABEL_LIMIT * (labels === "always" ? 4 : 1)) return;
  for (const row of rows) {
    const [x1, y1, x2] = boxToScreen(view, row.xyxy);
    if (labels === "auto" && x2 - x1 < LABEL_ROOM) continue;
    const { name, color } = classes.of(row.class_id);
    chip(
      g,
      screen,
      row.polygons ? toScreen(view, labelAt(row)) : [x1, y1],
      row.status === "candidate" ? described(name, row) : name,
      color,
      0.82,
    );
  }
}

/** The class of an annotation; of a candidate also how sure its source is, and which that is. */
export function described(name, { status, confidence, source }) {
  const sure = confidence === null || confidence === undefined ? "" : ` ${confidence.toFixed(2)}`;
  return status === "candidate" ? `${name}${sure} · ${source.split("@")[0]}` : `${name}${sure}`;
}

/** Add an annotation's outline to a path in screen pixels: its polygons, else its box. */
export function trace(path, view, row) {
  if (row.polygons) tracePolygons(path, view, row.polygons, FINE);
  else {
    const [x1, y1, x2, y2] = boxToScreen(view, row.xyxy);
    path.rect(x1, y1, x2 - x1, y2 - y1);
  }
}

/** Add polygons to a path. Points closer together than `least` screen pixels are left out; a mask needs them all. */
export function tracePolygons(path, view, polygons, least = 0) {
  for (const rings of polygons)
    for (const ring of rings) {
      let [lastX, lastY] = [Infinity, Infinity];
      for (let i = 0; i < ring.length; i += 2) {
        const x = ring[i] * view.zoom + view.x,
          y = ring[i + 1] * view.zoom + view.y;
        if (i && Math.abs(x - lastX) < least && Math.abs(y - lastY) < least) continue;
        if (i) path.lineTo(x, y);
        else path.moveTo(x, y);
        [lastX, lastY] = [x, y];
      }
      path.closePath();
    }
}

const tops = new WeakMap(); // polygons -> their highest point

/** Where the name of an annotation goes, in image pixels: a box's corner, a polygon's highest point. */
export function labelAt({ xyxy, polygons }) {
  if (!polygons) return xyxy;
  let top = tops.get(polygons);
  if (!top) {
    for (const ring of polygons.flat())
      for (let i = 0; i < ring.length; i += 2) if (!top || ring[i + 1] < top[1]) top = [ring[i], ring[i + 1]];
    tops.set(polygons, top);
  }
  return top;
}
