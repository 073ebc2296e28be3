// Boxes and polygons in image pixels: pure arithmetic, no DOM.
// A box is xyxy = [x1, y1, x2, y2], x2/y2 exclusive. Polygons are [[ring, ...], ...], a ring is flat [x0, y0, ...].

/** The eight places a box can be dragged by, as fractions of its width and height, clockwise from top left. */
export const HANDLES = [
  [0, 0],
  [0.5, 0],
  [1, 0],
  [1, 0.5],
  [1, 1],
  [0.5, 1],
  [0, 1],
  [0, 0.5],
];

/** Shortest side a drawn or resized box may have. */
export const MIN_SIDE = 2;

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** The point of the image nearest to a point. */
export const pointInside = ([x, y], size) => [clamp(x, 0, size.width), clamp(y, 0, size.height)];

/** Two decimals are a hundredth of a pixel, and keep saves short. */
export const round = (value) => Math.round(value * 100) / 100;

export const rect = ([ax, ay], [bx, by]) => [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];

export const distance = ([ax, ay], [bx, by]) => Math.hypot(bx - ax, by - ay);

export const width = (box) => box[2] - box[0];
export const height = (box) => box[3] - box[1];
export const area = (box) => width(box) * height(box);
export const centre = (box) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
export const contains = (box, [x, y], pad = 0) =>
  x >= box[0] - pad && x <= box[2] + pad && y >= box[1] - pad && y <= box[3] + pad;
export const meets = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];

/** Cut a box to the image and round it; null when less than MIN_SIDE is left of it. */
export function clipBox(box, size) {
  const cut = [
    clamp(box[0], 0, size.width),
    clamp(box[1], 0, size.height),
    clamp(box[2], 0, size.width),
    clamp(box[3], 0, size.height),
  ].map(round);
  return width(cut) >= MIN_SIDE && height(cut) >= MIN_SIDE ? cut : null;
}

export const shifted = (box, [dx, dy]) => [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];

/** Largest part of the shift [dx, dy] that keeps every box inside the image. */
export function limitShift(boxes, [dx, dy], size) {
  const all = bounds(boxes);
  return [clamp(dx, -all[0], size.width - all[2]), clamp(dy, -all[1], size.height - all[3])];
}

/** Smallest box around all boxes; null around none. */
export function bounds(boxes) {
  if (!boxes.length) return null;
  const out = [Infinity, Infinity, -Infinity, -Infinity];
  for (const box of boxes) {
    out[0] = Math.min(out[0], box[0]);
    out[1] = Math.min(out[1], box[1]);
    out[2] = Math.max(out[2], box[2]);
    out[3] = Math.max(out[3], box[3]);
  }
  return out;
}

/** Smallest box around flat rings; null around none. */
export function ringsBounds(rings) {
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of rings)
    for (let i = 0; i < ring.length; i += 2) {
      x1 = Math.min(x1, ring[i]);
      x2 = Math.max(x2, ring[i]);
      y1 = Math.min(y1, ring[i + 1]);
      y2 = Math.max(y2, ring[i + 1]);
    }
  return x1 <= x2 ? [x1, y1, x2, y2] : null;
}

/** Drag one handle of a box to `at`; sides may cross over, the image bounds hold. */
export function resizeBox(box, [hx, hy], at, size) {
  const [x, y] = [clamp(at[0], 0, size.width), clamp(at[1], 0, size.height)];
  const out = [...box];
  if (hx === 0) out[0] = x;
  else if (hx === 1) out[2] = x;
  if (hy === 0) out[1] = y;
  else if (hy === 1) out[3] = y;
  const turned = rect([out[0], out[1]], [out[2], out[3]]);
  if (width(turned) < MIN_SIDE) [turned[0], turned[2]] = leastSide(turned[0], size.width);
  if (height(turned) < MIN_SIDE) [turned[1], turned[3]] = leastSide(turned[1], size.height);
  return turned.map(round);
}

/** Both ends of the shortest side that begins at `from`, moved back where it would leave the image. */
function leastSide(from, limit) {
  const start = Math.max(0, Math.min(from, limit - MIN_SIDE));
  return [start, start + MIN_SIDE];
}

/** Carry polygons along when their box goes from one place and size to another. */
export function fitPolygons(polygons, from, to) {
  if (!polygons) return polygons;
  const scale = (next, before) => (before > 0 ? next / before : 1); // a flat outline is moved as it is
  const [sx, sy] = [scale(width(to), width(from)), scale(height(to), height(from))];
  return mapRings(polygons, (v, i) => round(i % 2 ? to[1] + (v - from[1]) * sy : to[0] + (v - from[0]) * sx));
}

const mapRings = (polygons, change) => polygons.map((rings) => rings.map((ring) => ring.map(change)));

/** The annotation with a new box, its polygons carried along: the `changes` of a set op. */
export function boxChanges(row, xyxy) {
  const moved = xyxy.map(round);
  const points = carriedPoints(row, moved);
  if (!row.polygons) return { xyxy: moved, ...points };
  const polygons = fitPolygons(row.polygons, row.xyxy, moved);
  return { xyxy: ringsBounds(polygons.flat()), polygons, ...points }; // their own bounds: imported ones may lie inside their box
}

/** The key points of an annotation carried along with its box, as a change of its attributes; {} where it has none. */
function carriedPoints({ xyxy, attributes }, moved) {
  if (!attributes?.keypoints) return {};
  const keypoints = attributes.keypoints.map(([x, y, v]) => {
    const [[[nx, ny]]] = fitPolygons([[[x, y]]], xyxy, moved);
    return v ? [nx, ny, v] : [x, y, v];
  });
  return { attributes: { ...attributes, keypoints } };
}
