// Paints the layer above: hover, selection, what is being dragged or drawn, drafts, the crosshair.

import { boxToScreen, toScreen } from "./view.js";
import { described, labelAt, trace } from "./render.js";
import { chip } from "./chips.js";
import { paintHandles, paintPoints } from "./handles.js";
import { paintKeypoints } from "./keypoints.js";
import { isTurned } from "./turned.js";

const MANY_SELECTED = 400;

/** `scene` is the base layer's, with {selected, hover, moved, draft, compare, cursor, crosshair, tool}. */
export function paintOverlay(g, canvas, scene) {
  g.setTransform(1, 0, 0, 1, 0, 0);
  g.clearRect(0, 0, canvas.width, canvas.height);
  if (!scene.bitmap) return;
  g.setTransform(scene.dpr, 0, 0, scene.dpr, 0, 0);
  if (scene.compare) paintCompare(g, scene);
  if (scene.hover) paintHover(g, scene, scene.hover);
  paintSelection(g, scene);
  if (scene.draft) paintDraft(g, scene, scene.draft);
  if (scene.found.length) paintFound(g, scene);
  scene.preview?.paint(g, scene);
  if (scene.simplified) for (const row of scene.selected) if (row.polygons) paintPoints(g, scene, row);
  scene.tool?.paint?.(g, scene);
  if (scene.crosshair && scene.cursor) paintCrosshair(g, scene);
}

/** Draw an annotation's outline and return its path. */
export function outline(g, view, row, color, wide, dash = []) {
  const path = new Path2D();
  trace(path, view, row);
  g.setLineDash(dash);
  g.strokeStyle = color;
  g.lineWidth = wide;
  g.stroke(path);
  g.setLineDash([]);
  return path;
}

/** Fill a path so thinly that the image stays readable; where rings cross, `rule` says what is inside. */
export function tint(g, path, color, rule = "evenodd") {
  g.globalAlpha = 0.14;
  g.fillStyle = color;
  g.fill(path, rule);
  g.globalAlpha = 1;
}

function paintHover(g, scene, row) {
  const { name, color } = scene.classes.of(row.class_id);
  const path = outline(g, scene.view, row, color, scene.line + 0.9);
  tint(g, path, color);
  const [x, y] = toScreen(scene.view, labelAt(row));
  chip(g, scene.screen, [x, y], described(name, row), color);
}

function paintSelection(g, scene) {
  const { view, screen, classes, selected, tool } = scene,
    handles = selected.length === 1 && Boolean(tool?.handles);
  for (const row of selected.slice(0, MANY_SELECTED)) {
    const { name, color } = classes.of(row.class_id);
    const path = outline(g, view, row, color, scene.line + 1.4, row.status === "candidate" ? [7, 4] : []);
    g.globalAlpha = 0.16;
    g.fillStyle = color;
    g.fill(path, "evenodd");
    g.globalAlpha = 1;
    if (!row.polygons || (handles && !isTurned(row)))
      outline(g, view, { xyxy: row.xyxy }, "#ffffff", 1.25, row.polygons ? [3, 4] : []);
    const [x, y] = toScreen(view, labelAt(row));
    if (selected.length <= 40) chip(g, screen, [x, y - 3], described(name, row), color);
  }
  for (const row of selected.slice(0, MANY_SELECTED)) if (row.attributes?.keypoints) paintKeypoints(g, scene, row, 4);
  if (handles) paintHandles(g, scene, selected[0]);
}

/** What a model proposes and a person has not taken yet: dashed, with the prompt that led to it. */
function paintDraft(g, scene, draft) {
  for (const row of draft.rows) {
    const { color } = scene.classes.of(row.class_id);
    const path = outline(g, scene.view, row, "#ffffff", 3);
    g.globalAlpha = 0.3;
    g.fillStyle = color;
    g.fill(path, "evenodd");
    g.globalAlpha = 1;
    outline(g, scene.view, row, color, 2, [6, 4]);
    if (row.polygons) outline(g, scene.view, { xyxy: row.xyxy }, color, 1, [2, 4]);
  }
  for (const { at, positive } of draft.points ?? []) paintPoint(g, scene, at, positive);
}

const CHIPS_FOUND = 80; // more hide more than they tell

/** Candidates of a phrase or an example: dashed, with their confidence. */
function paintFound(g, scene) {
  const { view, screen, found, foundHover, foundColor } = scene,
    path = new Path2D();
  for (const one of found) trace(path, view, one);
  for (const [wide, color, dash] of [
    [3.25, "rgba(0,0,0,.5)", []],
    [1.75, foundColor, [6, 4]],
  ]) {
    g.setLineDash(dash);
    g.lineWidth = wide;
    g.strokeStyle = color;
    g.stroke(path);
  }
  g.setLineDash([]);
  for (const one of found.length <= CHIPS_FOUND ? found : [])
    chip(g, screen, boxToScreen(view, one.xyxy), one.confidence.toFixed(2), foundColor, 0.85);
  if (!foundHover || !found.includes(foundHover)) return;
  g.globalAlpha = 0.28;
  g.fillStyle = foundColor;
  g.fill(outline(g, view, foundHover, "#ffffff", 2.5), "evenodd");
  g.globalAlpha = 1;
  const text = `${foundHover.phrase || "like it"} ${foundHover.confidence.toFixed(2)}`;
  chip(g, screen, boxToScreen(view, foundHover.xyxy), text, foundColor);
}

export function paintPoint(g, scene, at, positive, pulse = false) {
  const [x, y] = toScreen(scene.view, at);
  g.beginPath();
  g.arc(x, y, pulse ? 9 : 5.5, 0, 2 * Math.PI);
  g.fillStyle = positive ? "#35c281" : "#ef5b5b";
  g.globalAlpha = pulse ? 0.35 : 1;
  g.fill();
  g.globalAlpha = 1;
  g.lineWidth = 1.75;
  g.strokeStyle = "#ffffff";
  g.stroke();
  g.beginPath();
  g.moveTo(x - 2.5, y);
  g.lineTo(x + 2.5, y);
  if (positive) {
    g.moveTo(x, y - 2.5);
    g.lineTo(x, y + 2.5);
  }
  g.stroke();
}

/** The other version of a conflicted image, in white dashes. */
function paintCompare(g, { view, compare }) {
  const path = new Path2D();
  for (const row of compare) trace(path, view, row);
  g.lineWidth = 3.5;
  g.strokeStyle = "rgba(0,0,0,.6)";
  g.stroke(path);
  g.setLineDash([7, 5]);
  g.lineWidth = 1.75;
  g.strokeStyle = "#ffffff";
  g.stroke(path);
  g.setLineDash([]);
}

function paintCrosshair(g, { cursor, screen, view }) {
  const [cx, cy] = toScreen(view, cursor),
    x = Math.round(cx) + 0.5,
    y = Math.round(cy) + 0.5;
  const lines = new Path2D();
  lines.moveTo(x, 0);
  lines.lineTo(x, screen.height);
  lines.moveTo(0, y);
  lines.lineTo(screen.width, y);
  g.lineWidth = 1;
  g.strokeStyle = "rgba(0,0,0,.5)";
  g.stroke(lines);
  g.setLineDash([4, 4]);
  g.strokeStyle = "rgba(255,255,255,.75)";
  g.stroke(lines);
  g.setLineDash([]);
}

/** The box being drawn, with its size. */
export function paintNewBox(g, scene, box, color) {
  const [x1, y1, x2, y2] = boxToScreen(scene.view, box);
  g.lineWidth = 3.5;
  g.strokeStyle = "rgba(0,0,0,.45)";
  g.strokeRect(x1, y1, x2 - x1, y2 - y1);
  g.lineWidth = 2;
  g.strokeStyle = color;
  g.strokeRect(x1, y1, x2 - x1, y2 - y1);
  g.globalAlpha = 0.12;
  g.fillStyle = color;
  g.fillRect(x1, y1, x2 - x1, y2 - y1);
  g.globalAlpha = 1;
  chip(g, scene.screen, [x1, y1], `${Math.round(box[2] - box[0])} × ${Math.round(box[3] - box[1])}`, color);
}

export function paintMarquee(g, scene, box) {
  const [x1, y1, x2, y2] = boxToScreen(scene.view, box);
  g.fillStyle = "rgba(120,160,255,.16)";
  g.fillRect(x1, y1, x2 - x1, y2 - y1);
  g.setLineDash([4, 3]);
  g.lineWidth = 1.25;
  g.strokeStyle = "#ffffff";
  g.strokeRect(x1, y1, x2 - x1, y2 - y1);
  g.setLineDash([]);
}
