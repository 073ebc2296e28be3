import test from "node:test";
import assert from "node:assert/strict";
import { createStore } from "../../assets/canvas/document/store.js";
import { applyOps, compare, rebase } from "../../assets/canvas/document/ops.js";
import { createSelection } from "../../assets/canvas/document/selection.js";

const row = (id, x = 0, more = {}) => ({
  id,
  class_id: 1,
  xyxy: [x, 0, x + 10, 10],
  polygons: null,
  confidence: null,
  source: "human",
  status: "accepted",
  ...more,
});
const opened = (more = {}) => ({
  image_id: 4,
  dataset: "d",
  name: "a.jpg",
  width: 100,
  height: 50,
  revision: 3,
  state: "new",
  annotations: [row("a"), row("b", 20)],
  undo: [],
  redo: [],
  ...more,
});
const plain = (store) => JSON.parse(JSON.stringify([...store.rows.values()]));

test("every op and its inverse leave the document as it was", () => {
  const doc = {
    rows: new Map([
      ["a", row("a")],
      ["b", row("b", 5)],
    ]),
    image: { state: "new", caption: null },
  };
  const before = JSON.stringify([[...doc.rows].sort(), doc.image]);
  const ops = [
    { op: "add", annotation: row("c") },
    { op: "set", id: "c", changes: { class_id: 2 } },
    { op: "delete", id: "a" },
    { op: "set", id: "b", changes: { xyxy: [1, 1, 2, 2], polygons: [[[1, 1, 2, 1, 2, 2]]] } },
    { op: "image", changes: { state: "reviewed" } },
  ];
  const inverse = applyOps(doc, ops);
  assert.notEqual(JSON.stringify([[...doc.rows].sort(), doc.image]), before);
  applyOps(doc, inverse);
  assert.equal(JSON.stringify([[...doc.rows].sort(), doc.image]), before);
});

test("the first step on a new image also sets its state, and one undo takes both back", () => {
  const store = createStore(),
    sent = [];
  store.load(opened());
  store.onEdit((edit) => sent.push(edit));
  store.commit("Draw box", [{ op: "add", annotation: row("c") }]);
  assert.equal(store.image.state, "in_progress");
  assert.deepEqual(sent[0].ops[0], { op: "image", changes: { state: "in_progress" } });
  store.commit("Draw box", [{ op: "add", annotation: row("d") }]);
  assert.equal(sent[1].ops.length, 1);
  store.undo();
  store.undo();
  assert.equal(store.image.state, "new");
  assert.deepEqual(plain(store), plain({ rows: new Map(opened().annotations.map((r) => [r.id, r])) }));
  assert.deepEqual(
    sent.map((edit) => edit.kind),
    ["edit", "edit", "undo", "undo"],
  );
});

test("a new step forgets what could be redone", () => {
  const store = createStore();
  store.load(opened());
  store.commit("Delete", [{ op: "delete", id: "a" }]);
  store.undo();
  assert.ok(store.canRedo);
  store.commit("Delete", [{ op: "delete", id: "b" }]);
  assert.ok(!store.canRedo);
  assert.equal(store.redo(), null);
});

test("history goes on where the journal ends", () => {
  const store = createStore();
  const forward = [{ op: "set", id: "a", changes: { class_id: 1 } }],
    inverse = [{ op: "set", id: "a", changes: { class_id: 7 } }];
  store.load(opened({ undo: [{ edit: 1, label: "Class", forward, inverse }] }));
  assert.equal(store.nextUndo, "Class");
  store.undo();
  assert.equal(store.rows.get("a").class_id, 7);
  store.redo();
  assert.equal(store.rows.get("a").class_id, 1);
});

test("unsaved steps are made again after a reload, undo among them", () => {
  const first = createStore(),
    sent = [];
  first.load(opened());
  first.onEdit((edit) => sent.push(edit));
  first.commit("Draw box", [{ op: "add", annotation: row("c") }]);
  first.commit("Delete", [{ op: "delete", id: "a" }]);
  first.undo();
  const second = createStore();
  second.load(opened());
  sent.forEach((edit) => second.replay(edit));
  assert.deepEqual(new Set(plain(second).map((r) => r.id)), new Set(["a", "b", "c"]));
  assert.equal(second.nextUndo, "Draw box");
  assert.equal(second.nextRedo, "Delete");
});

test("more ops than a request may hold become several steps", () => {
  const store = createStore(),
    sent = [];
  store.load(opened({ state: "in_progress", annotations: [] }));
  store.onEdit((edit) => sent.push(edit.ops.length));
  store.commit(
    "Paste",
    Array.from({ length: 4500 }, (_, i) => ({ op: "add", annotation: row(String(i)) })),
  );
  assert.equal(
    sent.reduce((a, b) => a + b),
    4500,
  );
  assert.ok(Math.max(...sent) <= 2000);
});

test("the selection forgets annotations that are gone", () => {
  const store = createStore(),
    selection = createSelection(store);
  store.load(opened());
  selection.set(["a", "b"]);
  store.commit("Delete", [{ op: "delete", id: "a" }]);
  assert.deepEqual([...selection.ids], ["b"]);
  assert.equal(selection.only().id, "b");
});

test("edits are fitted onto another version: adds survive, lost targets are counted", () => {
  const theirs = new Map([
    ["b", row("b", 50)],
    ["x", row("x")],
  ]);
  const mine = [
    { op: "set", id: "a", changes: { class_id: 2 } },
    { op: "set", id: "b", changes: { class_id: 3 } },
    { op: "add", annotation: row("c") },
    { op: "delete", id: "c" },
    { op: "add", annotation: { ...row("x", 9), author: "ann", created_at: 1 } },
  ];
  const { ops, dropped } = rebase(theirs, mine);
  assert.equal(dropped, 1);
  const doc = { rows: new Map(theirs), image: {} };
  applyOps(doc, ops);
  assert.equal(doc.rows.get("b").class_id, 3);
  assert.deepEqual(doc.rows.get("x").xyxy, [9, 0, 19, 10]);
  assert.ok(!("author" in ops.at(-1).changes) && !("created_at" in ops.at(-1).changes));
  assert.equal(theirs.get("b").class_id, 1);
});

test("two versions are compared by content", () => {
  const a = new Map([
    ["1", row("1")],
    ["2", row("2")],
    ["3", row("3")],
  ]);
  const b = new Map([
    ["1", row("1", 0, { author: "ann" })],
    ["2", row("2", 4)],
    ["4", row("4")],
  ]);
  assert.deepEqual(compare(a, b), { onlyMine: ["3"], onlyTheirs: ["4"], changed: ["2"] });
});

test("attributes, tags and notes are edited, undone and redone as everything else", () => {
  const store = createStore();
  store.load(opened({ state: "reviewed", tags: ["night"], annotations: [row("a", 0, { attributes: { occluded: true } })] }));
  store.commit("Move", [{ op: "set", id: "a", changes: { xyxy: [1, 1, 5, 5] } }]);
  assert.deepEqual(store.rows.get("a").attributes, { occluded: true });
  store.commit("Tags", [{ op: "image", changes: { tags: ["day"], notes: "x" } }]);
  store.commit("Delete", [{ op: "delete", id: "a" }]);
  store.undo();
  assert.deepEqual(store.rows.get("a").attributes, { occluded: true });
  store.undo();
  assert.deepEqual([store.image.tags, store.image.notes], [["night"], null]);
  store.redo();
  assert.deepEqual([store.image.tags, store.image.notes], [["day"], "x"]);
});

test("annotations that differ in their attributes only are shown as changed", () => {
  const mine = new Map([["a", row("a", 0, { attributes: { occluded: true } })]]),
    theirs = new Map([["a", row("a")]]);
  assert.deepEqual(compare(mine, theirs).changed, ["a"]);
});
