import test from "node:test";
import assert from "node:assert/strict";
import { createActions } from "../../assets/canvas/actions/index.js";
import { createCommands } from "../../assets/canvas/actions/commands.js";
import { createSelecting } from "../../assets/canvas/actions/selecting.js";
import { comboOf, createKeys } from "../../assets/canvas/shell/keys.js";
import { canvasWithTools, opened, row, SIZE, until } from "./parts.mjs";

const A = row("a", [10, 10, 30, 30]),
  B = row("b", [50, 10, 70, 30], { class_id: 8 }),
  GONE = row("gone", [40, 40, 60, 60], { status: "rejected" });
const POLYGON = row("p", [10, 10, 50, 50], {
  polygons: [
    [
      [10, 10, 50, 10, 50, 50, 10, 50],
      [20, 20, 20, 30, 30, 30],
    ],
  ],
});

/** The table of actions on an open image. */
async function acting(annotations = [], server = {}) {
  const c = await canvasWithTools(annotations, server);
  const selecting = createSelecting(c);
  const actions = createActions({ ...c, selecting, refresh() {} });
  const commands = createCommands({ actions, beforeEdit: c.nudges.flush, tell: c.tell, refresh() {} });
  const can = (id) => commands.canRun(commands.byId(id));
  return { ...c, selecting, actions, commands, can, run: commands.runById };
}
const ids = (c) => [...c.selection.ids];

test("an action whose condition does not hold is not run", async () => {
  const c = await acting();
  for (const id of ["delete", "undo", "redo", "copy", "paste", "undo_box", "nudge_left", "simplify", "give_class"]) {
    assert.equal(c.can(id), false, id);
    c.run(id);
  }
  assert.deepEqual([c.store.canUndo, c.told], [false, []]);
});

test("failures of an action are told, at once and later ones", async () => {
  const told = [];
  const fail = () => {
    throw new Error("at once");
  };
  const actions = [
    { id: "now", run: fail },
    { id: "later", run: async () => Promise.reject(new Error("later")) },
  ];
  const commands = createCommands({ actions, beforeEdit() {}, tell: (e) => told.push(e.message), refresh() {} });
  commands.runById("now");
  commands.runById("later");
  await until(() => told.length === 2);
  assert.deepEqual(told, ["at once", "later"]);
});

test("deleting is one step, clears the selection, and undo brings all of it back", async () => {
  const c = await acting([A, B, POLYGON]);
  c.selection.set(["a", "p"]);
  c.run("delete");
  assert.deepEqual([c.rows().map(({ id }) => id), ids(c)], [["b"], []]);
  c.run("undo");
  assert.deepEqual(new Set(c.rows()), new Set([A, B, POLYGON]));
  assert.deepEqual(c.told, ["Undone: Delete 2 boxes"]);
  c.run("redo");
  assert.deepEqual(c.rows(), [B]);
});

test("undo takes back the nudges under way, and nothing before them", async () => {
  const c = await acting([A]);
  c.selection.set(["a"]);
  c.run("nudge_right");
  c.run("nudge_down_far");
  assert.equal(c.store.canUndo, false);
  assert.equal(c.can("undo"), true);
  c.run("undo");
  assert.deepEqual(c.rows(), [A]);
  c.run("redo");
  assert.deepEqual(c.rows()[0].xyxy, [11, 20, 31, 40]);
});

test("the newest box that can be seen is deleted, not a rejected or a hidden one", async () => {
  const c = await acting([A, B, GONE]);
  c.classes.toggleHidden(8);
  c.run("undo_box");
  assert.deepEqual(c.rows(), [B, GONE]);
  assert.equal(c.can("undo_box"), false);
});

test("all that is seen is selected, and [ ] go round it in both directions", async () => {
  const c = await acting([A, B, GONE, POLYGON]);
  c.run("select_all");
  assert.deepEqual(ids(c), ["a", "b", "p"]);
  const walk = (id, times) => Array.from({ length: times }, () => (c.run(id), ids(c)[0]));
  c.selection.clear();
  assert.deepEqual(walk("next_object", 4), ["a", "b", "p", "a"]);
  c.selection.clear();
  assert.deepEqual(walk("previous_object", 4), ["p", "b", "a", "p"]);
  const empty = await acting();
  empty.run("next_object");
  assert.deepEqual(ids(empty), []);
});

test("copies are new annotations, accepted and selected, in one step", async () => {
  const c = await acting([A, { ...POLYGON, status: "candidate", confidence: 0.4, source: "sam" }]);
  c.run("select_all");
  c.run("copy");
  c.run("paste");
  const [box, polygon] = c.selection.rows();
  assert.deepEqual([box.xyxy, polygon.polygons, polygon.xyxy], [A.xyxy, POLYGON.polygons, POLYGON.xyxy]);
  assert.deepEqual([polygon.status, polygon.confidence, polygon.source], ["accepted", null, "sam"]);
  assert.equal(new Set(c.rows().map(({ id }) => id)).size, 4);
  c.run("undo");
  assert.equal(c.rows().length, 2);
});

test("what is pasted onto a smaller image is cut there, not squeezed; what lies beside it is left out", async () => {
  const triangle = row("t", [10, 10, 90, 50], { polygons: [[[10, 10, 90, 10, 50, 50]]] });
  const c = await acting([triangle, A, row("far", [80, 60, 95, 75])]);
  c.run("select_all");
  c.run("copy");
  c.store.load(opened([], { image_id: 5, width: 60, height: 40 }));
  c.stage.size = { width: 60, height: 40 };
  c.run("paste");
  const [cut, box] = c.rows();
  assert.equal(c.rows().length, 2);
  assert.deepEqual([cut.polygons, cut.xyxy], [[[[10, 10, 60, 10, 50, 40]]], [10, 10, 60, 40]]);
  assert.deepEqual(box.xyxy, A.xyxy);
});

test("copies of a class that is not here are not pasted", async () => {
  const c = await acting([A]);
  c.selection.set(["a"]);
  c.run("copy");
  c.classes.load([{ class_id: 8, name: "traffic light", color: "#00ff00" }]);
  c.run("paste");
  assert.equal(c.rows().length, 1);
  assert.equal(c.told.at(-1), "There is nothing to copy.");
});

test("candidates are accepted and rejected, others of the selection stay as they are", async () => {
  const c = await acting([A, row("c", [1, 1, 9, 9], { status: "candidate" })]);
  c.selection.set(["a"]);
  assert.equal(c.can("accept_candidates"), false);
  c.run("select_all");
  c.run("accept_candidates");
  assert.deepEqual(
    c.rows().map(({ status }) => status),
    ["accepted", "accepted"],
  );
  c.run("undo");
  c.run("reject_candidates");
  assert.deepEqual(
    c.rows().map(({ status }) => status),
    ["accepted", "rejected"],
  );
  assert.equal(c.classes.count(3), 1);
});

test("a number chooses a class and gives it to the selection, once", async () => {
  const c = await acting([A, B]);
  c.selection.set(["a", "b"]);
  c.run("class_2");
  assert.deepEqual(
    c.rows().map(({ class_id }) => class_id),
    [8, 8],
  );
  assert.equal(c.told[0], "The box is traffic light now.");
  c.run("class_2");
  assert.equal(c.can("class_3"), false);
  c.run("undo");
  assert.deepEqual(c.rows(), [A, B]);
  assert.equal(c.store.canUndo, false);
});

test("the class steps through the list and stops at its ends", async () => {
  const c = await acting();
  const names = ["next_class", "next_class", "previous_class", "previous_class"].map((id) => {
    c.run(id);
    return c.classes.current.name;
  });
  assert.deepEqual(names, ["traffic light", "traffic light", "car", "car"]);
});

test("boxes become polygons and boxes again, on one key that means what the selection needs", async () => {
  const c = await acting([A, B]);
  c.run("select_all");
  assert.deepEqual([c.can("box_to_polygon"), c.can("polygon_to_box")], [true, false]);
  c.run("box_to_polygon");
  assert.deepEqual(c.rows()[0].polygons, [[[10, 10, 30, 10, 30, 30, 10, 30]]]);
  assert.deepEqual([c.can("box_to_polygon"), c.can("polygon_to_box")], [false, true]);
  c.run("polygon_to_box");
  assert.deepEqual(c.rows(), [A, B]);
});

test("holes are filled where there are any", async () => {
  const c = await acting([A, POLYGON]);
  c.run("select_all");
  c.run("fill_holes");
  assert.deepEqual(c.rows()[1].polygons, [[POLYGON.polygons[0][0]]]);
  assert.deepEqual(c.rows()[0], A);
  c.run("fill_holes");
  assert.equal(c.told.at(-1), "There are no holes to fill.");
});

test("Esc ends one thing at a time: drag, proposal, tool, selection", async () => {
  const c = await acting([POLYGON]);
  c.selection.set(["p"]);
  c.tools.use("edit_polygon");
  c.simplify.open(c.selection.rows());
  c.hand.down(50, 50);
  c.hand.move(70, 70);
  const states = () => [c.tools.current.isBusy ?? false, c.simplify.isOpen, c.tools.current.id, c.selection.size];
  assert.deepEqual(states(), [true, true, "edit_polygon", 1]);
  for (const expected of [
    [false, true, "edit_polygon", 1],
    [false, false, "edit_polygon", 1],
    [false, false, "select", 1],
    [false, false, "select", 0],
  ]) {
    c.run("cancel");
    assert.deepEqual(states(), expected);
  }
  assert.deepEqual(c.rows(), [POLYGON]);
});

test("Enter and Backspace mean the polygon being drawn while one is", async () => {
  const c = await acting([A]);
  c.selection.set(["a"]);
  c.tools.use("draw_polygon");
  assert.equal(c.can("close_polygon"), false);
  for (const [x, y] of [
    [50, 20],
    [70, 20],
    [70, 50],
    [60, 70],
  ])
    c.hand.click(x, y);
  const first = (combo) => c.actions.find((one) => one.keys.includes(combo) && c.commands.canRun(one)).id;
  assert.deepEqual([first("enter"), first("backspace")], ["close_polygon", "drop_corner"]);
  c.run("drop_corner");
  c.run("close_polygon");
  assert.deepEqual(c.rows().at(-1).polygons, [[[50, 20, 70, 20, 70, 50]]]);
  assert.equal(first("backspace"), "delete");
});

test("[ and ] size the brush only while it is in hand", async () => {
  const c = await acting();
  assert.equal(c.can("brush_larger"), false);
  c.tools.use("eraser");
  c.run("brush_larger");
  assert.equal(c.settings.get("brush"), 15);
  c.run("brush_smaller");
  assert.equal(c.settings.get("brush"), 12);
});

/** A window that keys are pressed in. */
function keyboard(t, actions, more = {}) {
  globalThis.window = new EventTarget();
  t.after(() => delete globalThis.window);
  const ran = [],
    held = [];
  createKeys(actions, {
    isVisible: () => true,
    isModal: () => false,
    onHold: (down) => held.push(down),
    run: (action) => ran.push(action.id),
    ...more,
  });
  const send = (type, key, facts = {}) => {
    const event = Object.assign(new Event(type, { cancelable: true }), { key, code: "", ...facts });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };
  return { ran, held, press: (key, facts) => send("keydown", key, facts), send };
}

test("a key runs the first of its actions that can run; one held down repeats only what may repeat", async (t) => {
  const c = await acting([A]),
    keys = keyboard(t, c.actions);
  c.selection.set(["a"]);
  assert.equal(keys.press("Delete"), true);
  assert.equal(keys.press("a", { ctrlKey: true }), true);
  assert.equal(keys.press("a", { ctrlKey: true, repeat: true }), true); // the page's text is not selected instead
  keys.press("ArrowLeft", { shiftKey: true });
  keys.press("ArrowLeft", { shiftKey: true, repeat: true });
  assert.equal(keys.press("F9"), false);
  assert.deepEqual(keys.ran, ["delete", "select_all", "nudge_left", "nudge_left"]);
});

test("Space pans while it is held, also when the window loses it; dialogs keep the keyboard", async (t) => {
  let isModal = false;
  const keys = keyboard(t, [{ id: "x", keys: ["x"] }], { isModal: () => isModal });
  keys.press(" ");
  keys.send("keyup", " ");
  keys.press(" ");
  keys.send("blur", "");
  assert.deepEqual(keys.held, [true, false, true, false]);
  isModal = true;
  assert.equal(keys.press("x"), false);
  assert.deepEqual(keys.ran, []);
});

test("arrows of a keypad without Num Lock are arrows, brackets written with AltGr are brackets", () => {
  assert.equal(comboOf({ key: "ArrowLeft", code: "Numpad4" }), "left");
  assert.equal(comboOf({ key: "4", code: "Numpad4" }), "4");
  assert.equal(comboOf({ key: "&", code: "Digit1" }), "1"); // where digits take Shift
  assert.equal(comboOf({ key: "[", code: "Digit8", ctrlKey: true, altKey: true }), "[");
  assert.equal(comboOf({ key: "]", code: "Digit6", altKey: true }), "]");
  assert.equal(comboOf({ key: "ArrowUp", code: "ArrowUp", altKey: true, ctrlKey: true }), "ctrl+alt+up");
});

test("a new row stands inside the image by whatever tool it came", async () => {
  const c = await acting();
  for (const tool of ["draw_box", "draw_polygon"]) {
    c.tools.use(tool);
    for (const [from, to] of [
      [
        [-20, -20],
        [20, 20],
      ],
      [
        [90, 70],
        [140, 120],
      ],
    ])
      c.hand.drag(from, to);
    c.tools.current.close?.();
  }
  assert.ok(c.rows().length >= 2);
  for (const { xyxy } of c.rows())
    assert.ok(xyxy[0] >= 0 && xyxy[1] >= 0 && xyxy[2] <= SIZE.width && xyxy[3] <= SIZE.height, `${xyxy}`);
});

test("what a key means now but cannot do is kept from the page and said, once", async (t) => {
  const c = await acting([A]),
    said = [],
    keys = keyboard(t, c.actions, { refuse: (why) => said.push(why) });
  assert.equal(keys.press("z", { ctrlKey: true }), true); // else the browser undoes in a field, and focus goes there
  assert.equal(keys.press("z", { ctrlKey: true, repeat: true }), true);
  assert.equal(keys.press("p"), true);
  assert.equal(keys.press("9", { code: "Digit9" }), true);
  assert.equal(keys.press("c", { ctrlKey: true }), false); // the browser's copy of text
  assert.deepEqual(
    [keys.ran, said],
    [[], ["There is nothing to undo on this image.", "Select one box to get its mask.", "There is no class 9."]],
  );
});

test("a digit is for the next box while drawing, and for the selection with Select or Ctrl", async () => {
  const c = await acting([A]);
  c.tools.use("draw_box");
  c.selection.set(["a"]);
  c.run("class_2");
  assert.deepEqual([c.rows()[0].class_id, c.classes.current.class_id], [3, 8]);
  c.run("give_class_2");
  assert.equal(c.rows()[0].class_id, 8);
  c.tools.use("select");
  c.run("class_1");
  assert.equal(c.rows()[0].class_id, 3);
});

test("a box of a hidden class is drawn in sight", async () => {
  const c = await acting();
  c.classes.toggleHidden(3);
  c.newRow([1, 1, 9, 9], 3);
  assert.deepEqual([c.classes.isHidden(3), c.told], [false, ["car was hidden; it is shown again."]]);
});

test("undo of an edit of many images takes all of them back and reads the open one again", async () => {
  const c = await acting([A], { review_undo: () => ({ boxes: 12, images: 5 }) });
  const set = (status) => [{ op: "set", id: "a", changes: { status } }];
  const batch = { edit: 1, label: "Accept all", forward: set("accepted"), inverse: set("candidate"), batch: "batch-7" };
  c.store.load(opened([A], { undo: [batch] }));
  c.run("undo");
  await until(() => c.reread.length);
  assert.deepEqual(c.asked.at(-1), ["review_undo", { dataset: "d", batch: "batch-7" }]);
  assert.deepEqual(c.told, ["Undone: 12 boxes in 5 images are candidates again."]);
});
