import test from "node:test";
import assert from "node:assert/strict";
import { fit, toImage, toScreen, zoomAt, keepInSight, wheelFactor } from "../../assets/canvas/drawing/view.js";
import { clipBox, fitPolygons, limitShift, resizeBox, boxChanges } from "../../assets/canvas/drawing/geometry.js";
import { createIndex } from "../../assets/canvas/drawing/hit.js";
import { isLight } from "../../assets/canvas/drawing/chips.js";

const near = (a, b, within = 1e-9) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < within, `${a} is not ${b}`));

test("screen and image coordinates invert each other at any zoom", () => {
  let v = fit({ width: 640, height: 480 }, { width: 1000, height: 500 });
  for (const factor of [3, 0.2, 11]) {
    v = zoomAt(v, [300, 200], factor);
    near(toImage(v, toScreen(v, [123.25, 77.5])), [123.25, 77.5]);
  }
});

test("the point under the cursor stays still while zooming, also at the limits", () => {
  const v = fit({ width: 640, height: 480 }, { width: 1000, height: 500 });
  for (const factor of [1.3, 1e9, 1e-9])
    near(toImage(zoomAt(v, [410, 95], factor), [410, 95]), toImage(v, [410, 95]), 1e-6);
});

test("a fitted image is centred and whole on screen", () => {
  const v = fit({ width: 100, height: 400 }, { width: 900, height: 500 });
  const [x1, y1] = toScreen(v, [0, 0]),
    [x2, y2] = toScreen(v, [100, 400]);
  assert.ok(x1 >= 0 && y1 >= 0 && x2 <= 900 && y2 <= 500);
  near([x1 + x2, y1 + y2], [900, 500]);
});

test("panning cannot lose the image", () => {
  const image = { width: 100, height: 100 },
    screen = { width: 500, height: 400 };
  for (const x of [-1e6, 1e6]) {
    const v = keepInSight({ zoom: 2, x, y: x }, image, screen);
    assert.ok(v.x + 200 >= 48 && v.x <= 452 && v.y + 200 >= 48 && v.y <= 352);
  }
});

test("wheel lines count as several pixels and pinches are stronger", () => {
  assert.ok(wheelFactor({ deltaY: 3, deltaMode: 1 }) < wheelFactor({ deltaY: 3 }));
  assert.ok(wheelFactor({ deltaY: -10, ctrlKey: true }) > wheelFactor({ deltaY: -10 }));
});

test("boxes are cut to the image, and slivers are refused", () => {
  const size = { width: 100, height: 50 };
  assert.deepEqual(clipBox([-10, 5.126, 120, 60], size), [0, 5.13, 100, 50]);
  assert.equal(clipBox([10, 10, 11, 40], size), null);
});

test("a group stops at the image border as one", () => {
  assert.deepEqual(
    limitShift(
      [
        [5, 5, 20, 20],
        [50, 5, 90, 20],
      ],
      [30, -30],
      { width: 100, height: 50 },
    ),
    [10, -5],
  );
});

test("resizing past the other side turns the box over and keeps a least size", () => {
  const size = { width: 100, height: 100 };
  assert.deepEqual(resizeBox([10, 10, 30, 30], [0, 0.5], [50, 0], size), [30, 10, 50, 30]);
  assert.deepEqual(resizeBox([10, 10, 30, 30], [1, 1], [10, 200], size), [10, 10, 12, 100]);
});

test("polygons follow their box", () => {
  assert.deepEqual(fitPolygons([[[0, 0, 10, 0, 10, 10]]], [0, 0, 10, 10], [5, 5, 25, 10]), [[[5, 5, 25, 5, 25, 10]]]);
  assert.deepEqual(boxChanges({ xyxy: [0, 0, 1, 1], polygons: null }, [1, 1, 2.004, 2]), { xyxy: [1, 1, 2, 2] });
});

test("a hit is the smallest visible box, as a plain search finds it", () => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const rows = Array.from({ length: 800 }, (_, i) => {
    const [x, y, w, h] = [random() * 4000, random() * 3000, 5 + random() * (i % 40 ? 90 : 3500), 5 + random() * 90];
    return { id: String(i), xyxy: [x, y, x + w, y + h] };
  });
  const index = createIndex(rows),
    area = ([a, b, c, d]) => (c - a) * (d - b);
  let hits = 0;
  for (let i = 0; i < 500; i++) {
    const [x, y] = [random() * 4000, random() * 3000];
    const plain =
      rows
        .filter((r) => x >= r.xyxy[0] && x <= r.xyxy[2] && y >= r.xyxy[1] && y <= r.xyxy[3])
        .sort((a, b) => area(a.xyxy) - area(b.xyxy))[0] ?? null;
    assert.equal(index.at([x, y]), plain);
    hits += plain !== null;
  }
  assert.ok(hits > 50);
  const frame = [500, 500, 1500, 1200];
  const inside = rows.filter(({ xyxy: b }) => b[0] < frame[2] && b[2] > frame[0] && b[1] < frame[3] && b[3] > frame[1]);
  assert.deepEqual(new Set(index.inside(frame)), new Set(inside));
});

test("name plates choose readable text", () => {
  assert.equal(isLight("#ffee00"), true);
  assert.equal(isLight("#1a2b6c"), false);
});
