// Polygons and brush strokes as pixels: a picture of a part of the image, opaque where the mask is.

import { meets, ringsBounds } from "./geometry.js";
import { polygonsBounds } from "./polygons.js";
import { tracePolygons } from "./render.js";
import { runsOf } from "./runs.js";

/** What a mask was before it became polygons with a tolerance: the next stroke starts from exactly that. */
const exact = new WeakMap();

/**
 * Add or take a stroke.
 *
 * @param {?number[][][]} polygons  the mask so far; null for none
 * @param {{points: number[], radius: number, erases: boolean}} stroke  points are flat, image pixels
 * @param {{width: number, height: number}} size  of the image
 * @returns {?{x: number, y: number, width: number, height: number, counts: number[], keep: (polygons) => void}}
 *   run lengths of the mask's part of the image; null when it is empty. `keep` remembers it for polygons made from it
 */
export function applyStroke(polygons, stroke, size) {
  const box = whole(reach(polygons, stroke), size);
  if (!box) return null;
  const [x, y, right, bottom] = box,
    [width, height] = [right - x, bottom - y];
  const sheet = document.createElement("canvas");
  Object.assign(sheet, { width, height });
  const g = sheet.getContext("2d", { willReadFrequently: true });
  g.translate(-x, -y);
  drawMask(g, polygons);
  drawStroke(g, stroke);
  const { counts, on } = runsOf(g.getImageData(0, 0, width, height).data, width, height);
  if (!on) return null;
  return { x, y, width, height, counts, keep: (made) => exact.set(made, { sheet, x, y }) };
}

/** The box that the mask and the stroke reach; an eraser makes nothing larger. */
function reach(polygons, { points, radius, erases }) {
  const held = exact.get(polygons),
    mask = held
      ? [held.x, held.y, held.x + held.sheet.width, held.y + held.sheet.height]
      : polygons && polygonsBounds(polygons);
  if (erases) return mask;
  const [x1, y1, x2, y2] = ringsBounds([points]),
    wide = [x1 - radius, y1 - radius, x2 + radius, y2 + radius];
  return mask ? ringsBounds([mask, wide]) : wide;
}

/** A box on whole pixels inside the image; null when none is left. */
function whole([x1, y1, x2, y2], { width, height }) {
  const cut = [
    Math.max(Math.floor(x1) - 1, 0),
    Math.max(Math.floor(y1) - 1, 0),
    Math.min(Math.ceil(x2) + 1, width),
    Math.min(Math.ceil(y2) + 1, height),
  ];
  return meets(cut, [0, 0, width, height]) ? cut : null;
}

function drawMask(g, polygons) {
  if (!polygons) return;
  const held = exact.get(polygons);
  if (held) {
    g.drawImage(held.sheet, held.x, held.y);
    return;
  }
  for (const rings of polygons) {
    const path = new Path2D();
    tracePolygons(path, { zoom: 1, x: 0, y: 0 }, [rings]);
    g.fill(path, "evenodd");
  }
}

function drawStroke(g, { points, radius, erases }) {
  g.globalCompositeOperation = erases ? "destination-out" : "source-over";
  g.lineWidth = 2 * radius;
  g.lineCap = g.lineJoin = "round";
  g.stroke(strokePath(points, { zoom: 1, x: 0, y: 0 }));
}

/** The line of a stroke on screen; a lone point becomes a dot, which takes a line of some length. */
export function strokePath(points, { zoom, x, y }) {
  const path = new Path2D(),
    at = (i) => [points[i] * zoom + x, points[i + 1] * zoom + y];
  path.moveTo(...at(0));
  if (points.length === 2) path.lineTo(at(0)[0] + 0.01, at(0)[1]);
  for (let i = 2; i < points.length; i += 2) path.lineTo(...at(i));
  return path;
}
