// What a selected annotation is dragged by: eight handles of its box, the points of its polygons.

import { HANDLES } from "./geometry.js";
import { edge } from "./polygons.js";
import { boxToScreen, toScreen } from "./view.js";

const SIZE = 8,
  SLACK = 3, // screen pixels beside a handle that still grab it
  LEAST_SIDE = 28, // shorter sides on screen show no handle in their middle: the corners do
  LEAST_EDGE = 28; // shorter edges on screen show no midpoint

/** The handles of a box that are shown, as [index of HANDLES, x, y] in screen pixels. */
export function handlesOf(view, box) {
  const [x1, y1, x2, y2] = boxToScreen(view, box);
  return HANDLES.map(([hx, hy], index) => [index, x1 + (x2 - x1) * hx, y1 + (y2 - y1) * hy]).filter(
    ([index]) =>
      !(HANDLES[index][0] === 0.5 && x2 - x1 < LEAST_SIDE) && !(HANDLES[index][1] === 0.5 && y2 - y1 < LEAST_SIDE),
  );
}

/** The handle of a box at a screen point, as an index of HANDLES; -1 for none. */
export function handleAt(view, box, [x, y]) {
  const near = SIZE / 2 + SLACK;
  const found = handlesOf(view, box).find(([, hx, hy]) => Math.abs(x - hx) <= near && Math.abs(y - hy) <= near);
  return found ? found[0] : -1;
}

export function paintHandles(g, { view, palette }, box) {
  g.fillStyle = "#ffffff";
  g.strokeStyle = palette.accent;
  g.lineWidth = 1.5;
  for (const [, x, y] of handlesOf(view, box)) {
    g.beginPath();
    g.roundRect(x - SIZE / 2, y - SIZE / 2, SIZE, SIZE, 2);
    g.fill();
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
