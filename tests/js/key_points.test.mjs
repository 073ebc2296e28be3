import test from "node:test";
import assert from "node:assert/strict";
import { nextMissing, pointAt, pointChanges, pointsOf } from "../../assets/canvas/drawing/keypoints.js";
import { PERSON, edgesText, namesText, skeletonOf } from "../../assets/canvas/document/skeletons.js";
import { CLASSES, canvasWithTools, row, SIZE } from "./parts.mjs";

const NAMES = ["head", "left", "right"];
const SKELETON = { names: NAMES, edges: [[0, 1]] };
const POINTS = [
  [20, 20, 2],
  [40, 50, 1],
];

/** A canvas with the tool in hand and one object of a class with key points. */
async function holding(more = { attributes: { keypoints: POINTS, group: 2 } }, xyxy = [10, 10, 60, 60]) {
  const c = await canvasWithTools([row("a", xyxy, more)]);
  c.classes.load([{ ...CLASSES[0], skeleton: SKELETON }, CLASSES[1]]);
  c.selection.set(["a"]);
  c.tools.use("key_points");
  return c;
}
const points = (c) => c.rows()[0].attributes?.keypoints ?? [];

test("points of an object are as many as its class names; the missing ones are found in order", () => {
  const found = pointsOf({ attributes: { keypoints: POINTS } }, SKELETON);
  assert.deepEqual(found, [...POINTS, [0, 0, 0]]);
  assert.equal(nextMissing(found), 2);
  assert.equal(nextMissing(POINTS), -1);
  assert.deepEqual(pointsOf({}, null), []);
  assert.equal(pointAt(found, [41, 51], 3), 1);
  assert.equal(pointAt(found, [0, 0], 3), -1); // a missing one lies nowhere
});

test("a box around its points follows them, another grows only where a point leaves it, an outline's stays", () => {
  const change = (xyxy, at, more = {}) =>
    pointChanges(row("a", xyxy, more), POINTS, 0, [...at, 2], SIZE).xyxy ?? "stays";
  assert.deepEqual(change([20, 20, 40, 50], [30, 10]), [30, 10, 40, 50]);
  assert.equal(change([10, 10, 60, 60], [30, 30]), "stays");
  assert.deepEqual(change([10, 10, 60, 60], [5, 70]), [5, 10, 60, 70]);
  assert.equal(change([10, 10, 60, 60], [5, 70], { polygons: [[[10, 10, 60, 10, 60, 60]]] }), "stays");
});

test("a point is dragged, stays in the image, and one undo puts it back", async () => {
  const c = await holding();
  c.hand.drag([20, 20], [30, 200]);
  assert.deepEqual(points(c)[0], [30, SIZE.height, 2]);
  assert.equal(c.rows()[0].attributes.group, 2);
  c.store.undo();
  assert.deepEqual(points(c), POINTS);
});

test("clicks place the missing points in order, with Alt as hidden; Alt on one changes it", async () => {
  const c = await holding({});
  c.hand.click(20, 20);
  c.hand.click(40, 30, { alt: true });
  assert.deepEqual(points(c), [
    [20, 20, 2],
    [40, 30, 1],
    [0, 0, 0],
  ]);
  c.hand.click(20, 20, { alt: true });
  assert.equal(points(c)[0][2], 1);
  c.hand.click(25, 45);
  assert.deepEqual(points(c)[2], [25, 45, 2]);
});

test("keys pick a point, move it, hide it, take it away and place it in the middle of the box", async () => {
  const c = await holding(),
    tool = c.tools.current;
  tool.step(1); // from the missing third to the first
  tool.nudge(1, 0);
  tool.toggle();
  assert.deepEqual(points(c)[0], [21, 20, 1]);
  tool.remove();
  assert.deepEqual(points(c)[0], [0, 0, 0]);
  tool.nudge(0, 1);
  assert.deepEqual(points(c)[0], [35, 35, 2]);
  tool.step(-1);
  assert.equal(tool.isPlaced, false);
});

test("a point is placed on its object where another one lies upon it", async () => {
  const c = await holding({});
  c.store.commit("add", [{ op: "add", annotation: row("b", [30, 30, 40, 40], { class_id: 8 }) }]);
  c.hand.click(35, 35);
  assert.deepEqual(points(c)[0], [35, 35, 2]);
  assert.equal(c.selection.only().id, "a");
});

test("a click on another object selects it, and a class without key points says where to name them", async () => {
  const c = await holding({ attributes: { keypoints: [...POINTS, [30, 30, 2]] } });
  c.store.commit("add", [{ op: "add", annotation: row("b", [70, 10, 90, 30], { class_id: 8 }) }]);
  c.hand.click(80, 20);
  assert.deepEqual([...c.selection.ids], ["b"]);
  assert.match(c.told.at(-1), /traffic light has no key points yet/);
});

test("typed names and edges are the skeleton that was shown, also where a name has a dash", () => {
  for (const given of [PERSON, SKELETON, { names: ["a - b", "c"], edges: [[0, 1]] }, { names: [], edges: [] }])
    assert.deepEqual(skeletonOf(namesText(given), edgesText(given)), given);
  assert.throws(() => skeletonOf("a\nb", "a - z"), /“a - z” is no edge/);
  assert.throws(() => skeletonOf("a\na", ""), /Two key points are called a/);
});
