import test from "node:test";
import assert from "node:assert/strict";
import { createAssist } from "../../assets/canvas/assist/assist.js";
import { createPreview } from "../../assets/canvas/assist/preview.js";
import { createTweak } from "../../assets/canvas/assist/tweak.js";
import { createSimplify } from "../../assets/canvas/assist/simplify.js";
import { canvas, row } from "./parts.mjs";

const CARDS = {
  segment: [
    { id: "ridge_box", label: "Ridge", state: "ready", weights: "trained" },
    { id: "sam", label: "SAM", state: "ready", weights: "hub", is_default: true },
    { id: "lacking", label: "Lacking", state: "needs", weights: "hub" },
  ],
  find: [],
};
const best = (xyxy, more = {}) => ({ xyxy, class_id: 8, accepted: true, confidence: 0.7, polygons: null, ...more });
const segmented = (...candidates) => ({ segmenter: "sam", candidates });
const MASK = [[[20, 20, 40, 20, 40, 50, 20, 50]]];

/** The assists on an image; `server` answers beside the lists of models. */
async function assisting(annotations = [], server = {}) {
  const c = await canvas(annotations, { models_list: ({ task }) => CARDS[task], ...server });
  const preview = createPreview(c),
    tweak = createTweak({ ...c, preview });
  c.asked.length = 0;
  return { ...c, preview, tweak, assist: createAssist({ ...c, tweak }), simplify: createSimplify(c) };
}

/** A promise that is kept from outside. */
function later() {
  let give;
  const promise = new Promise((done) => (give = done));
  return { promise, give };
}

test("a click becomes the best candidate's box, named as the model names it", async () => {
  const c = await assisting([], { segment: () => segmented(best([-5, 10, 30, 40]), best([0, 0, 90, 70])) });
  await c.assist.point([12, 20]);
  const [op, args] = c.asked[0];
  assert.deepEqual([op, args.positive, args.segmenter, args.class_id], ["segment", [12, 20], "sam", 3]);
  const [made] = c.rows();
  assert.deepEqual([made.xyxy, made.class_id, made.source, made.confidence], [[0, 10, 30, 40], 8, "sam", 0.7]);
  assert.deepEqual([...c.selection.ids], [made.id]);
  assert.equal(c.store.nextUndo, "Box at point");
});

test("a class that is refused or unknown here leaves the current one", async () => {
  for (const more of [{ accepted: false }, { class_id: 77 }]) {
    const c = await assisting([], { segment: () => segmented(best([1, 1, 30, 40], more)) });
    await c.assist.point([12, 20]);
    assert.equal(c.rows()[0].class_id, 3);
  }
});

test("an answer about an image that is no longer open changes nothing", async () => {
  const { promise, give } = later();
  const c = await assisting([], { segment: () => promise });
  const asked = c.assist.point([12, 20]);
  assert.deepEqual(c.assist.asked, [[12, 20]]);
  c.store.load({ ...structuredClone({ image_id: 5, annotations: [], width: 100, height: 80, state: "new" }) });
  give(segmented(best([1, 1, 30, 40])));
  await asked;
  assert.equal(c.rows().length, 0);
  assert.deepEqual(c.assist.asked, []);
});

test("nothing found is said, a failure is told once, and neither leaves a box", async () => {
  const c = await assisting([], { segment: () => segmented() });
  await c.assist.point([12, 20]);
  assert.deepEqual(c.told, ["Nothing was found there."]);
  const broken = await assisting();
  await broken.assist.point([12, 20]);
  assert.deepEqual(broken.told, ["segment is not served"]);
  assert.equal(broken.rows().length, 0);
  assert.equal(broken.pending.size, 0);
});

test("a loose box is tightened before it becomes an annotation; without an answer it does not", async () => {
  const c = await assisting([], { tweak_boxes: () => ({ boxes: [{ xyxy: [12, 12, 28, 28] }] }) });
  await c.assist.tightBox([10, 10, 30, 30]);
  assert.deepEqual([c.rows()[0].xyxy, c.rows()[0].source], [[12, 12, 28, 28], "sam"]);
  const lost = await assisting([], { tweak_boxes: () => ({ boxes: [{ is_found: false, xyxy: [0, 0, 1, 1] }] }) });
  await lost.assist.tightBox([10, 10, 30, 30]);
  assert.deepEqual(lost.rows()[0].xyxy, [10, 10, 30, 30]); // the model saw nothing: as it was drawn
  const broken = await assisting();
  await broken.assist.tightBox([10, 10, 30, 30]);
  assert.equal(broken.rows().length, 0);
});

test("tight boxes keep the mask when the person wants masks", async () => {
  const c = await assisting([], { segment: () => segmented(best([0, 0, 50, 60], { polygons: MASK })) });
  c.settings.set("keepMasks", true);
  await c.assist.tightBox([10, 10, 50, 60]);
  assert.deepEqual([c.rows()[0].polygons, c.rows()[0].xyxy], [MASK, [20, 20, 40, 50]]);
});

test("a mask from a box waits for Enter, then replaces the shape and keeps id and class", async () => {
  const c = await assisting([row("a")], { segment: () => segmented(best([0, 0, 50, 60], { polygons: MASK })) });
  c.assist.maskFromBox();
  assert.deepEqual(c.told, ["Select one box first."]);
  c.selection.set(["a"]);
  await c.assist.maskFromBox();
  assert.equal(c.store.canUndo, false);
  assert.match(c.assist.text, /Enter takes it/);
  c.assist.take();
  const [now] = c.rows();
  assert.deepEqual([now.id, now.class_id, now.polygons, now.source], ["a", 3, MASK, "sam"]);
  assert.equal(c.assist.isOpen, false);
  c.store.undo();
  assert.equal(c.rows()[0].polygons, null);
});

test("Enter before the answer takes it when it comes; Esc before it drops it", async () => {
  for (const wanted of [true, false]) {
    const { promise, give } = later();
    const c = await assisting([], { segment: () => promise });
    const asked = c.assist.addPoint([25, 25], true);
    if (wanted) c.assist.take();
    else assert.equal(c.assist.drop(), true);
    give(segmented(best([0, 0, 50, 60], { polygons: MASK })));
    await asked;
    assert.equal(c.rows().length, wanted ? 1 : 0);
    assert.equal(c.assist.isOpen, false);
  }
});

test("points on and off the object go together; a newer click's answer wins", async () => {
  const answers = [later(), later()];
  let turn = 0;
  const c = await assisting([], { segment: () => answers[turn++].promise });
  const first = c.assist.addPoint([25, 25], true),
    second = c.assist.addPoint([60, 60], false);
  assert.deepEqual(
    [c.asked[1][1].positive, c.asked[1][1].negative],
    [
      [25, 25],
      [60, 60],
    ],
  );
  answers[1].give(segmented(best([0, 0, 50, 60], { polygons: MASK })));
  await second;
  answers[0].give(segmented(best([0, 0, 9, 9])));
  await first;
  assert.deepEqual(c.assist.draft.rows[0].polygons, MASK);
});

test("a point off the object alone asks nothing; taking points back asks with those that are left", async () => {
  const c = await assisting([], { segment: () => segmented(best([0, 0, 50, 60], { polygons: MASK })) });
  c.assist.addPoint([1, 1], false);
  assert.equal(c.asked.length, 0);
  await c.assist.addPoint([25, 25], true);
  await c.assist.addPoint([30, 30], true);
  c.assist.dropPoint();
  assert.deepEqual(c.asked.at(-1)[1].positive, [25, 25]);
  assert.deepEqual(c.asked.at(-1)[1].negative, [1, 1]);
  c.assist.dropPoint();
  c.assist.dropPoint();
  assert.equal(c.assist.isOpen, false);
});

test("the model a role means is the person's choice while it is ready, else the best one here", async () => {
  const c = await assisting();
  assert.equal(c.cards.id("segmenter"), "sam");
  c.settings.set("segmenter", "ridge_box");
  assert.equal(c.cards.id("segmenter"), "ridge_box");
  c.settings.set("segmenter", "lacking");
  assert.equal(c.cards.id("segmenter"), "sam");
  assert.equal(c.cards.id("finder"), "");
});

test("tweaking changes only what became tighter and was not edited meanwhile", async () => {
  const { promise, give } = later();
  const c = await assisting([row("a"), row("b"), row("c"), row("p", [0, 0, 9, 9], { polygons: MASK })], {
    tweak_boxes: () => promise,
  });
  c.selection.set(["a", "b", "c", "p"]);
  const asked = c.tweak.selection();
  c.store.commit("Class", [{ op: "set", id: "b", changes: { class_id: 8 } }]);
  const tight = { xyxy: [12, 12, 28, 28] };
  give({ boxes: [tight, tight, { xyxy: [10, 10, 30, 30] }] });
  (await asked)();
  assert.deepEqual(
    c.rows().map((r) => r.xyxy),
    [tight.xyxy, [10, 10, 30, 30], [10, 10, 30, 30], [0, 0, 9, 9]],
  );
});

test("many boxes are asked for in parts, with progress", async () => {
  const rows = Array.from({ length: 19 }, (_, i) => row(`r${i}`));
  const c = await assisting(rows, {
    tweak_boxes: ({ class_ids }) => ({ boxes: class_ids.map(() => ({ xyxy: [11, 11, 29, 29] })) }),
  });
  const progress = new Set();
  c.pending.subscribe(() => c.pending.list().forEach((entry) => progress.add(entry.progress)));
  await c.tweak.ofClass();
  assert.deepEqual(
    c.asked.map(([, args]) => args.class_ids.length),
    [8, 8, 3],
  );
  assert.ok(progress.has("2 of 3"));
  assert.equal(c.preview.items.length, 19);
});

test("each tweaked box is looked at: one left out stays, the rest change in one step", async () => {
  const c = await assisting([row("a"), row("b", [50, 10, 70, 30])], {
    tweak_boxes: () => ({ boxes: [{ xyxy: [12, 12, 28, 28] }, { xyxy: [52, 12, 68, 28] }] }),
  });
  await c.tweak.ofClass();
  assert.deepEqual(c.reviewing, ["begin"]);
  assert.equal(c.stage.moved.length, 2);
  c.preview.pick([c.preview.at([60, 20])]);
  assert.match(c.preview.text, /^1 of 2/);
  c.preview.take();
  assert.deepEqual(
    c.rows().map((r) => r.xyxy),
    [
      [12, 12, 28, 28],
      [50, 10, 70, 30],
    ],
  );
  assert.equal(c.store.nextUndo, "Tweak 1 boxes of car");
  assert.deepEqual(c.reviewing, ["begin", "end"]);
  assert.equal(c.stage.moved.length, 0);
});

test("auto class changes what it is sure of, in one step, and says what it is not", async () => {
  const named = (class_id, accepted) => ({ class_id, accepted, class_name: "x", confidence: 0.5, margin: 0.1 });
  const c = await assisting([row("a"), row("b"), row("c")], {
    classify_boxes: () => ({ boxes: [named(8, true), named(3, true), named(8, false)] }),
  });
  await c.naming.classify(c.rows());
  assert.deepEqual(
    c.rows().map((r) => r.class_id),
    [8, 3, 3],
  );
  assert.equal(c.store.nextUndo, "Auto class of 3 boxes");
  assert.match(c.told[0], /^Not sure: x 0.50, next 0.40/);
});

test("auto class is switched on only while there is a head", async () => {
  let name = "";
  const c = await assisting([], { heads_active: () => ({ name }) });
  await c.naming.toggle();
  assert.deepEqual(c.asked.at(-1), ["heads_active", { dataset: "d" }]);
  assert.equal(c.settings.get("autoClass"), false);
  name = "head";
  await c.naming.toggle();
  assert.equal(c.settings.get("autoClass"), true);
});

test("auto class ends, told once, where the head knows no class of the dataset that is opened", async () => {
  const c = await assisting([], {
    heads_active({ dataset }) {
      if (dataset === "strange") throw Object.assign(new Error("head knows no class"), { code: "unavailable" });
      return { name: "head" };
    },
  });
  await c.naming.toggle();
  await c.naming.follow("d");
  assert.equal(c.settings.get("autoClass"), true);
  await c.naming.follow("strange");
  await c.naming.follow("strange");
  assert.equal(c.settings.get("autoClass"), false);
  assert.deepEqual(c.told.slice(1), ["Auto class is off: head knows no class"]);
});

test("simplifying is shown before it is done, and leaves out what was edited or has no point to lose", async () => {
  const dense = [[[10, 10, 20, 10.1, 30, 10, 30, 30, 10, 30]]];
  const c = await assisting([row("a", [10, 10, 30, 30], { polygons: dense }), row("b")]);
  c.simplify.open(c.rows());
  assert.deepEqual(c.simplify.counts, [5, 4]);
  assert.equal(c.store.canUndo, false);
  c.simplify.setTolerance(0.05);
  assert.deepEqual(c.simplify.counts, [5, 5]);
  c.simplify.take();
  assert.deepEqual(c.told, ["No point can be removed at this tolerance."]);
  c.simplify.open(c.rows());
  c.simplify.setTolerance(1);
  c.simplify.take();
  assert.deepEqual(c.rows()[0].polygons, [[[10, 10, 30, 10, 30, 30, 10, 30]]]);
  assert.equal(c.store.nextUndo, "Simplify from 5 to 4 points");
  assert.equal(c.stage.moved.length, 0);
});
