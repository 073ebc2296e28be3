import test from "node:test";
import assert from "node:assert/strict";
import { canvasWithTools, opened, row, until } from "./parts.mjs";
import { giveCanvases, squaresOf } from "./sheet.mjs";

giveCanvases();
const POLYGONS = [[[10, 10, 30, 10, 30, 30, 10, 30]]];
const TRACING = { mask_to_polygons: (mask) => ({ polygons: squaresOf(mask) }) };

/** A canvas with the brush in hand, whose strokes are awaited. */
async function painting(annotations = [], server = TRACING, tool = "brush") {
  const c = await canvasWithTools(annotations, server);
  c.tools.use(tool);
  c.settings.set("brush", 4);
  const done = () => until(() => c.strokes.size === 0);
  return {
    ...c,
    done,
    async paint(from, to, more) {
      c.hand.drag(from, to, more);
      await done();
    },
  };
}
const countOf = ({ polygons }) => polygons.length; // squares of one pixel

test("a stroke makes an annotation of the current class, and the next one paints on it", async () => {
  const c = await painting();
  await c.paint([20, 20], [40, 20]);
  const [first] = c.rows();
  assert.deepEqual([first.class_id, first.source, first.xyxy], [3, "human", [16, 16, 44, 24]]);
  assert.deepEqual([...c.selection.ids], [first.id]);
  await c.paint([40, 20], [40, 50]);
  const [grown] = c.rows();
  assert.deepEqual([c.rows().length, grown.id, grown.xyxy], [1, first.id, [16, 16, 44, 54]]);
  c.store.undo();
  assert.deepEqual(c.rows(), [first]);
});

test("strokes quicker than the server land on what the first of them made, each a step", async () => {
  const c = await painting();
  c.hand.drag([20, 20], [30, 20]);
  c.hand.drag([30, 20], [60, 20]);
  c.hand.drag([60, 20], [60, 40]);
  assert.equal(c.strokes.size, 3);
  await c.done();
  assert.equal(c.rows().length, 1);
  assert.deepEqual(c.rows()[0].xyxy, [16, 16, 64, 44]);
  for (const label of ["Paint", "Paint", "Paint mask"]) {
    assert.equal(c.store.nextUndo, label);
    c.store.undo();
  }
  assert.equal(c.rows().length, 0);
});

test("a stroke beside the image leaves the selected box alone", async () => {
  const box = row("a", [50, 50, 60, 60]);
  const c = await painting([box]);
  c.selection.set(["a"]);
  await c.paint([-30, 20], [-20, 20]);
  assert.deepEqual(c.rows(), [box]);
  assert.equal(c.store.canUndo, false);
});

test("the eraser takes off, and takes all of it when nothing is left", async () => {
  const c = await painting([row("a", [10, 10, 30, 30], { polygons: POLYGONS })], TRACING, "eraser");
  await c.paint([20, 20], [20, 20.5]); // it is selected by being under the eraser
  assert.deepEqual([...c.selection.ids], ["a"]);
  const [holed] = c.rows();
  assert.ok(countOf(holed) < 400 && countOf(holed) > 300);
  c.settings.set("brush", 40);
  await c.paint([20, 20], [21, 20]);
  assert.equal(c.rows().length, 0);
  assert.equal(c.store.nextUndo, "Erase all of it");
  c.store.undo();
  assert.deepEqual(c.rows(), [holed]);
});

test("erasing from a box begins with the whole box, painting on one replaces it", async () => {
  const box = row("a", [10, 10, 30, 30]);
  const erased = await painting([box], TRACING, "eraser");
  erased.selection.set(["a"]);
  await erased.paint([10, 10], [10, 11]);
  assert.deepEqual(erased.rows()[0].xyxy, [10, 10, 30, 30]);
  assert.ok(countOf(erased.rows()[0]) > 350);
  const painted = await painting([box]);
  painted.selection.set(["a"]);
  await painted.paint([50, 50], [50, 51]);
  assert.deepEqual(painted.rows()[0].xyxy, [46, 46, 54, 55]);
});

test("Alt swaps brush and eraser", async () => {
  const c = await painting([row("a", [10, 10, 30, 30], { polygons: POLYGONS })]);
  c.selection.set(["a"]);
  await c.paint([20, 20], [21, 20], { alt: true });
  assert.equal(c.store.nextUndo, "Erase");
  c.tools.use("eraser");
  await c.paint([20, 20], [21, 20], { alt: true });
  assert.equal(c.store.nextUndo, "Paint");
  assert.equal(countOf(c.rows()[0]), 400);
});

test("nothing under the eraser is said, and asks nothing", async () => {
  const c = await painting([row("a")], TRACING, "eraser");
  await c.paint([70, 70], [75, 75]);
  assert.deepEqual(c.told, ["Select what to erase from."]);
  assert.deepEqual(c.asked, []);
  assert.equal(c.store.canUndo, false);
});

test("without a class nothing is painted, and why is said", async () => {
  const c = await painting();
  c.classes.load([]);
  await c.paint([20, 20], [40, 20]);
  assert.equal(c.rows().length, 0);
  assert.equal(c.told.length, 1);
  assert.match(c.told[0], /Add a class first/);
});

test("a stroke of an image that is closed by its turn changes neither image", async () => {
  let give;
  const answer = new Promise((done) => (give = done));
  const c = await painting([], { mask_to_polygons: (mask) => answer.then(() => ({ polygons: squaresOf(mask) })) });
  c.hand.drag([20, 20], [40, 20]);
  c.hand.drag([40, 20], [60, 20]);
  await until(() => c.asked.length === 1);
  c.store.load(opened([row("other")], { image_id: 5 }));
  give();
  await c.done();
  assert.deepEqual(c.rows(), [row("other")]);
  assert.equal(c.asked.length, 1); // the second stroke was not even traced
});

test("what was edited while a stroke was traced stays as it was edited", async () => {
  let give;
  const answer = new Promise((done) => (give = done));
  const c = await painting([row("a", [10, 10, 30, 30], { polygons: POLYGONS })], {
    mask_to_polygons: (mask) => answer.then(() => ({ polygons: squaresOf(mask) })),
  });
  c.selection.set(["a"]);
  c.hand.drag([20, 20], [40, 20]);
  await until(() => c.asked.length === 1);
  c.store.commit("Class", [{ op: "set", id: "a", changes: { class_id: 8 } }]);
  give();
  await c.done();
  assert.deepEqual(c.rows()[0].polygons, POLYGONS);
  assert.equal(c.rows()[0].class_id, 8);
});

test("a failure is told, and the strokes after it are still made", async () => {
  let calls = 0;
  const c = await painting([], {
    mask_to_polygons(mask) {
      if ((calls += 1) === 1) throw new Error("no room");
      return { polygons: squaresOf(mask) };
    },
  });
  c.hand.drag([20, 20], [30, 20]);
  c.hand.drag([50, 50], [60, 50]);
  await c.done();
  assert.deepEqual(c.told, ["no room"]);
  assert.deepEqual(
    c.rows().map((one) => one.xyxy),
    [[46, 46, 64, 54]],
  );
});

test("Esc drops the stroke under way; the size of the brush stays between its limits", async () => {
  const c = await painting();
  c.hand.down(20, 20);
  c.hand.move(40, 20);
  assert.equal(c.tools.cancel(), true);
  c.hand.up(40, 20);
  assert.equal(c.strokes.size, 0);
  const { onWheel } = c.tools.current;
  for (let i = 0; i < 100; i++) onWheel({ deltaY: -1 });
  assert.equal(c.settings.get("brush"), 500);
  for (let i = 0; i < 100; i++) onWheel({ deltaY: 1 });
  assert.equal(c.settings.get("brush"), 1);
});
