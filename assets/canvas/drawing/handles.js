// What a selected annotation is dragged by: eight handles of its box, the points of its polygons.

import { HANDLES } from "./geometry.js";
import { edge } from "./polygons.js";
import { canTurn, frameOf, isTurned, placeIn } from "./turned.js";
import { boxToScreen, toScreen } from "./view.js";

/** Index of the handle that turns a box, after those of HANDLES. */
export const TURN = HANDLES.length;

const SIZE = 8,
  SLACK = 3, // screen pixels beside a handle that still grab it
  STALK = 24, // screen pixels from a box to the handle that turns it
  LEAST_SIDE = 28, // shorter sides on screen show no handle in their middle: the corners do
  LEAST_EDGE = 28; // shorter edges on screen show no midpoint

/** The handles of a box that are shown, as [index of HANDLES, x, y] in screen pixels. */
function plainHandles(view, box) {
  const [x1, y1, x2, y2] = boxToScreen(view, box);
  return HANDLES.map(([hx, hy], index) => [index, x1 + (x2 - x1) * hx, y1 + (y2 - y1) * hy]).filter(
    ([index]) =>
      !(HANDLES[index][0] === 0.5 && x2 - x1 < LEAST_SIDE) && !(HANDLES[index][1] === 0.5 && y2 - y1 < LEAST_SIDE),
  );
}

/** The frame of a box on screen. */
function onScreen(view, row) {
  const frame = frameOf(row),
    [x, y] = toScreen(view, [frame.x, frame.y]);
  return { ...frame, x, y, w: frame.w * view.zoom, h: frame.h * view.zoom };
}

/** The handles of an annotation, those of a turned box along its own sides; the last one turns it. */
export function handlesOf(view, row) {
  const frame = onScreen(view, row);
  const shown = isTurned(row)
    ? HANDLES.map(([hx, hy], index) => [index, ...placeIn(frame, [hx - 0.5, hy - 0.5])]).filter(
        ([index]) =>
          !(HANDLES[index][0] === 0.5 && frame.w < LEAST_SIDE) && !(HANDLES[index][1] === 0.5 && frame.h < LEAST_SIDE),
      )
    : plainHandles(view, row.xyxy);
  return canTurn(row) ? [...shown, [TURN, ...placeIn(frame, [0, -0.5 - STALK / Math.max(frame.h, 1)])]] : shown;
}

/** The handle of an annotation at a screen point, as an index of HANDLES, or TURN; -1 for none. */
export function handleAt(view, row, [x, y]) {
  const near = SIZE / 2 + SLACK;
  const found = handlesOf(view, row).find(([, hx, hy]) => Math.abs(x - hx) <= near && Math.abs(y - hy) <= near);
  return found ? found[0] : -1;
}

export function paintHandles(g, { view, palette }, row) {
  g.fillStyle = "#ffffff";
  g.strokeStyle = palette.accent;
  g.lineWidth = 1.5;
  for (const [index, x, y] of handlesOf(view, row)) {
    if (index === TURN) {
      paintStalk(g, placeIn(onScreen(view, row), [0, -0.5]), [x, y]);
      paintDot(g, [x, y], 5, palette.accent);
      continue;
    }
    g.beginPath();
    g.roundRect(x - SIZE / 2, y - SIZE / 2, SIZE, SIZE, 2);
    g.fill();
    g.stroke();
  }
}

/** The line from a box to the handle that turns it. */
function paintStalk(g, from, to) {
  for (const [wide, color] of [
    [3, "rgba(0,0,0,.45)"],
    [1.25, "#ffffff"],
  ]) {
    g.beginPath();
    g.moveTo(...from);
    g.lineTo(...to);
    g.lineWidth = wide;
    g.strokeStyle = color;
    g.stroke();
  }
}

/** A white dot with a rim: a corner that can be grabbed. */
export function paintDot(g, [x, y], radius, color, filled = false) {
  g.beginPath();
  g.arc(x, y, radius, 0, 2 * Math.PI);
  g.fillStyle = filled ? color : "#ffffff";
  g.fill();
  g.lineWidth = 1.5;
  g.strokeStyle = filled ? "#ffffff" : color;
  g.stroke();
}

const same = (a, b) => Boolean(a && b) && a.p === b.p && a.r === b.r && a.v === b.v;

/**
 * Paint the points of an annotation's polygons and the middles of their longer edges.
 *
 * @param {{over?: ?{place: object, at?: number[]}, picked?: ?object}} marks  `over`: the point under the pointer, or
 *   with `at` where one would be added; `picked`: the place of the chosen point
 */
export function paintPoints(g, { view, screen, classes }, row, { over, picked } = {}) {
  const { color } = classes.of(row.class_id);
  const isSeen = ([x, y]) => x > -8 && y > -8 && x < screen.width + 8 && y < screen.height + 8;
  row.polygons.forEach((rings, p) =>
    rings.forEach((ring, r) => {
      for (let v = 0; v < ring.length / 2; v++) {
        const [ax, ay, bx, by] = edge(ring, v),
          [from, to] = [toScreen(view, [ax, ay]), toScreen(view, [bx, by])];
        if (Math.hypot(to[0] - from[0], to[1] - from[1]) > LEAST_EDGE)
          paintMiddle(g, [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2], color);
        if (!isSeen(from)) continue;
        const place = { p, r, v },
          isPicked = same(place, picked);
        paintDot(g, from, isPicked || (!over?.at && same(place, over?.place)) ? 5.5 : 3.75, color, isPicked);
      }
    }),
  );
  if (over?.at) paintDot(g, toScreen(view, over.at), 4.5, color, true);
}

function paintMiddle(g, [x, y], color) {
  g.globalAlpha = 0.75;
  g.beginPath();
  g.arc(x, y, 2.25, 0, 2 * Math.PI);
  g.fillStyle = color;
  g.fill();
  g.lineWidth = 1;
  g.strokeStyle = "#ffffff";
  g.stroke();
  g.globalAlpha = 1;
}
