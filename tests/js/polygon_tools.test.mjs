import test from "node:test";
import assert from "node:assert/strict";
import { canvasWithTools, row, SIZE } from "./parts.mjs";

const A = row("a", [10, 10, 30, 30]),
  B = row("b", [50, 10, 70, 30]);
const POLYGON = row("p", [10, 10, 50, 50], { polygons: [[[10, 10, 50, 10, 50, 50, 10, 50]]] });
const ids = (c) => [...c.selection.ids];

/** A canvas with a tool in hand. */
async function holding(tool, annotations = []) {
  const c = await canvasWithTools(annotations);
  c.tools.use(tool);
  return c;
}

test("a polygon closes at its first corner, on a double click and by Enter", async () => {
  const c = await holding("draw_polygon");
  const corners = () =>
    [
      [20, 20],
      [60, 20],
      [60, 60],
    ].forEach(([x, y]) => c.hand.click(x, y));
  for (const end of [() => c.hand.click(24, 22), () => c.hand.click(60, 60), () => c.tools.current.close()]) {
    corners();
    end();
    assert.equal(c.tools.current.isBusy, false);
    assert.deepEqual(c.rows().at(-1).polygons, [[[20, 20, 60, 20, 60, 60]]]);
    assert.deepEqual(c.rows().at(-1).xyxy, [20, 20, 60, 60]);
  }
  assert.equal(c.rows().length, 3);
});

test("two corners do not close; corners are taken back one by one and stay in the image", async () => {
  const c = await holding("draw_polygon"),
    tool = c.tools.current;
  c.hand.click(20, 20);
  c.hand.click(400, 20);
  assert.equal(tool.close(), false);
  c.hand.click(400, 400);
  c.hand.click(50, 70);
  tool.dropLast();
  assert.equal(tool.close(), true);
  assert.deepEqual(c.rows()[0].polygons, [[[20, 20, SIZE.width, 20, SIZE.width, SIZE.height]]]);
  c.hand.click(20, 20);
  tool.dropLast();
  assert.equal(tool.isBusy, false);
});

test("dragging draws freely, a point every few pixels; Esc forgets the ring", async () => {
  const c = await holding("draw_polygon");
  c.hand.down(10, 10);
  for (let x = 11; x <= 70; x++) c.hand.move(x, 10);
  c.hand.up(70, 10);
  c.hand.click(70, 60);
  c.tools.current.close();
  assert.equal(c.rows()[0].polygons[0][0].length / 2, 1 + 5 + 1);
  c.hand.click(20, 20);
  assert.equal(c.tools.cancel(), true);
  assert.equal(c.tools.current.isBusy, false);
});

test("a ring begun with Alt is a hole of the selection, with Shift a further part; beside it there is no hole", async () => {
  const c = await holding("draw_polygon", [POLYGON]);
  const ring = (points, more) => {
    c.selection.set(["p"]);
    points.forEach(([x, y], i) => c.hand.click(x, y, i ? {} : more));
    c.tools.current.close();
  };
  ring(
    [
      [20, 20],
      [35, 20],
      [35, 35],
    ],
    { alt: true },
  );
  assert.deepEqual(c.rows()[0].polygons[0][1], [20, 20, 35, 20, 35, 35]);
  ring(
    [
      [70, 20],
      [90, 20],
      [90, 40],
    ],
    { shift: true },
  );
  assert.deepEqual([c.rows()[0].polygons.length, c.rows()[0].xyxy], [2, [10, 10, 90, 50]]);
  ring(
    [
      [60, 60],
      [80, 60],
      [80, 75],
    ],
    { alt: true },
  );
  assert.equal(c.told.length, 1);
  assert.deepEqual([c.rows().length, c.rows()[0].polygons[0].length], [1, 2]);
});

test("a box takes a hole too, as the polygon of its corners", async () => {
  const c = await holding("draw_polygon", [A]);
  c.selection.set(["a"]);
  [
    [14, 14],
    [26, 14],
    [26, 26],
  ].forEach(([x, y], i) => c.hand.click(x, y, i ? {} : { alt: true }));
  c.tools.current.close();
  assert.deepEqual([c.rows()[0].polygons[0].length, c.rows()[0].xyxy], [2, A.xyxy]);
});

test("a point is dragged, an edge gives a new one, and each is a step that undo takes back", async () => {
  const c = await holding("edit_polygon", [POLYGON]);
  c.selection.set(["p"]);
  c.hand.drag([50, 50], [60, 58]);
  assert.deepEqual(c.rows()[0].polygons, [[[10, 10, 50, 10, 60, 58, 10, 50]]]);
  assert.deepEqual(c.rows()[0].xyxy, [10, 10, 60, 58]);
  c.hand.click(29, 12);
  assert.deepEqual(c.rows()[0].polygons[0][0].slice(0, 6), [10, 10, 30, 10, 50, 10]); // its middle
  assert.equal(c.store.nextUndo, "Add point");
  c.store.undo();
  c.store.undo();
  assert.deepEqual(c.rows(), [POLYGON]);
});

test("points stay inside the image, and Esc during a drag puts them back", async () => {
  const c = await holding("edit_polygon", [POLYGON]);
  c.selection.set(["p"]);
  c.hand.drag([10, 10], [-40, -40]);
  assert.deepEqual(c.rows()[0].polygons[0][0].slice(0, 2), [0, 0]);
  const before = c.rows();
  c.hand.down(50, 50);
  c.hand.move(70, 70);
  assert.equal(c.tools.cancel(), true);
  c.hand.up(70, 70);
  assert.deepEqual(c.rows(), before);
});

test("Alt click removes a point, Delete the one that was picked; of three none goes", async () => {
  const c = await holding("edit_polygon", [POLYGON]),
    tool = c.tools.current;
  c.selection.set(["p"]);
  assert.equal(tool.hasPoint, false);
  c.hand.click(50, 50);
  assert.equal(tool.hasPoint, true);
  tool.removePoint();
  assert.deepEqual(c.rows()[0].polygons, [[[10, 10, 50, 10, 10, 50]]]);
  assert.equal(tool.hasPoint, false);
  c.hand.click(50, 10, { alt: true });
  assert.equal(c.rows()[0].polygons[0][0].length, 6);
  assert.match(c.told[0], /at least three points/);
});

test("a picked point is forgotten once the polygon is another one", async () => {
  const c = await holding("edit_polygon", [POLYGON, B]);
  c.selection.set(["p"]);
  c.hand.click(50, 50);
  c.store.commit("Class", [{ op: "set", id: "p", changes: { class_id: 8 } }]);
  assert.equal(c.tools.current.hasPoint, false);
});

test("where no point is, editing moves the polygon or selects another annotation", async () => {
  const c = await holding("edit_polygon", [POLYGON, B]);
  c.selection.set(["p"]);
  c.hand.drag([30, 30], [35, 32]);
  assert.deepEqual(c.rows().find(({ id }) => id === "p").polygons, [[[15, 12, 55, 12, 55, 52, 15, 52]]]);
  c.hand.click(65, 25);
  assert.deepEqual(ids(c), ["b"]);
});
