import test from "node:test";
import assert from "node:assert/strict";
import { createFinds, LOWEST } from "../../assets/canvas/assist/finds.js";
import { canvas, row } from "./parts.mjs";

const one = (xyxy, confidence, polygons = null) => ({ xyxy, confidence, polygons });
const FOUND = [
  one([10, 10, 30, 30], 0.9),
  one([40, 10, 60, 30], 0.6),
  one([40, 40, 60, 70], 0.2),
  one([-10, 60, 20, 90], 0.8),
  one([99.5, 0, 120, 5], 0.9), // nothing of it is in the image
];

/** Finds on an image, with a server that finds FOUND for every phrase. */
async function finding(annotations = [], more = {}) {
  const c = await canvas(annotations, {
    find: ({ phrases = [""] }) => ({
      finder: "owl",
      phrases: phrases.map((phrase) => ({ phrase, candidates: more.found ?? FOUND })),
    }),
    classify_boxes: more.classify,
  });
  return { ...c, finds: createFinds(c) };
}

test("phrases are asked for once, down to the lowest confidence, and filtered here", async () => {
  const c = await finding();
  await c.finds.byPhrases(" car,, traffic light , car");
  const [op, args] = c.asked[0];
  assert.equal(op, "find");
  assert.deepEqual(args.phrases, ["car", "traffic light"]);
  assert.equal(args.conf, LOWEST);
  assert.equal(c.finds.total, 8);
  assert.equal(c.finds.shown().length, 6);
  c.settings.set("findConf", 0.1);
  assert.equal(c.finds.shown().length, 8);
  c.settings.set("findConf", 0.85);
  assert.equal(c.finds.shown().length, 2);
  assert.equal(c.asked.length, 1);
});

test("nothing is asked without a phrase or an example that is meant", async () => {
  const c = await finding();
  await c.finds.byPhrases(" , ");
  await c.finds.byExemplars();
  c.finds.setExemplars([{ xyxy: [0, 0, 5, 5], positive: false }]);
  await c.finds.byExemplars();
  assert.equal(c.asked.length, 0);
  assert.equal(c.told.length, 3);
});

test("examples are sent with which of them are meant", async () => {
  const c = await finding();
  c.finds.setExemplars([
    { xyxy: [0, 0, 5, 5], positive: true },
    { xyxy: [9, 9, 20, 20], positive: false },
  ]);
  await c.finds.byExemplars();
  assert.deepEqual(c.asked[0][1].exemplars, [0, 0, 5, 5, 9, 9, 20, 20]);
  assert.deepEqual(c.asked[0][1].exemplar_positive, [true, false]);
});

test("what is labelled already is not proposed; it is again once the label is deleted", async () => {
  const c = await finding([row("a", [10, 10, 30, 29])]);
  await c.finds.byPhrases("car");
  assert.equal(c.finds.labelled, 1);
  assert.equal(c.finds.shown().length, 2);
  c.store.commit("Delete", [{ op: "delete", id: "a" }]);
  assert.equal(c.finds.labelled, 0);
  assert.equal(c.finds.shown().length, 3);
});

test("it says why nothing is shown", async () => {
  const none = await finding([], { found: [] });
  await none.finds.byPhrases("car");
  assert.deepEqual(none.told, ["Nothing was found."]);
  assert.deepEqual(none.reviewing, []);
  const low = await finding([], { found: [one([0, 0, 9, 9], 0.1)] });
  await low.finds.byPhrases("car");
  assert.match(low.told[0], /none above the threshold/);
  assert.deepEqual(low.reviewing, ["begin"]);
  const known = await finding([row("a", [0, 0, 9, 9])], { found: [one([0, 0, 9, 9], 0.9)] });
  await known.finds.byPhrases("car");
  assert.match(known.told[0], /1 object is labelled already/);
});

test("all that is shown is taken in one step; what is below the threshold waits", async () => {
  const c = await finding();
  await c.finds.byPhrases("car");
  await c.finds.take();
  assert.equal(c.store.nextUndo, 'Take 3 found of "car"');
  assert.deepEqual(
    c.rows().map((r) => [r.class_id, r.source, r.status, r.confidence]),
    [0.9, 0.6, 0.8].map((confidence) => [3, "owl", "accepted", confidence]),
  );
  assert.deepEqual(c.rows()[2].xyxy, [0, 60, 20, 80]); // cut to the image
  assert.equal(c.finds.total, 1);
  assert.ok(c.finds.isOpen);
  c.store.undo();
  assert.equal(c.rows().length, 0);
});

test("a click takes the smallest candidate there, with Alt it drops it; the last one ends the review", async () => {
  const c = await finding([], { found: [one([0, 0, 50, 50], 0.9), one([10, 10, 20, 20], 0.9)] });
  await c.finds.byPhrases("car");
  const small = c.finds.at([15, 15]);
  assert.deepEqual(small.xyxy, [10, 10, 20, 20]);
  c.finds.setHover(small);
  await c.finds.pick([small], false);
  assert.equal(c.finds.hover, null);
  assert.deepEqual([...c.selection.ids], [c.rows()[0].id]);
  assert.deepEqual(c.finds.within([45, 45, 70, 70]).length, 1);
  await c.finds.pick([c.finds.at([40, 40])], true);
  assert.equal(c.rows().length, 1);
  assert.equal(c.finds.isOpen, false);
  assert.deepEqual(c.reviewing, ["begin", "end"]);
});

test("candidates get the class their phrase names, else the current one", async () => {
  const c = await finding([], { found: [one([0, 0, 9, 9], 0.9)] });
  c.settings.set("findClass", "phrase");
  await c.finds.byPhrases("Traffic_lights, tree");
  await c.finds.take();
  assert.deepEqual(
    c.rows().map((r) => r.class_id),
    [8, 3],
  );
});

test("the head names what it is sure of; without its answer nothing is taken", async () => {
  const sure = { class_id: 8, class_name: "traffic light", accepted: true, confidence: 0.9, margin: 0.8 };
  const unsure = { ...sure, accepted: false, confidence: 0.5, margin: 0.02, second_name: "car" };
  const c = await finding([], {
    found: [one([0, 0, 9, 9], 0.9), one([20, 20, 40, 40], 0.9)],
    classify: () => ({ boxes: [sure, unsure] }),
  });
  c.settings.set("findClass", "head");
  await c.finds.byPhrases("car");
  await c.finds.take();
  assert.deepEqual(
    c.rows().map((r) => r.class_id),
    [8, 3],
  );
  assert.equal(c.told.at(-1), "Not sure: traffic light 0.50, car 0.48. Class kept.");
  const silent = await finding();
  silent.settings.set("findClass", "head");
  await silent.finds.byPhrases("car");
  await silent.finds.take();
  assert.equal(silent.rows().length, 0);
  assert.equal(silent.finds.total, 4);
});

test("Enter pressed twice before the head answers takes each candidate once, and Esc in between drops them", async () => {
  const sure = { class_id: 8, class_name: "traffic light", accepted: true, confidence: 0.9, margin: 0.8 };
  const begun = async () => {
    const c = await finding([], { found: [one([20, 20, 40, 40], 0.9)], classify: () => ({ boxes: [sure] }) });
    c.settings.set("findClass", "head");
    await c.finds.byPhrases("car");
    return c;
  };
  const twice = await begun();
  await Promise.all([twice.finds.take(), twice.finds.take()]);
  assert.equal(twice.rows().length, 1);
  const dropped = await begun(),
    taking = dropped.finds.take();
  dropped.finds.drop();
  await taking;
  assert.equal(dropped.rows().length, 0);
});

test("masks are kept as polygons cut to the image, and their box is theirs", async () => {
  const mask = [[[90, 10, 120, 10, 120, 30, 90, 30]]];
  const c = await finding([], { found: [one([80, 0, 100, 40], 1.2, mask)] });
  c.settings.set("keepMasks", true);
  await c.finds.byPhrases("car");
  assert.equal(c.asked[0][1].boxes_only, false);
  await c.finds.take();
  const [taken] = c.rows();
  assert.deepEqual(taken.polygons, [[[90, 10, 100, 10, 100, 30, 90, 30]]]);
  assert.deepEqual(taken.xyxy, [90, 10, 100, 30]);
  assert.equal(taken.confidence, 1);
});

test("another image drops what was found on the old one, and says how many", async () => {
  const c = await finding();
  c.finds.setExemplars([{ xyxy: [0, 0, 5, 5], positive: true }]);
  await c.finds.byPhrases("car");
  c.finds.reset();
  assert.equal(c.finds.isOpen, false);
  assert.deepEqual(c.finds.exemplars, []);
  assert.equal(c.told.at(-1), "3 candidates of the other image discarded.");
});

test("without a class nothing becomes an annotation, and the candidates wait for one", async () => {
  const c = await finding();
  c.classes.load([]);
  await c.finds.byPhrases("car");
  await c.finds.take();
  assert.equal(c.rows().length, 0);
  assert.match(c.told[0], /Add a class first/);
  assert.equal(c.finds.total, 4);
});
