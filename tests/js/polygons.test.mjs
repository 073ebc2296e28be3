import test from "node:test";
import assert from "node:assert/strict";
import * as polygons from "../../assets/canvas/drawing/polygons.js";
import { boxChanges } from "../../assets/canvas/drawing/geometry.js";
import { runsOf } from "../../assets/canvas/drawing/runs.js";
import { classNamed, iou } from "../../assets/canvas/assist/finds.js";

const SIZE = { width: 100, height: 80 };
const SQUARE = [10, 10, 50, 10, 50, 50, 10, 50],
  HOLE = [20, 20, 20, 40, 40, 40, 40, 20];
const RING = [[SQUARE, HOLE]];
const TWO = [[[0, 0, 5, 0, 0, 5]], [SQUARE, HOLE]];

/** A rough circle of n points with seeded jitter. */
function blob(n, radius = 30, jitter = 1) {
  let seed = 11;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  return Array.from({ length: n }, (_, i) => (2 * Math.PI * i) / n).flatMap((a) => {
    const r = radius + jitter * (random() - 0.5);
    return [40 + r * Math.cos(a), 40 + r * Math.sin(a)];
  });
}

/** Distance of a point to a closed ring. */
function distance([x, y], ring) {
  let least = Infinity;
  for (let v = 0; v < ring.length / 2; v++) {
    const [ax, ay, bx, by] = polygons.edge(ring, v),
      length = (bx - ax) ** 2 + (by - ay) ** 2;
    const t = Math.min(Math.max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0), 1);
    least = Math.min(least, Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)));
  }
  return least;
}

test("a point is inside a polygon, not in its hole, and in any of several parts", () => {
  assert.equal(polygons.insidePolygons(RING, [15, 15]), true);
  assert.equal(polygons.insidePolygons(RING, [30, 30]), false);
  assert.equal(polygons.insidePolygons(RING, [60, 30]), false);
  assert.equal(polygons.insidePolygons(TWO, [1, 1]), true);
  const overlapping = [[SQUARE], [SQUARE]]; // parts add up, they do not cancel
  assert.equal(polygons.insidePolygons(overlapping, [30, 30]), true);
});

test("an annotation is hit by its polygons, or by its box without them", () => {
  const row = { xyxy: [10, 10, 50, 50], polygons: RING };
  assert.equal(polygons.covers(row, [30, 30]), false);
  assert.equal(polygons.covers({ ...row, polygons: null }, [30, 30]), true);
});

test("no point of a simplified ring's original lies farther than the tolerance", () => {
  for (const tolerance of [0.3, 1, 4]) {
    const ring = blob(400),
      simple = polygons.simplifyRing(ring, tolerance);
    assert.ok(simple.length < ring.length * 0.6 && simple.length >= 6, `${simple.length}`);
    for (let i = 0; i < ring.length; i += 2)
      assert.ok(distance([ring[i], ring[i + 1]], simple) <= tolerance + 1e-9, `at ${tolerance}`);
  }
});

test("simplifying keeps three points, holes and parts, and leaves exact corners alone", () => {
  assert.equal(polygons.simplifyRing(blob(50), 1e6).length, 6);
  assert.ok(polygons.ringArea(polygons.simplifyRing(blob(50), 1e6)) > 0);
  const dense = [10, 10, 30, 10, 50, 10, 50, 50, 30, 50, 10, 50, 10, 30];
  assert.deepEqual(polygons.simplifyRing(dense, 0.01), SQUARE);
  const simple = polygons.simplify(TWO, 3);
  assert.deepEqual(
    simple.map((rings) => rings.length),
    [1, 2],
  );
  assert.deepEqual(polygons.simplifyRing(dense, 0), dense);
});

test("points are found, moved, added and removed, without changing what was there", () => {
  const before = structuredClone(TWO);
  assert.deepEqual(polygons.vertexAt(TWO, [41, 39], 3), { p: 1, r: 1, v: 2 });
  assert.equal(polygons.vertexAt(TWO, [30, 30], 3), null);
  assert.deepEqual(polygons.moveVertex(TWO, { p: 1, r: 1, v: 2 }, [45, 44])[1][1], [20, 20, 20, 40, 45, 44, 40, 20]);
  const place = polygons.edgeAt(TWO, [11, 30], 3);
  assert.deepEqual(place, { p: 1, r: 0, v: 4, at: [10, 30] }); // on the edge that closes the ring
  assert.deepEqual(polygons.insertVertex(TWO, place, place.at)[1][0], [...SQUARE, 10, 30]);
  assert.deepEqual(polygons.removeVertex(TWO, { p: 1, r: 0, v: 0 })[1][0], SQUARE.slice(2));
  assert.deepEqual(TWO, before);
});

test("the last points of a ring take the hole, the part, or nothing with them", () => {
  const hole = [[SQUARE, [20, 20, 20, 40, 40, 40]]];
  assert.deepEqual(polygons.removeVertex(hole, { p: 0, r: 1, v: 1 }), [[SQUARE]]);
  assert.deepEqual(polygons.removeVertex(TWO, { p: 0, r: 0, v: 1 }), [[SQUARE, HOLE]]);
  assert.equal(polygons.removeVertex([[[0, 0, 5, 0, 0, 5]]], { p: 0, r: 0, v: 0 }), null);
});

test("the box is always the bounds of the polygons, cut to the image", () => {
  assert.deepEqual(polygons.polygonChanges([[[-5, 10.004, 120, 10, 60, 90]]], SIZE), {
    polygons: [[[0, 10, 100, 10, 60, 80]]],
    xyxy: [0, 10, 100, 80],
  });
  assert.equal(polygons.polygonChanges([[[-5, -5, -1, -1, -5, -1]]], SIZE), null);
  const row = { xyxy: [10, 10, 50, 50], polygons: RING };
  for (const box of [
    [12.345, 7.891, 52.345, 47.891],
    [1, 2, 33.33, 77.77],
  ]) {
    const changes = boxChanges(row, box);
    assert.deepEqual(changes.xyxy, polygons.polygonsBounds(changes.polygons));
    changes.xyxy.forEach((v, i) => assert.ok(Math.abs(v - box[i]) < 0.006));
  }
});

test("a hole goes into the polygon it begins in", () => {
  const inner = [21, 11, 30, 11, 30, 18];
  assert.deepEqual(polygons.withHole(TWO, inner)[1], [SQUARE, HOLE, inner]);
  assert.equal(polygons.withHole(TWO, [90, 70, 95, 70, 95, 75]), null);
  assert.equal(polygons.hasHoles(polygons.withoutHoles(TWO)), false);
});

test("run lengths go down the columns and begin with what is off", () => {
  const mask = ["..#.", ".##.", "...#"]; // 4 x 3
  const rgba = new Uint8ClampedArray(4 * 12);
  mask.forEach((line, y) => [...line].forEach((c, x) => (rgba[4 * (4 * y + x) + 3] = c === "#" ? 255 : 90)));
  const { counts, on } = runsOf(rgba, 4, 3);
  assert.deepEqual(counts, [4, 1, 1, 2, 3, 1]);
  assert.equal(on, 4);
  const decoded = counts.flatMap((n, i) => Array(n).fill(i % 2));
  assert.deepEqual(
    mask.flatMap((line, y) => [...line].map((c, x) => decoded[3 * x + y] === Number(c === "#"))),
    Array(12).fill(true),
  );
  rgba.fill(255);
  assert.deepEqual(runsOf(rgba, 4, 3).counts, [0, 12]);
});

test("a phrase names a class in the plural, with other case and separators", () => {
  const classes = [
    { class_id: 4, name: "Traffic_light" },
    { class_id: 7, name: "cars" },
  ];
  assert.equal(classNamed(classes, " traffic  lights ").class_id, 4);
  assert.equal(classNamed(classes, "car").class_id, 7);
  assert.equal(classNamed(classes, "tree"), null);
  assert.equal(iou([0, 0, 10, 10], [5, 0, 15, 10]), 50 / 150);
  assert.equal(iou([0, 0, 10, 10], [10, 0, 15, 10]), 0);
});
