// Polygons in image pixels: pure arithmetic, no DOM. They are [[ring, ...], ...]: of each, the first ring is the
// outline and the rest are holes; a ring is flat [x0, y0, x1, y1, ...] without its first point again at the end.
// A place in them is {p, r, v}: polygon, ring, point.

import { clamp, contains, ringsBounds, round } from "./geometry.js";

/** The four corners of a box as polygons. */
export const boxPolygons = ([x1, y1, x2, y2]) => [[[x1, y1, x2, y1, x2, y2, x1, y2]]];

/** Smallest box around polygons. */
export const polygonsBounds = (polygons) => ringsBounds(polygons.flat());

/** Is the point inside a polygon and in none of its holes, by the even-odd rule? */
export const insidePolygons = (polygons, at) =>
  polygons.some((rings) => rings.reduce((odd, ring) => odd !== crosses(ring, at), false));

function crosses(ring, [x, y]) {
  let odd = false;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const [ax, ay, bx, by] = [ring[j], ring[j + 1], ring[i], ring[i + 1]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

/** Is the point on the annotation: inside its polygons, or its box where it has none? */
export const covers = (row, at) => contains(row.xyxy, at) && (!row.polygons || insidePolygons(row.polygons, at));

/** Area of a ring by the shoelace formula. */
export function ringArea(ring) {
  let sum = 0;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2)
    sum += ring[j] * ring[i + 1] - ring[i] * ring[j + 1];
  return Math.abs(sum) / 2;
}

export const pointCount = (polygons) => polygons.flat().reduce((sum, ring) => sum + ring.length / 2, 0);
export const hasHoles = (polygons) => Boolean(polygons?.some((rings) => rings.length > 1));
export const withoutHoles = (polygons) => polygons.map((rings) => rings.slice(0, 1));

/**
 * The `changes` that give an annotation polygons: rounded, cut to the image, with the box around them.
 * Null when nothing of any extent is left.
 */
export function polygonChanges(polygons, size) {
  const cut = polygons.map((rings) =>
    rings.map((ring) => ring.map((v, i) => round(clamp(v, 0, i % 2 ? size.height : size.width)))),
  );
  const xyxy = polygonsBounds(cut);
  return xyxy && xyxy[0] < xyxy[2] && xyxy[1] < xyxy[3] ? { polygons: cut, xyxy } : null;
}

/** Square of the distance from a point to the segment a-b, and where on it (0 to 1) the nearest point lies. */
function toSegment(x, y, ax, ay, bx, by) {
  const [dx, dy] = [bx - ax, by - ay],
    length = dx * dx + dy * dy;
  const t = length ? clamp(((x - ax) * dx + (y - ay) * dy) / length, 0, 1) : 0;
  return { square: (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2, t };
}

/** Of the points strictly between two of a flat line, the one farthest from their segment. */
function farthest(line, from, to) {
  let best = -1,
    square = -1;
  for (let k = from + 1; k < to; k++) {
    const found = toSegment(
      line[2 * k],
      line[2 * k + 1],
      line[2 * from],
      line[2 * from + 1],
      line[2 * to],
      line[2 * to + 1],
    );
    if (found.square > square) [best, square] = [k, found.square];
  }
  return { best, square };
}

/**
 * Leave points out of a closed ring so that none of them lies farther than `tolerance` from the new outline.
 * At least three points stay. Source: Douglas and Peucker 1973, on the two halves between the first point and
 * the one farthest from it.
 */
export function simplifyRing(ring, tolerance) {
  const n = ring.length / 2;
  if (n <= 3 || tolerance <= 0) return ring;
  const line = [...ring, ring[0], ring[1]],
    keep = new Set([0]);
  let apex = 0,
    far = -1;
  for (let k = 1; k < n; k++) {
    const square = (line[2 * k] - line[0]) ** 2 + (line[2 * k + 1] - line[1]) ** 2;
    if (square > far) [apex, far] = [k, square];
  }
  keep.add(apex);
  const open = [
    [0, apex],
    [apex, n],
  ];
  while (open.length) {
    const [from, to] = open.pop(),
      { best, square } = farthest(line, from, to);
    if (best < 0 || square <= tolerance * tolerance) continue;
    keep.add(best);
    open.push([from, best], [best, to]);
  }
  if (keep.size < 3) {
    const [a, b] = [farthest(line, 0, apex), farthest(line, apex, n)];
    keep.add(a.square > b.square ? a.best : b.best);
  }
  return [...keep].sort((a, b) => a - b).flatMap((k) => [ring[2 * k], ring[2 * k + 1]]);
}

/** Simplify every ring; parts and holes stay. */
export const simplify = (polygons, tolerance) =>
  polygons.map((rings) => rings.map((ring) => simplifyRing(ring, tolerance)));

/** The place whose square distance is least and within `reach`; null for none. */
function nearest(polygons, reach, squareAt) {
  let best = null,
    least = reach * reach;
  polygons.forEach((rings, p) =>
    rings.forEach((ring, r) => {
      for (let v = 0; v < ring.length / 2; v++) {
        const square = squareAt(ring, v);
        if (square <= least) [best, least] = [{ p, r, v }, square];
      }
    }),
  );
  return best;
}

/** The point nearest to `at` within `reach`, as a place; null for none. */
export const vertexAt = (polygons, [x, y], reach) =>
  nearest(polygons, reach, (ring, v) => (ring[2 * v] - x) ** 2 + (ring[2 * v + 1] - y) ** 2);

/** The edge nearest to `at` within `reach`: the place before which a point would go, and where; null for none. */
export function edgeAt(polygons, [x, y], reach) {
  const found = nearest(polygons, reach, (ring, v) => toSegment(x, y, ...edge(ring, v)).square);
  if (!found) return null;
  const [ax, ay, bx, by] = edge(polygons[found.p][found.r], found.v),
    { t } = toSegment(x, y, ax, ay, bx, by);
  return { ...found, v: found.v + 1, at: [ax + (bx - ax) * t, ay + (by - ay) * t] };
}

/** Both ends of the edge that leaves point `v` of a ring. */
export const edge = (ring, v) => {
  const next = (2 * v + 2) % ring.length;
  return [ring[2 * v], ring[2 * v + 1], ring[next], ring[next + 1]];
};

const changed = (polygons, { p, r }, change) =>
  polygons.map((rings, i) => (i === p ? rings.map((ring, j) => (j === r ? change(ring) : ring)) : rings));

export const moveVertex = (polygons, place, [x, y]) =>
  changed(polygons, place, (ring) => ring.with(2 * place.v, x).with(2 * place.v + 1, y));

export const insertVertex = (polygons, place, [x, y]) =>
  changed(polygons, place, (ring) => ring.toSpliced(2 * place.v, 0, x, y));

/** Remove a point. A ring of three is removed whole, and with an outline its polygon. Null when nothing is left. */
export function removeVertex(polygons, place) {
  const { p, r, v } = place;
  if (polygons[p][r].length > 6) return changed(polygons, place, (ring) => ring.toSpliced(2 * v, 2));
  const left = polygons
    .map((rings, i) => (i !== p ? rings : r === 0 ? [] : rings.filter((_, j) => j !== r)))
    .filter((rings) => rings.length);
  return left.length ? left : null;
}

/** Add a ring as a hole of the polygon that its first point lies in; null when it lies in none. */
export function withHole(polygons, ring) {
  const at = polygons.findIndex((rings) => crosses(rings[0], ring));
  return at < 0 ? null : polygons.map((rings, i) => (i === at ? [...rings, ring] : rings));
}
