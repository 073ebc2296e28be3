import test from "node:test";
import assert from "node:assert/strict";
import { curve, isNeutral } from "../../assets/canvas/drawing/look.js";
import { createSettings } from "../../assets/canvas/document/settings.js";
import { mapOf, partInSight } from "../../assets/canvas/panels/minimap.js";
import { fit, zoomAt } from "../../assets/canvas/drawing/view.js";
import { takesKey } from "../../assets/canvas/shell/keys.js";
import { createActions } from "../../assets/canvas/actions/index.js";
import { memory } from "./parts.mjs";

const FLAT = { brightness: 0, contrast: 0, gamma: 1 };
const near = (a, b, within = 1e-6) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b}`);

test("a neutral look leaves every value as it is", () => {
  assert.equal(isNeutral(FLAT), true);
  curve(FLAT).forEach((value, at) => near(value, at / 255));
  for (const change of [{ brightness: 1 }, { contrast: -1 }, { gamma: 1.05 }, { low: 1 }, { high: 254 }])
    assert.equal(isNeutral({ ...FLAT, ...change }), false);
});

test("every curve rises from black to white and stays between them", () => {
  for (const brightness of [-100, -30, 0, 55, 100])
    for (const contrast of [-100, -25, 0, 40, 100])
      for (const gamma of [0.2, 1, 4])
        for (const [low, high] of [
          [0, 255],
          [40, 90],
          [7, 7],
        ]) {
          const values = curve({ brightness, contrast, gamma, low, high });
          assert.equal(values.length, 256);
          assert.ok(values.every((value, at) => value >= 0 && value <= 1 && value >= (values[at - 1] ?? 0)));
        }
});

test("brightness shifts, 25 percent of contrast double the slope about the middle, gamma lifts the dark", () => {
  near(curve({ ...FLAT, brightness: 20 })[51], 0.4);
  near(curve({ ...FLAT, contrast: 25 })[153], 0.7);
  near(curve({ ...FLAT, gamma: 2 })[64], Math.sqrt(64 / 255));
  const windowed = curve({ ...FLAT, low: 50, high: 150 });
  assert.deepEqual([windowed[50], windowed[100], windowed[150]], [0, 0.5, 1]);
});

test("a reset gives back what was set at first, tells of it, and leaves other settings", () => {
  const storage = memory(),
    settings = createSettings(storage),
    told = [];
  settings.set("gamma", 2);
  settings.set("keepZoom", true);
  settings.subscribe((name, value) => told.push([name, value]));
  settings.reset(["gamma", "contrast"]);
  assert.deepEqual(told, [["gamma", 1]]);
  assert.deepEqual([settings.isDefault("gamma"), settings.get("keepZoom")], [true, true]);
  assert.equal(createSettings(storage).get("gamma"), 1);
});

test("one key resets the view, and says so when there is nothing to reset", () => {
  const settings = createSettings(memory()),
    said = [];
  const action = createActions({ settings, toast: (text) => said.push(text) }).find(({ id }) => id === "reset_look");
  assert.equal(action.when(), false);
  assert.match(action.why(), /at first/);
  for (const [name, value] of [
    ["brightness", 30],
    ["opacity", 40],
    ["labels", "never"],
    ["minimap", false],
  ]) {
    settings.set(name, value);
    assert.equal(action.when(), true, name);
    action.run();
    assert.equal(action.when(), false, name);
  }
  assert.equal(said.length, 4);
});

test("the minimap keeps the image's shape, and its frame the part in sight", () => {
  for (const size of [
    { width: 20_000, height: 10_000 },
    { width: 300, height: 4_000 },
    { width: 50_000, height: 40 },
  ]) {
    const map = mapOf(size),
      screen = { width: 800, height: 600 };
    assert.ok(map.width <= 168 && map.height <= 132 && Math.min(map.width, map.height) >= 8);
    const whole = fit(size, screen);
    assert.equal(partInSight(whole, screen, size), null);
    const part = partInSight(zoomAt(whole, [400, 300], 4), screen, size);
    assert.ok(part[0] >= 0 && part[2] <= size.width && part[0] < part[2]);
    assert.ok((part[2] - part[0]) * (part[3] - part[1]) < size.width * size.height);
  }
});

test("the minimap takes arrow keys for itself while it has the keyboard, and no others", () => {
  const node = { tagName: "DIV", dataset: { takes: "arrows" }, matches: () => true };
  assert.equal(takesKey(node, "ArrowLeft"), true);
  assert.equal(takesKey(node, "Enter"), false);
  assert.equal(takesKey({ ...node, matches: () => false }, "ArrowLeft"), false);
});
