import test from "node:test";
import assert from "node:assert/strict";
import { canvasWithTools, row, until } from "./parts.mjs";

const A = row("a", [10, 10, 30, 30]),
  B = row("b", [50, 10, 70, 30]),
  INNER = row("inner", [14, 14, 20, 20]);
const POLYGON = row("p", [10, 10, 50, 50], { polygons: [[[10, 10, 50, 10, 50, 50, 10, 50]]] });
const boxOf = (c, id) => c.store.rows.get(id)?.xyxy;
const ids = (c) => [...c.selection.ids];

/** A canvas with a tool in hand. */
async function holding(tool, annotations = [], server = {}) {
  const c = await canvasWithTools(annotations, server);
  c.tools.use(tool);
  return c;
}

test("a click selects the smallest box there, Shift adds and takes away, a click beside clears", async () => {
  const c = await holding("select", [A, B, INNER]);
  c.hand.click(16, 16);
  assert.deepEqual(ids(c), ["inner"]);
  c.hand.click(60, 20, { shift: true });
  assert.deepEqual(ids(c), ["inner", "b"]);
  c.hand.click(16, 16, { shift: true });
  assert.deepEqual(ids(c), ["b"]);
  c.hand.click(90, 70);
  assert.deepEqual(ids(c), []);
});

test("a click on one of several narrows to it; a drag from it moves them all", async () => {
  const c = await holding("select", [A, B]);
  c.selection.set(["a", "b"]);
  c.hand.drag([20, 20], [25, 22]);
  assert.deepEqual(
    [boxOf(c, "a"), boxOf(c, "b")],
    [
      [15, 12, 35, 32],
      [55, 12, 75, 32],
    ],
  );
  assert.equal(c.store.nextUndo, "Move 2 boxes");
  assert.deepEqual(ids(c), ["a", "b"]);
  c.hand.click(20, 20);
  assert.deepEqual(ids(c), ["a"]);
});

test("a frame selects what it meets, with Shift beside what is selected already", async () => {
  const c = await holding("select", [A, B]);
  c.hand.drag([5, 5], [12, 12]);
  assert.deepEqual(ids(c), ["a"]);
  c.hand.drag([80, 5], [65, 15], { shift: true });
  assert.deepEqual(ids(c), ["a", "b"]);
  c.hand.drag([90, 70], [95, 75]);
  assert.deepEqual(ids(c), []);
});

test("a hand that trembles does not move a box, and a drag back to its start is no step", async () => {
  const c = await holding("select", [A]);
  c.hand.drag([20, 20], [22, 21]);
  assert.equal(c.store.canUndo, false);
  c.hand.down(20, 20);
  c.hand.move(60, 60);
  c.hand.move(20, 20);
  c.hand.up(20, 20);
  assert.equal(c.store.canUndo, false);
  assert.deepEqual(c.stage.moved, []);
});

test("boxes stop at the border of the image, several as one", async () => {
  const c = await holding("select", [A, B]);
  c.selection.set(["a", "b"]);
  c.hand.drag([20, 20], [220, -100]);
  assert.deepEqual(
    [boxOf(c, "a"), boxOf(c, "b")],
    [
      [40, 0, 60, 20],
      [80, 0, 100, 20],
    ],
  );
});

test("a corner of the only selected box resizes it, beyond the other corner it turns over", async () => {
  const c = await holding("select", [A]);
  c.selection.set(["a"]);
  assert.equal(c.tools.current.cursor(c.hand.at(30, 30)), "nwse-resize");
  c.hand.drag([30, 30], [40, 45]);
  assert.deepEqual(boxOf(c, "a"), [10, 10, 40, 45]);
  c.hand.drag([40, 45], [5, 2]);
  assert.deepEqual(boxOf(c, "a"), [5, 2, 10, 10]);
  assert.equal(c.store.nextUndo, "Resize box");
});

test("Esc during a drag leaves the box where it was, and its release changes nothing", async () => {
  const c = await holding("select", [A]);
  c.hand.down(20, 20);
  c.hand.move(60, 60);
  assert.equal(c.tools.current.isBusy, true);
  assert.equal(c.tools.cancel(), true);
  c.hand.up(60, 60);
  assert.deepEqual(c.rows(), [A]);
  assert.deepEqual(c.stage.moved, []);
  assert.equal(c.tools.cancel(), false);
});

test("what is deleted or changed elsewhere during a drag is not written back", async () => {
  const c = await holding("select", [A, B]);
  c.selection.set(["a", "b"]);
  c.hand.down(20, 20);
  c.hand.move(30, 30);
  c.store.commit("Class", [{ op: "set", id: "a", changes: { class_id: 8 } }]);
  c.store.commit("Delete", [{ op: "delete", id: "b" }]);
  c.hand.up(30, 30);
  assert.deepEqual(c.rows(), [{ ...A, class_id: 8 }]);
});

test("a hidden class has no handles", async () => {
  const c = await holding("select", [A]);
  c.selection.set(["a"]);
  c.classes.toggleHidden(3);
  assert.equal(c.tools.current.cursor(c.hand.at(30, 30)), "default");
});

test("a double click on a polygon edits its points; slower clicks, other things and boxes do not", async () => {
  const c = await holding("select", [POLYGON, B]);
  const times = (x, y, ...list) => list.forEach((time) => c.hand.click(x, y, { time }));
  times(20, 40, 1000, 1500);
  times(60, 20, 2000, 2100);
  times(20, 40, 2200);
  assert.equal(c.tools.current.id, "select");
  times(20, 40, 2300);
  assert.equal(c.tools.current.id, "edit_polygon");
});

test("a drag draws exactly that box, cut to the image; a click selects; a sliver is nothing", async () => {
  const c = await holding("draw_box", [A]);
  c.hand.drag([60, 40], [130, 20]);
  const made = c.rows()[1];
  assert.deepEqual([made.xyxy, made.class_id, made.source, made.status], [[60, 20, 100, 40], 3, "human", "accepted"]);
  assert.deepEqual(ids(c), [made.id]);
  c.hand.drag([50, 60], [51, 75]);
  c.hand.drag([-30, 5], [-10, 70]);
  assert.equal(c.rows().length, 2);
  c.hand.click(20, 20);
  assert.deepEqual(ids(c), ["a"]);
  assert.equal(c.rows().length, 2);
});

test("without classes a drawn box is refused, and says why", async () => {
  const c = await holding("draw_box");
  c.classes.load([]);
  c.hand.drag([10, 10], [40, 40]);
  assert.equal(c.rows().length, 0);
  assert.match(c.told[0], /Add a class first/);
});

test("Ctrl lends the select tool for one drag, also when it is let go before the button", async () => {
  const c = await holding("draw_box", [A]);
  c.hand.down(20, 20, { ctrl: true });
  c.hand.move(30, 25, { ctrl: true });
  c.hand.up(30, 25);
  assert.deepEqual(c.rows(), [{ ...A, xyxy: [20, 15, 40, 35] }]);
  c.selection.clear();
  c.hand.drag([60, 60], [80, 75]);
  assert.equal(c.rows().length, 2);
});

test("examples are drawn or clicked, taken back by a click, and with Alt are not meant", async () => {
  const c = await holding("select", [A]);
  c.selection.set(["a"]);
  c.tools.use("exemplar");
  assert.deepEqual(c.finds.exemplars, [{ xyxy: A.xyxy, positive: true }]); // what was selected
  c.hand.drag([60, 40], [80, 60], { alt: true });
  assert.deepEqual(c.finds.exemplars[1], { xyxy: [60, 40, 80, 60], positive: false });
  c.hand.click(70, 50);
  c.hand.click(20, 20);
  assert.deepEqual(c.finds.exemplars, []);
  c.hand.click(20, 20, { alt: true });
  assert.deepEqual(c.finds.exemplars, [{ xyxy: A.xyxy, positive: false }]);
  assert.deepEqual(c.rows(), [A]);
});

const PHRASES = [
  { phrase: "car", candidates: [0, 1, 2].map((i) => ({ xyxy: [10 + 30 * i, 10, 30 + 30 * i, 30], confidence: 0.9 })) },
];
const FINDING = { models_list: () => [], find: () => ({ finder: "sam", phrases: PHRASES }) };

test("what is found is looked through in a borrowed tool, which goes when it is settled", async () => {
  const c = await holding("draw_box", [], FINDING);
  await c.finds.byPhrases("car");
  assert.equal(c.tools.current.id, "review");
  c.hand.move(20, 20);
  assert.equal(c.tools.current.cursor(), "pointer");
  c.hand.click(20, 20);
  c.hand.click(50, 20, { alt: true });
  await until(() => c.rows().length === 1);
  assert.deepEqual([c.rows().length, c.finds.total, c.tools.current.id], [1, 1, "review"]);
  c.hand.drag([60, 5], [95, 40]);
  await until(() => c.rows().length === 2);
  assert.deepEqual(
    c.rows().map((one) => one.xyxy),
    [
      [10, 10, 30, 30],
      [70, 10, 90, 30],
    ],
  );
  assert.equal(c.tools.current.id, "draw_box");
});

test("a tool chosen during a review is kept when the review ends", async () => {
  const c = await holding("draw_box", [], FINDING);
  await c.finds.byPhrases("car");
  c.tools.use("point");
  c.finds.drop();
  assert.equal(c.tools.current.id, "point");
});

test("Enter takes the proposal that lies on top; another image drops them all", async () => {
  const c = await holding("select", [POLYGON], FINDING);
  assert.equal(c.proposals.current, null);
  await c.finds.byPhrases("car");
  assert.equal(c.proposals.current, c.finds);
  c.preview.open([{ row: POLYGON, changes: { xyxy: [11, 11, 49, 49] } }], (n) => `Tweak ${n} boxes`);
  assert.equal(c.proposals.current, c.preview);
  c.simplify.open([POLYGON]);
  assert.equal(c.proposals.current, c.simplify);
  assert.deepEqual([c.proposals.scene().found.length, c.proposals.scene().simplified], [3, true]);
  c.proposals.reset();
  assert.equal(c.proposals.current, null);
  assert.deepEqual(c.stage.moved, []);
  assert.equal(c.tools.current.id, "select");
});

test("points go on and off the object, Alt swaps, and leaving the tool drops them", async () => {
  const c = await holding("multi_point", [], {
    models_list: () => [],
    segment: () => ({ segmenter: "sam", candidates: [] }),
  });
  const tool = c.tools.current;
  c.hand.click(20, 20);
  c.hand.click(200, 20); // beside the image
  tool.setPositive(false);
  c.hand.click(30, 30, { alt: true });
  c.hand.click(40, 40);
  assert.deepEqual(
    c.assist.draft.points.map(({ positive }) => positive),
    [true, true, false],
  );
  c.tools.use("select");
  assert.deepEqual([c.assist.draft, tool.positive], [null, true]);
});

test("a click of the point tool beside the image asks nothing", async () => {
  const c = await holding("point");
  c.hand.click(-5, 20);
  c.hand.click(20, 95);
  assert.deepEqual(c.asked, []);
});
