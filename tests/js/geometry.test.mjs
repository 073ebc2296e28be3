import test from "node:test";
import assert from "node:assert/strict";
import * as views from "../../assets/canvas/drawing/view.js";
import * as geometry from "../../assets/canvas/drawing/geometry.js";
import { createIndex } from "../../assets/canvas/drawing/hit.js";
import { TURN, handleAt, handlesOf } from "../../assets/canvas/drawing/handles.js";
import { labelAt } from "../../assets/canvas/drawing/render.js";
import { doubleClick } from "../../assets/canvas/shell/dom.js";

const SIZE = { width: 100, height: 80 };
const near = (a, b, within = 1e-6) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) <= within, `${a} is not ${b}`));

/** Seeded numbers from 0 to 1. */
function chance(seed = 3) {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}

test("any walk of pans and zooms keeps its limits, and both ways of the transform agree", () => {
  const random = chance(),
    screen = { width: 800, height: 600 };
  let v = views.fit(SIZE, screen);
  for (let i = 0; i < 500; i++) {
    const at = [random() * 800, random() * 600];
    v = views.zoomAt(v, at, Math.exp(random() * 4 - 2));
    v = views.keepInSight(views.panBy(v, random() * 900 - 450, random() * 900 - 450), SIZE, screen);
    assert.ok(v.zoom >= views.MIN_ZOOM && v.zoom <= views.MAX_ZOOM);
    near(views.toScreen(v, views.toImage(v, at)), at);
    const [x1, y1, x2, y2] = views.boxToScreen(v, [0, 0, SIZE.width, SIZE.height]);
    assert.ok(x2 >= 47.99 && y2 >= 47.99 && x1 <= 752.01 && y1 <= 552.01);
    near(views.boxToScreen(v, views.visibleBox(v, screen)), [0, 0, 800, 600], 1e-3);
  }
});

test("a zoom in and the same zoom out are the view before", () => {
  const v = { zoom: 2, x: 30, y: -40 };
  const back = views.zoomAt(views.zoomAt(v, [100, 50], 3), [100, 50], 1 / 3);
  near([back.zoom, back.x, back.y], [v.zoom, v.x, v.y]);
  const wheel = (deltaY) => views.wheelFactor({ deltaY });
  assert.ok(Math.abs(wheel(120) * wheel(-120) - 1) < 1e-12);
  assert.equal(wheel(1e9), wheel(400)); // a free-spinning wheel
});

test("images of any shape fit on any screen, boxes of no size can be gone to", () => {
  for (const image of [SIZE, { width: 1, height: 1 }, { width: 30000, height: 2 }])
    for (const screen of [
      { width: 800, height: 600 },
      { width: 3, height: 3 },
    ]) {
      const v = views.fit(image, screen);
      assert.ok(v.zoom >= views.MIN_ZOOM && v.zoom <= views.MAX_ZOOM);
      near(views.toScreen(v, [image.width / 2, image.height / 2]), [screen.width / 2, screen.height / 2]);
    }
  const v = views.around([20, 30, 20, 30], { width: 800, height: 600 });
  assert.equal(v.zoom, views.MAX_ZOOM);
  near(views.toScreen(v, [20, 30]), [400, 300]);
});

test("a resized box is never turned inside out, too thin, or outside the image", () => {
  const random = chance(9),
    at = () => [random() * 140 - 20, random() * 120 - 20];
  for (let i = 0; i < 2000; i++) {
    const box = geometry.clipBox(geometry.rect(at(), at()), SIZE);
    if (!box) continue;
    const handle = geometry.HANDLES[i % 8],
      [x1, y1, x2, y2] = geometry.resizeBox(box, handle, at(), SIZE);
    assert.ok(x2 - x1 > geometry.MIN_SIDE - 0.02 && y2 - y1 > geometry.MIN_SIDE - 0.02);
    assert.ok(x1 >= 0 && y1 >= 0 && x2 <= SIZE.width && y2 <= SIZE.height, `${[x1, y1, x2, y2]}`);
    if (handle[0] === 0.5) assert.deepEqual([x1, x2], [box[0], box[2]]);
    if (handle[1] === 0.5) assert.deepEqual([y1, y2], [box[1], box[3]]);
  }
});

test("a box at the border that is squeezed flat keeps its least side inside the image", () => {
  assert.deepEqual(geometry.resizeBox([90, 10, 100, 30], [0, 0.5], [100, 20], SIZE), [98, 10, 100, 30]);
  assert.deepEqual(geometry.resizeBox([10, 70, 30, 80], [0.5, 0], [20, 200], SIZE), [10, 78, 30, 80]);
  assert.deepEqual(geometry.resizeBox([0, 10, 10, 30], [1, 0.5], [-5, 20], SIZE), [0, 10, 2, 30]);
});

test("a limited shift keeps every box inside, and is the whole shift where there is room", () => {
  const random = chance(4);
  for (let i = 0; i < 300; i++) {
    const boxes = [0, 1].map(() => {
      const [x, y] = [random() * 80, random() * 60];
      return [x, y, x + 2 + random() * 17, y + 2 + random() * 17];
    });
    const by = [random() * 300 - 150, random() * 300 - 150],
      limited = geometry.limitShift(boxes, by, SIZE);
    for (const box of boxes) {
      const [x1, y1, x2, y2] = geometry.shifted(box, limited);
      assert.ok(x1 >= -1e-9 && y1 >= -1e-9 && x2 <= SIZE.width + 1e-9 && y2 <= SIZE.height + 1e-9);
    }
    assert.ok(Math.abs(limited[0]) <= Math.abs(by[0]) && limited[0] * by[0] >= 0);
    assert.deepEqual(geometry.limitShift(boxes, limited, SIZE), limited);
  }
});

test("outlines that lie on a line, or in a point, can be moved", () => {
  for (const ring of [
    [10, 10, 10, 20, 10, 30],
    [5, 5, 5, 5, 5, 5],
  ]) {
    const held = { xyxy: geometry.ringsBounds([ring]), polygons: [[ring]] };
    const { xyxy, polygons } = geometry.boxChanges(held, geometry.shifted(held.xyxy, [3, 4]));
    assert.deepEqual(
      polygons[0][0],
      ring.map((v, i) => v + (i % 2 ? 4 : 3)),
    );
    assert.deepEqual(xyxy, geometry.shifted(held.xyxy, [3, 4]));
  }
});

test("polygons moved to another box and back are where they were", () => {
  const from = [10, 10, 50, 50],
    polygons = [
      [
        [10, 10, 50, 14, 31.25, 50],
        [20, 20, 24, 20, 22, 26],
      ],
      [[40, 40, 50, 40, 50, 50]],
    ];
  for (const to of [
    [0, 0, 40, 40],
    [5, 30, 95, 70],
  ])
    near(geometry.fitPolygons(geometry.fitPolygons(polygons, from, to), to, from).flat(2), polygons.flat(2), 0.02);
});

test("bounds are around everything, and null around nothing", () => {
  assert.equal(geometry.bounds([]), null);
  assert.equal(geometry.ringsBounds([]), null);
  assert.deepEqual(
    geometry.bounds([
      [5, 6, 7, 8],
      [1, 7, 2, 20],
    ]),
    [1, 6, 7, 20],
  );
  assert.deepEqual(
    geometry.ringsBounds([
      [3, 4],
      [1, 9],
    ]),
    [1, 4, 3, 9],
  );
});

test("boxes that only touch do not meet; a clipped box clipped again is the same", () => {
  assert.equal(geometry.meets([0, 0, 10, 10], [10, 0, 20, 10]), false);
  assert.equal(geometry.meets([0, 0, 10, 10], [9.99, 0, 20, 10]), true);
  const once = geometry.clipBox([-3, 70.127, 55.555, 99], SIZE);
  assert.deepEqual(geometry.clipBox(once, SIZE), once);
});

test("an index over no boxes finds none; what is refused gives way to what lies below", () => {
  const none = createIndex([]);
  assert.equal(none.at([5, 5]), null);
  assert.deepEqual(none.inside([0, 0, 1e4, 1e4]), []);
  const [large, small] = [
    [0, 0, 5000, 5000],
    [10, 10, 20, 20],
  ].map((xyxy, i) => ({ id: i, xyxy }));
  const index = createIndex([large, small]);
  assert.equal(index.at([15, 15]), small);
  assert.equal(
    index.at([15, 15], (row) => row !== small),
    large,
  );
  assert.equal(index.at([10, 10]), small); // on its corner
  assert.equal(index.at([-1, -1]), null);
  assert.deepEqual(
    index.inside([18, 18, 30, 30], (row) => row !== large),
    [small],
  );
});

test("a point in a polygon's hole hits what lies behind the hole", () => {
  const ring = {
      id: "ring",
      xyxy: [0, 0, 30, 30],
      polygons: [
        [
          [0, 0, 30, 0, 30, 30, 0, 30],
          [10, 10, 10, 20, 20, 20, 20, 10],
        ],
      ],
    },
    behind = { id: "behind", xyxy: [0, 0, 60, 60], polygons: null };
  const index = createIndex([ring, behind]);
  assert.equal(index.at([15, 15]), behind);
  assert.equal(index.at([5, 5]), ring);
});

test("each handle is found where it is shown, and only there", () => {
  for (const zoom of [0.5, 1, 8]) {
    const view = { zoom, x: 40, y: -30 },
      box = [20, 20, 120, 90];
    for (const [index, x, y] of handlesOf(view, { xyxy: box })) assert.equal(handleAt(view, { xyxy: box }, [x, y]), index);
    assert.equal(handlesOf(view, { xyxy: box }).length, 9);
    const [x1, y1, x2, y2] = views.boxToScreen(view, box);
    assert.equal(handleAt(view, { xyxy: box }, [(x1 + x2) / 2, (y1 + y2) / 2]), -1);
    assert.equal(handleAt(view, { xyxy: box }, [x1 - 8, y1]), -1);
  }
});

test("short sides show no handle in their middle, a dot of a box only its corners and what turns it", () => {
  const shown = (box) => handlesOf({ zoom: 1, x: 0, y: 0 }, { xyxy: box }).map(([index]) => index);
  assert.deepEqual(shown([0, 0, 27, 100]), [0, 2, 3, 4, 6, 7, TURN]);
  assert.deepEqual(shown([0, 0, 100, 27]), [0, 1, 2, 4, 5, 6, TURN]);
  assert.deepEqual(shown([5, 5, 5, 5]), [0, 2, 4, 6, TURN]);
});

test("a name stands at a box's corner, at a polygon's highest point", () => {
  assert.deepEqual(labelAt({ xyxy: [3, 4, 9, 9], polygons: null }).slice(0, 2), [3, 4]);
  const polygons = [[[3, 9, 9, 9, 6, 5]], [[20, 8, 30, 4, 25, 9]]];
  assert.deepEqual(labelAt({ xyxy: [3, 4, 30, 9], polygons }), [30, 4]);
});

test("two quick clicks on the same thing are a double click, a third begins anew", () => {
  const twice = doubleClick();
  const clicks = [
    ["a", 0],
    ["a", 100],
    ["a", 200],
    ["a", 300],
    ["b", 350],
    ["a", 380],
    ["a", 900],
    ["a", 1299],
    ["b", 1300],
  ];
  assert.deepEqual(
    clicks.map(([id, at]) => twice(id, at)),
    [false, true, false, true, false, false, false, true, false],
  );
});

test("key points go where their box goes, and what is not labelled stays as it is", () => {
  const attributes = { occluded: true, keypoints: [[10, 20, 2], [0, 0, 0], [30, 40, 1]] };
  const row = { xyxy: [10, 20, 30, 40], polygons: null, attributes };
  const changes = geometry.boxChanges(row, [20, 20, 60, 80]);
  assert.deepEqual(changes, {
    xyxy: [20, 20, 60, 80],
    attributes: { occluded: true, keypoints: [[20, 20, 2], [0, 0, 0], [60, 80, 1]] },
  });
  assert.deepEqual(geometry.boxChanges({ ...row, attributes: { occluded: true } }, [1, 2, 3, 4]), { xyxy: [1, 2, 3, 4] });
});
