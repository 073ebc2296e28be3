// Turned boxes in image pixels: pure arithmetic, no DOM. An annotation is one when its attributes have a rotation in
// degrees clockwise and its outline is the four corners, clockwise, the first being top left before turning.
// A frame is {x, y, w, h, deg}: centre, sides and angle; a plain box has one too, of 0 degrees.

import { HANDLES, MIN_SIDE, centre, clamp, height, ringsBounds, round, width } from "./geometry.js";

const SMALLEST_DEG = 0.005, // of a turn that is kept
  SLACK = 1, // pixels by which corners may be off: files round them
  SKEW = 0.02; // and as a share of the longer side

/** Is the annotation a turned box? Its corners must still be one: points of an outline can be dragged. */
export const isTurned = ({ polygons, attributes }) =>
  Boolean(attributes?.rotation) &&
  polygons?.length === 1 &&
  polygons[0].length === 1 &&
  polygons[0][0].length === 8 &&
  isRectangle(polygons[0][0], attributes.rotation);

/** Do four corners make a box that is turned by an angle, as far as rounded ones can? */
function isRectangle([ax, ay, bx, by, cx, cy, dx, dy], deg) {
  const [w, h] = [Math.hypot(bx - ax, by - ay), Math.hypot(cx - bx, cy - by)],
    [sin, cos] = [Math.sin((deg * Math.PI) / 180), Math.cos((deg * Math.PI) / 180)];
  const wanted = [ax + w * cos, ay + w * sin, ax + w * cos - h * sin, ay + w * sin + h * cos, ax - h * sin, ay + h * cos];
  const slack = SLACK + SKEW * Math.max(w, h);
  return [bx, by, cx, cy, dx, dy].every((v, i) => Math.abs(v - wanted[i]) <= slack);
}

/** Can the annotation be turned: is it a box, turned already or not? */
export const canTurn = (row) => isTurned(row) || (!row.polygons && !row.rle);

/** The frame of a box, turned or not. */
export function frameOf(row) {
  const [x, y] = centre(row.xyxy);
  if (!isTurned(row)) return { x, y, w: width(row.xyxy), h: height(row.xyxy), deg: 0 };
  const [ax, ay, bx, by, cx, cy] = row.polygons[0][0];
  const middle = { x: (ax + cx) / 2, y: (ay + cy) / 2, deg: row.attributes.rotation };
  return { ...middle, w: Math.hypot(bx - ax, by - ay), h: Math.hypot(cx - bx, cy - by) };
}

/** The point of the image at a place in a frame, from -0.5 to 0.5 along each of its sides. */
export function placeIn({ x, y, w, h, deg }, [u, v]) {
  const [sin, cos] = [Math.sin((deg * Math.PI) / 180), Math.cos((deg * Math.PI) / 180)];
  return [x + u * w * cos - v * h * sin, y + u * w * sin + v * h * cos];
}

/** How far a point lies from the centre of a frame along its sides, in pixels. */
function along({ x, y, deg }, at) {
  const [dx, dy] = [at[0] - x, at[1] - y];
  const [sin, cos] = [Math.sin((deg * Math.PI) / 180), Math.cos((deg * Math.PI) / 180)];
  return [dx * cos + dy * sin, dy * cos - dx * sin];
}

const ringOf = (frame) => [0, 2, 4, 6].flatMap((i) => placeIn(frame, [HANDLES[i][0] - 0.5, HANDLES[i][1] - 0.5]));

/**
 * The `changes` that give a box another frame, its key points carried along; one of 0 degrees becomes a plain box.
 * A frame that sticks out is shifted into the image; null where it does not fit.
 */
export function frameChanges(row, frame, size) {
  const deg = round(((frame.deg % 360) + 360) % 360) % 360;
  const wanted = { ...frame, deg: Math.min(deg, 360 - deg) < SMALLEST_DEG ? 0 : deg };
  const [x1, y1, x2, y2] = ringsBounds([ringOf(wanted)]);
  if (x2 - x1 > size.width || y2 - y1 > size.height) return null;
  const placed = {
    ...wanted,
    x: wanted.x + clamp(0, -x1, size.width - x2),
    y: wanted.y + clamp(0, -y1, size.height - y2),
  };
  const ring = ringOf(placed).map((v, i) => clamp(round(v), 0, i % 2 ? size.height : size.width));
  const { rotation: _, ...others } = row.attributes ?? {};
  const attributes = { ...others, ...carriedPoints(row, placed), ...(placed.deg ? { rotation: placed.deg } : {}) };
  return {
    xyxy: ringsBounds([ring]),
    polygons: placed.deg ? [[ring]] : null,
    attributes: Object.keys(attributes).length ? attributes : null,
  };
}

function carriedPoints(row, to) {
  if (!row.attributes?.keypoints) return {};
  const from = frameOf(row);
  const keypoints = row.attributes.keypoints.map(([x, y, v]) => {
    const [u, w] = along(from, [x, y]);
    return v ? [...placeIn(to, [u / from.w, w / from.h]).map(round), v] : [x, y, v];
  });
  return { keypoints };
}

/** Turn a box clockwise about its centre; null where it would not fit in the image. */
export function turnChanges(row, byDeg, size) {
  const frame = frameOf(row);
  return frameChanges(row, { ...frame, deg: frame.deg + byDeg }, size);
}

/** The angle of a frame whose turning handle is at a point, rounded to `step` degrees where that is not 0. */
export function angleTo({ x, y }, at, step = 0) {
  const deg = (Math.atan2(at[1] - y, at[0] - x) * 180) / Math.PI + 90;
  return step ? Math.round(deg / step) * step : deg;
}

/** Drag a handle of a turned box to a point: the opposite side stays where it is, and the angle with it. */
export function resizeFrame(frame, [hx, hy], at) {
  const [u, v] = along(frame, at),
    [left, right] = dragged(frame.w, hx, u),
    [top, bottom] = dragged(frame.h, hy, v);
  const inner = { ...frame, w: 1, h: 1 },
    [x, y] = placeIn(inner, [(left + right) / 2, (top + bottom) / 2]);
  return { ...frame, x, y, w: right - left, h: bottom - top };
}

/** Both ends of a side about its middle when the end that a handle stands for, if any, goes to `to`. */
function dragged(side, handle, to) {
  if (handle === 0.5) return [-side / 2, side / 2];
  const still = handle ? -side / 2 : side / 2,
    least = Math.abs(to - still) < MIN_SIDE ? still + (handle ? MIN_SIDE : -MIN_SIDE) : to;
  return [Math.min(still, least), Math.max(still, least)];
}

/** The frame of a box one side of which goes from `a` to `b`, and whose opposite side is level with `at`. */
export function sideFrame(a, b, at) {
  const w = Math.hypot(b[0] - a[0], b[1] - a[1]),
    deg = (Math.atan2(b[1] - a[1], b[0] - a[0]) * 180) / Math.PI;
  const middle = { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, deg },
    depth = along(middle, at)[1],
    [x, y] = placeIn({ ...middle, w: 1, h: 1 }, [0, depth / 2]);
  return { x, y, w, h: Math.abs(depth), deg };
}
