// Screen pixels <-> image pixels. Nothing else in the canvas may do this arithmetic.
// A view is {zoom, x, y}: screen pixels per image pixel, and where the image's top left corner is on screen.

import { clamp } from "./geometry.js";

export const MIN_ZOOM = 0.01,
  MAX_ZOOM = 64;

export const toImage = (v, [sx, sy]) => [(sx - v.x) / v.zoom, (sy - v.y) / v.zoom];
export const toScreen = (v, [ix, iy]) => [ix * v.zoom + v.x, iy * v.zoom + v.y];
export const boxToScreen = (v, b) => [
  b[0] * v.zoom + v.x,
  b[1] * v.zoom + v.y,
  b[2] * v.zoom + v.x,
  b[3] * v.zoom + v.y,
];

/** Show the whole image, centred, with a margin in screen pixels. */
export function fit(image, screen, margin = 12) {
  const room = [Math.max(screen.width - 2 * margin, 16), Math.max(screen.height - 2 * margin, 16)];
  const zoom = clamp(Math.min(room[0] / image.width, room[1] / image.height), MIN_ZOOM, MAX_ZOOM);
  return centred(image, screen, zoom, [image.width / 2, image.height / 2]);
}

/** Place an image point in the middle of the screen at a zoom. */
export const centred = (image, screen, zoom, [ix, iy]) => ({
  zoom,
  x: screen.width / 2 - ix * zoom,
  y: screen.height / 2 - iy * zoom,
});

/** Zoom by `factor` about a screen point, which stays still. */
export function zoomAt(v, [sx, sy], factor) {
  const zoom = clamp(v.zoom * factor, MIN_ZOOM, MAX_ZOOM),
    k = zoom / v.zoom;
  return { zoom, x: sx - (sx - v.x) * k, y: sy - (sy - v.y) * k };
}

/** Factor of one wheel event: pinches arrive with ctrl and small deltas, lines and pages are scaled to pixels. */
export function wheelFactor({ deltaY, deltaMode = 0, ctrlKey = false }) {
  const pixels = deltaY * (deltaMode === 1 ? 16 : deltaMode === 2 ? 400 : 1);
  return Math.exp(-clamp(pixels, -400, 400) * (ctrlKey ? 0.01 : 0.0015));
}

export const panBy = (v, dx, dy) => ({ ...v, x: v.x + dx, y: v.y + dy });

/** Keep at least `keep` screen pixels of the image in sight, so that it cannot be lost. */
export function keepInSight(v, image, screen, keep = 48) {
  return {
    zoom: v.zoom,
    x: clamp(v.x, keep - image.width * v.zoom, screen.width - keep),
    y: clamp(v.y, keep - image.height * v.zoom, screen.height - keep),
  };
}

/** The view that shows a box with some of its surroundings. */
export function around(box, screen, share = 0.5) {
  const [w, h] = [Math.max(box[2] - box[0], 1), Math.max(box[3] - box[1], 1)];
  const zoom = clamp(Math.min((screen.width * share) / w, (screen.height * share) / h), MIN_ZOOM, MAX_ZOOM);
  return centred(null, screen, zoom, [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]);
}

const SMALL = 28, // screen pixels of a box's longer side, below which a person cannot judge it
  EDGE = 24; // screen pixels around the view where bars and chips lie
export const REVEALED = 0.25; // of the screen that a box takes which had to be brought into sight

/** Is a box whole on screen, and large enough to judge? */
export function shows(v, box, screen) {
  const [x1, y1, x2, y2] = boxToScreen(v, box);
  const isIn = x1 >= 0 && x2 <= screen.width && y1 >= EDGE && y2 <= screen.height - EDGE;
  return isIn && Math.max(x2 - x1, y2 - y1) >= SMALL;
}

/** The part of the image on screen, in image pixels. */
export function visibleBox(v, screen) {
  const [x1, y1] = toImage(v, [0, 0]),
    [x2, y2] = toImage(v, [screen.width, screen.height]);
  return [x1, y1, x2, y2];
}
