import test from "node:test";
import assert from "node:assert/strict";
import { createActions, GROUPS } from "../../assets/canvas/actions/index.js";
import { allowed, comboOf, isTyping, keyMap, shown } from "../../assets/canvas/shell/keys.js";
import { shortened } from "../../assets/canvas/panels/filmstrip.js";
import { rank } from "../../assets/canvas/panels/palette.js";

const ACTIONS = createActions({}); // no part is touched before an action runs
const key = (k, more = {}) => ({ key: k, code: /^[a-z]$/i.test(k) ? `Key${k.toUpperCase()}` : "", ...more });

test("key events get the names that the action table uses", () => {
  assert.equal(comboOf(key("z", { ctrlKey: true })), "ctrl+z");
  assert.equal(comboOf(key("Z", { metaKey: true, shiftKey: true })), "ctrl+shift+z");
  assert.equal(comboOf(key("ч", { code: "KeyX" })), "x");
  assert.equal(comboOf({ key: "?", code: "Slash", shiftKey: true }), "?");
  assert.equal(comboOf({ key: "3", code: "Numpad3" }), "3");
  assert.equal(comboOf({ key: "ArrowLeft", code: "ArrowLeft", shiftKey: true, altKey: true }), "alt+shift+left");
  assert.equal(comboOf({ key: " ", code: "Space" }), "space");
});

test("text fields, lists and editors take their keys themselves; buttons and sliders do not", () => {
  const node = (tagName, more = {}) => ({ tagName, closest: () => null, ...more });
  for (const typing of [
    node("INPUT", { type: "text" }),
    node("INPUT", { type: "search" }),
    node("TEXTAREA"),
    node("SELECT"),
    node("DIV", { isContentEditable: true }),
    node("DIV", { closest: () => ({}) }),
  ])
    assert.equal(isTyping(typing), true);
  for (const other of [
    node("BUTTON"),
    node("INPUT", { type: "range" }),
    node("INPUT", { type: "checkbox" }),
    node("CANVAS"),
    null,
  ])
    assert.equal(isTyping(other), false);
});

test("no shortcut fires while composing, in a dialog, in a hidden tab or after somebody else took the key", () => {
  const event = {
    ...key("x"),
    target: { tagName: "CANVAS", closest: () => null, ownerDocument: { activeElement: null } },
  };
  const yes = () => true,
    no = () => false;
  assert.equal(allowed(event, yes, no), true);
  assert.equal(allowed({ ...event, isComposing: true }, yes, no), false);
  assert.equal(allowed({ ...event, keyCode: 229 }, yes, no), false);
  assert.equal(allowed({ ...event, defaultPrevented: true }, yes, no), false);
  assert.equal(allowed(event, no, no), false);
  assert.equal(allowed(event, yes, yes), false);
});

test("every action has an id of its own, a group that help shows, and something to run", () => {
  assert.equal(new Set(ACTIONS.map((a) => a.id)).size, ACTIONS.length);
  for (const action of ACTIONS) {
    assert.ok(GROUPS.includes(action.group), action.id);
    assert.ok(action.label && typeof action.run === "function", action.id);
    for (const combo of action.keys) assert.ok(shown(combo).length > 0);
  }
});

test("a key has one action, unless conditions tell them apart", () => {
  for (const [combo, actions] of keyMap(ACTIONS)) {
    assert.ok(actions.length === 1 || actions.every((a) => a.when), `${combo}: ${actions.map((a) => a.id)}`);
  }
});

test("the keys people know from the reference are there", () => {
  const map = keyMap(ACTIONS),
    ids = (combo) => (map.get(combo) ?? []).map((action) => action.id);
  const known = {
    x: "tweak",
    a: "auto_class",
    s: "tool_smart_box",
    d: "tool_point",
    m: "tool_multi_point",
    f: "points_positive",
    g: "points_negative",
    q: "undo_box",
    w: "delete",
    backspace: "delete",
    left: "previous_image",
    right: "next_image",
    up: "previous_class",
    down: "next_class",
    enter: "accept_draft",
    "ctrl+z": "undo",
    "?": "help",
    1: "class_1",
  };
  for (const [combo, id] of Object.entries(known)) assert.ok(ids(combo).includes(id), combo);
});

test("the palette finds by letters in order, best first", () => {
  assert.ok(rank("Undo", "un") < rank("Next unlabelled image", "un"));
  assert.ok(rank("Next unlabelled image", "nui") > 0);
  assert.equal(rank("Undo", "xyz"), -1);
});

test("a name is cut in the middle, where images of one series are alike", () => {
  assert.equal(shortened("short.jpg"), "short.jpg");
  assert.equal(shortened("camera_north_2024-05-01_000123.jpg", 17), "camera…000123.jpg");
  assert.equal([...shortened("ü".repeat(40), 17)].length, 17);
});
