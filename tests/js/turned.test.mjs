import test from "node:test";
import assert from "node:assert/strict";
import { HANDLES } from "../../assets/canvas/drawing/geometry.js";
import { TURN, handlesOf } from "../../assets/canvas/drawing/handles.js";
import * as turned from "../../assets/canvas/drawing/turned.js";
import { turningActions } from "../../assets/canvas/actions/turning.js";
import { canvasWithTools, row, SIZE } from "./parts.mjs";

const FRAME = { x: 50, y: 40, w: 30, h: 12 };
const near = (a, b, within = 0.03) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) <= within, `${a} is not ${b}`));
const sides = ({ x, y, w, h }) => [x, y, w, h];

/** A box of a frame, turned by degrees. */
function box(deg, more = {}) {
  const plain = row("t", [35, 34, 65, 46], more);
  return { ...plain, ...turned.frameChanges(plain, { ...FRAME, deg }, SIZE) };
}

/** Where a handle of an annotation is in the image. */
const handle = (found, index) =>
  handlesOf({ zoom: 1, x: 0, y: 0 }, found)
    .find(([i]) => i === index)
    .slice(1);

test("a frame is the same after it was written into a box and read from it, at every angle", () => {
  for (let deg = 0; deg < 360; deg += 7.5) {
    const now = box(deg),
      frame = turned.frameOf(now);
    near(sides(frame), sides(FRAME));
    assert.equal(frame.deg, deg);
    assert.equal(turned.isTurned(now), deg > 0);
    assert.equal(now.attributes?.rotation, deg || undefined);
    const back = { ...now, ...turned.turnChanges(now, -deg, SIZE) };
    near(back.xyxy, [35, 34, 65, 46]);
    assert.deepEqual([back.polygons, back.attributes], [null, null]); // of 0 degrees it is a plain box again
  }
});

test("a clockwise turn puts the top left corner where a hand would; key points turn along", () => {
  const now = box(90, {
    attributes: {
      keypoints: [
        [35, 34, 2],
        [0, 0, 0],
      ],
      group: 4,
    },
  });
  near(now.polygons[0][0], [56, 25, 56, 55, 44, 55, 44, 25]);
  near(now.attributes.keypoints[0], [56, 25, 2]);
  assert.deepEqual(now.attributes.keypoints[1], [0, 0, 0]);
  assert.equal(now.attributes.group, 4);
});

test("a dragged handle leaves the opposite side and the angle where they were", () => {
  for (const deg of [10, 80, 135, 200, 300])
    for (let i = 0; i < 8; i++) {
      const frame = { ...FRAME, deg },
        [hx, hy] = HANDLES[i],
        still = [0.5 - hx, 0.5 - hy];
      const next = turned.resizeFrame(frame, HANDLES[i], [52, 43]);
      const at = [hx === 0.5 ? still[0] : null, hy === 0.5 ? still[1] : null];
      assert.equal(next.deg, deg);
      assert.ok(next.w >= 2 && next.h >= 2);
      if (at[0] === 0) assert.ok(Math.abs(next.w - 30) < 1e-9);
      if (at[1] === 0) assert.ok(Math.abs(next.h - 12) < 1e-9);
      const corners = [
          [-0.5, -0.5],
          [0.5, -0.5],
          [0.5, 0.5],
          [-0.5, 0.5],
        ].map((place) => turned.placeIn(next, place)),
        before = turned.placeIn(frame, still);
      const reach = still.includes(0) ? 16 : 0.001; // of a side, its line stays; of a corner, the point
      assert.ok(Math.min(...corners.map(([x, y]) => Math.hypot(x - before[0], y - before[1]))) <= reach);
    }
});

test("the round handle turns, with Shift in steps; its key turns back; each is one step", async () => {
  const c = await canvasWithTools([row("a", [35, 34, 65, 46])]);
  c.tools.use("select");
  c.selection.set(["a"]);
  c.hand.drag(handle(c.rows()[0], TURN), [90, 41]);
  assert.ok(Math.abs(c.rows()[0].attributes.rotation - 91.43) < 0.1);
  c.hand.drag(handle(c.rows()[0], TURN), [90, 41], { shift: true });
  assert.equal(c.rows()[0].attributes.rotation, 90);
  const turn = Object.fromEntries(turningActions(c).map((action) => [action.id, action.run]));
  turn.turn_left_far();
  turn.turn_left();
  assert.equal(c.rows()[0].attributes.rotation, 74);
  for (let i = 0; i < 4; i++) c.store.undo();
  assert.deepEqual(c.rows()[0].xyxy, [35, 34, 65, 46]);
  assert.equal(c.rows()[0].polygons, null);
});

test("a box that would stick out is shifted into the image; one that cannot fit is not turned", () => {
  const wide = row("w", [0, 0, 60, 10]);
  const shifted = turned.turnChanges(wide, 45, SIZE).xyxy;
  assert.ok(shifted[0] >= 0 && shifted[1] >= 0 && shifted[3] <= SIZE.height);
  assert.equal(turned.turnChanges(row("x", [0, 0, 100, 10]), 90, SIZE), null);
});

test("polygons and masks are no boxes that turn", () => {
  const ring = [10, 10, 50, 12, 40, 50];
  assert.equal(turned.canTurn(row("p", [10, 10, 50, 50], { polygons: [[ring]] })), false);
  assert.equal(turned.canTurn(row("m", [10, 10, 50, 50], { rle: {} })), false);
});

test("an outline whose corner was dragged away is no turned box any more, one with rounded corners still is", () => {
  const now = box(30),
    ring = now.polygons[0][0];
  const other = (next) => ({ ...now, polygons: [[next]] });
  assert.equal(turned.isTurned(other(ring.map(Math.round))), true);
  assert.equal(turned.isTurned(other(ring.with(2, ring[2] + 9))), false);
  assert.equal(turned.canTurn(other(ring.with(2, ring[2] + 9))), false);
});

test("a turned box is drawn by one side and a click on either side of it; Esc and a click in place forget it", async () => {
  for (const at of [
    [50, 70],
    [50, 40],
  ]) {
    const c = await canvasWithTools([]);
    c.tools.use("draw_turned");
    c.hand.click(20, 20);
    assert.equal(c.tools.current.isBusy, false);
    c.hand.drag([30, 50], [60, 50]);
    assert.equal(c.tools.cancel(), true);
    c.hand.drag([30, 35], [60, 65]);
    c.hand.move(...at);
    c.hand.click(...at);
    const [drawn] = c.rows(),
      frame = turned.frameOf(drawn);
    assert.equal(drawn.attributes.rotation, 45);
    near([frame.w, frame.h], [Math.hypot(30, 30), Math.abs(at[1] - (at[0] + 5)) / Math.SQRT2]);
    assert.equal(frame.y - frame.x > 5, at[1] > 55); // the line of the side is y = x + 5
    c.store.undo();
    assert.equal(c.rows().length, 0);
  }
});
