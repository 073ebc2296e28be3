// Key points in image pixels: pure arithmetic, and how they are painted. An annotation holds them in its attributes as
// [x, y, v]: v is 0 where a point is not labelled, 1 where it is hidden, 2 where it is seen. Names and edges are the class's.

import { clamp, ringsBounds, round } from "./geometry.js";
import { paintDot } from "./handles.js";
import { toScreen } from "./view.js";

const FITS = 1; // pixels by which a box may differ from its points and still be the box around them
const HIDDEN = "#9aa4b8";

/** As many key points as the class names, or as the annotation has where these are more. */
export function pointsOf(row, skeleton) {
  const held = row.attributes?.keypoints ?? [],
    count = Math.max(held.length, skeleton?.names.length ?? 0);
  return Array.from({ length: count }, (_, i) => held[i] ?? [0, 0, 0]);
}

/** The name of a key point; its number where the class names none. */
export const pointName = (skeleton, index) => skeleton?.names[index] ?? String(index + 1);

/** The labelled point nearest to `at` within `reach`, as an index; -1 for none. */
export function pointAt(points, [x, y], reach) {
  const away = points.map(([px, py, v]) => (v ? Math.hypot(px - x, py - y) : Infinity)),
    least = Math.min(...away);
  return least <= reach ? away.indexOf(least) : -1;
}

/** The first point that is not labelled, from an index on and then from the start; -1 for none. */
export function nextMissing(points, from = 0) {
  const order = points.map((_, i) => (i + from) % points.length);
  return order.find((i) => !points[i][2]) ?? -1;
}

const around = (points) => ringsBounds([points.filter(([, , v]) => v).flatMap(([x, y]) => [x, y])]);

/**
 * The `changes` that put one key point elsewhere. A box that was the box around the points follows them; any other stays
 * and grows where a point lies outside it. The box of an outline or a mask stays.
 */
export function pointChanges(row, points, index, [x, y, v], size) {
  const keypoints = points.with(index, v ? [round(clamp(x, 0, size.width)), round(clamp(y, 0, size.height)), v] : [0, 0, 0]);
  const attributes = { ...row.attributes, keypoints };
  if (row.polygons || row.rle) return { attributes };
  const xyxy = followed(row.xyxy, around(points), around(keypoints));
  return xyxy ? { attributes, xyxy } : { attributes };
}

/** The box after its points moved; null where it stays. */
function followed(box, before, now) {
  if (!now) return null;
  const isAround = before && before.every((side, i) => Math.abs(side - box[i]) <= FITS);
  const next = isAround ? now : now.map((side, i) => (i < 2 ? Math.min(side, box[i]) : Math.max(side, box[i])));
  const isBox = next[2] - next[0] >= FITS && next[3] - next[1] >= FITS;
  return isBox && String(next) !== String(box) ? next : null;
}

/** Paint the edges and points of an annotation; hidden points are hollow. */
export function paintKeypoints(g, { view, classes }, row, radius = 3) {
  const { color, skeleton } = classes.of(row.class_id),
    points = row.attributes.keypoints;
  const path = new Path2D();
  for (const [from, to] of skeleton?.edges ?? []) {
    if (!points[from]?.[2] || !points[to]?.[2]) continue;
    path.moveTo(...toScreen(view, points[from]));
    path.lineTo(...toScreen(view, points[to]));
  }
  for (const [wide, ink] of [
    [3.25, "rgba(6,8,14,.5)"],
    [1.5, color],
  ]) {
    g.lineWidth = wide;
    g.strokeStyle = ink;
    g.stroke(path);
  }
  for (const point of points)
    if (point[2]) paintDot(g, toScreen(view, point), radius, point[2] === 2 ? color : HIDDEN, point[2] === 2);
}
