import test from "node:test";
import assert from "node:assert/strict";
import { canvasWithTools, opened, row } from "./parts.mjs";

const A = row("a", [10, 10, 30, 30]),
  B = row("b", [50, 10, 70, 30]);
const boxOf = (c, id) => c.store.rows.get(id)?.xyxy;

/** A canvas with a tool in hand. */
async function holding(tool, annotations = []) {
  const c = await canvasWithTools(annotations);
  c.tools.use(tool);
  return c;
}

test("nudges of the same boxes are one step, other boxes begin another", async () => {
  const c = await holding("select", [A, B]);
  const push = (...by) => c.nudges.push(c.selection.rows(), by);
  c.selection.set(["a"]);
  push(1, 0);
  push(1, 0);
  push(0, 10);
  assert.equal(c.store.canUndo, false);
  assert.deepEqual(c.stage.moved[0].xyxy, [12, 20, 32, 40]);
  c.selection.set(["a", "b"]);
  push(0, 5);
  c.nudges.flush();
  assert.deepEqual(
    [boxOf(c, "a"), boxOf(c, "b")],
    [
      [12, 25, 32, 45],
      [50, 15, 70, 35],
    ],
  );
  c.store.undo();
  assert.deepEqual([boxOf(c, "a"), c.store.nextUndo], [[12, 20, 32, 40], "Nudge box"]);
});

test("nudges stop at the border wherever the boxes before them stood, and there they are no step", async () => {
  const c = await holding("select", [A, row("edge", [80, 10, 100, 30])]);
  c.selection.set(["a"]);
  for (let i = 0; i < 4; i++) c.nudges.push(c.selection.rows(), [10, 0]);
  c.selection.set(["edge"]);
  c.nudges.push(c.selection.rows(), [10, 0]);
  assert.deepEqual(boxOf(c, "a"), [50, 10, 70, 30]);
  c.nudges.flush();
  assert.deepEqual(boxOf(c, "edge"), [80, 10, 100, 30]);
  assert.equal(c.store.nextUndo, "Nudge box");
  c.store.undo();
  assert.equal(c.store.canUndo, false);
});

test("there and back is no step; keys at rest make one by themselves", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const c = await holding("select", [A]);
  c.selection.set(["a"]);
  c.nudges.push(c.selection.rows(), [1, 0]);
  c.nudges.push(c.selection.rows(), [-1, 0]);
  t.mock.timers.tick(400);
  assert.deepEqual([c.store.canUndo, c.nudges.isOpen], [false, false]);
  c.nudges.push([A], [1, 0]);
  t.mock.timers.tick(399);
  assert.equal(c.store.canUndo, false);
  t.mock.timers.tick(1);
  assert.deepEqual(boxOf(c, "a"), [11, 10, 31, 30]);
});

test("nudges of an image that is closed meanwhile are not made on the next", async () => {
  const c = await holding("select", [A]);
  c.selection.set(["a"]);
  c.nudges.push([A], [5, 0]);
  c.store.load(opened([row("a", [1, 1, 9, 9])], { image_id: 5 }));
  c.nudges.flush();
  assert.deepEqual(boxOf(c, "a"), [1, 1, 9, 9]);
});

test("any drag ends the nudges before it", async () => {
  const c = await holding("select", [A]);
  c.selection.set(["a"]);
  c.nudges.push([A], [5, 0]);
  c.hand.drag([20, 20], [30, 20]);
  assert.deepEqual(boxOf(c, "a"), [25, 10, 45, 30]);
});
