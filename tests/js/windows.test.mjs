import test from "node:test";
import assert from "node:assert/strict";
import { createSettings } from "../../assets/canvas/document/settings.js";
import { countValues, nearlyAll } from "../../assets/canvas/drawing/histogram.js";
import { createWindows } from "../../assets/canvas/drawing/windows.js";
import { createPending } from "../../assets/canvas/assist/pending.js";
import { LOOK } from "../../assets/canvas/drawing/look.js";
import { dragged, rounded } from "../../assets/canvas/panels/window.js";
import { memory, until } from "./parts.mjs";

const DEPTH = { lowest: 3, highest: 4095, low: 40, high: 3900, counts: new Array(256).fill(1) },
  DEEP = { tile: 512, levels: 2, width: 900, height: 600, version: "v", kind: "uint16", depth: DEPTH };
const SMALL = { width: 900, height: 600 },
  LARGE = { width: 9_000, height: 6_000 };

/** Windows over images that are deep, or of 8 bits where the id is even. */
function looking(settings = createSettings(memory())) {
  const opened = [],
    asked = [],
    told = [];
  const windows = createWindows({
    settings,
    images: { dataset: "scans" },
    tell: (error) => told.push(error.message),
    pending: { run: (about, ask) => ask() },
    tiles: { open: (id, facts, window) => opened.push([id, window]), close: () => opened.push(null) },
    call: async (op, { image_id: id }) => {
      asked.push([op, id]);
      if (id === 99) throw new Error("no room");
      return id % 2 ? DEEP : id > 50 ? { ...DEEP, kind: "uint8", depth: null } : { tile: 0 };
    },
  });
  return { settings, windows, opened, asked, told };
}
const shownOnce = async (w, id, size = SMALL) => {
  w.windows.show({ id, ...size }, {});
  await until(() => w.asked.some(([, asked]) => asked === id));
  await new Promise((done) => setImmediate(done));
};

test("the server is asked about a small image only once somebody looks at its values, or a window is kept for it", async () => {
  const w = looking();
  w.windows.show({ id: 1, ...SMALL }, {});
  assert.deepEqual([w.asked, w.windows.shown], [[], null]);
  w.windows.watch(true);
  await until(() => w.windows.shown);
  assert.deepEqual(w.asked, [["image_pyramid", 1]]);
  assert.deepEqual([w.windows.shown.low, w.windows.shown.high, w.windows.shown.isOwn], [40, 3900, true]);
  assert.equal(w.opened.at(-1), null, "its own range is what the whole picture shows");
  w.windows.set(100, 900);
  w.windows.watch(false);
  await shownOnce(w, 3);
  assert.deepEqual(w.opened.at(-1), [3, { low: 100, high: 900 }], "remembered for the dataset");
});

test("a large image is shown by tiles in any case, without a window by its own range", async () => {
  const w = looking();
  await shownOnce(w, 5, LARGE);
  assert.deepEqual(w.opened.at(-1), [5, null]);
  await shownOnce(w, 60, LARGE);
  assert.deepEqual([w.opened.at(-1), w.windows.ofEightBits], [[60, null], {}]);
});

test("a window of 8 bits is the browser's, one of an image goes before the dataset's, and kinds keep apart", async () => {
  const w = looking();
  w.windows.watch(true);
  await shownOnce(w, 60, LARGE);
  w.windows.set(20, 120);
  assert.deepEqual(w.windows.ofEightBits, { low: 20, high: 120 });
  w.settings.set("windowFor", "image");
  w.windows.set(5, 50);
  assert.deepEqual(w.windows.ofEightBits, { low: 5, high: 50 });
  await shownOnce(w, 62, LARGE);
  assert.deepEqual(w.windows.ofEightBits, { low: 20, high: 120 });
  await shownOnce(w, 7);
  assert.deepEqual([w.windows.shown.isOwn, w.windows.ofEightBits], [true, {}]);
});

test("auto gives a deep image its own range back, full shows all that is stored", async () => {
  const w = looking();
  await shownOnce(w, 5, LARGE);
  w.windows.full();
  assert.deepEqual([w.windows.shown.low, w.windows.shown.high], [3, 4095]);
  await w.windows.auto();
  assert.deepEqual([w.windows.shown.low, w.windows.shown.high, w.settings.get("windows")], [40, 3900, {}]);
});

test("a window is two numbers in order, survives a new page, and a reset forgets all", async () => {
  const storage = memory(),
    w = looking(createSettings(storage));
  await shownOnce(w, 5, LARGE);
  for (const [low, high] of [
    [9, 9],
    [10, 2],
    [NaN, 3],
    [-Infinity, 3],
  ])
    w.windows.set(low, high);
  assert.deepEqual(w.settings.get("windows"), {});
  w.windows.set(10, 20);
  const again = looking(createSettings(storage));
  await shownOnce(again, 5, LARGE);
  assert.deepEqual(again.opened.at(-1), [5, { low: 10, high: 20 }]);
  again.settings.reset(LOOK);
  assert.deepEqual([again.windows.shown.isOwn, again.settings.isDefault("windows")], [true, true]);
});

test("windows of single images are kept for the last five hundred", async () => {
  const w = looking();
  w.settings.set("windowFor", "image");
  w.settings.set("windows", Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`i:${at + 1000}`, [1, 2]])));
  await shownOnce(w, 5, LARGE);
  w.windows.set(10, 20);
  const kept = Object.keys(w.settings.get("windows"));
  assert.deepEqual([kept.length, kept.at(-1), kept.includes("i:1000")], [500, "i:5", false]);
});

test("an image that is opened again before the server answered is asked about again, and only that answer counts", async () => {
  const waiting = [],
    opened = [];
  const windows = createWindows({
    settings: createSettings(memory()),
    images: { dataset: "scans" },
    tell() {},
    pending: createPending(),
    tiles: { open: (id) => opened.push(id), close() {} },
    call: () => new Promise((resolve) => waiting.push(resolve)),
  });
  windows.show({ id: 5, ...LARGE }, {});
  windows.show({ id: 8, ...SMALL }, {});
  windows.show({ id: 5, ...LARGE }, {});
  assert.equal(waiting.length, 2);
  waiting[0](DEEP);
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(opened, []);
  waiting[1](DEEP);
  await until(() => opened.length);
  assert.deepEqual(opened, [5]);
});

test("what fails is told, and the image stays open", async () => {
  const w = looking();
  await shownOnce(w, 99, LARGE);
  assert.deepEqual([w.told, w.windows.shown], [["no room"], null]);
});

test("values are counted without how much pixels cover, and outliers are left out", () => {
  const counts = countValues([10, 20, 30, 255, 10, 20, 30, 0]);
  assert.deepEqual([counts[10], counts[20], counts[30], counts[255], counts[0]], [2, 2, 2, 0, 0]);
  const many = new Array(256).fill(0);
  for (let value = 60; value < 160; value++) many[value] = 1000;
  many[0] = many[255] = 3;
  assert.deepEqual(nearlyAll(many), [60, 159]);
  assert.deepEqual(nearlyAll(new Array(256).fill(0)), [0, 255]);
});

test("a dragged end stays inside what is stored and before the other one; whole kinds stay whole", () => {
  const shown = { low: 40, high: 90, lowest: 0, highest: 100 };
  assert.deepEqual(dragged(shown, "low", -20, 1), [0, 90]);
  assert.deepEqual(dragged(shown, "low", 95, 1), [89, 90]);
  assert.deepEqual(dragged(shown, "high", 300, 1), [40, 100]);
  assert.deepEqual(dragged(shown, "high", 10, 0.5), [40, 40.5]);
  assert.deepEqual([rounded(3.6, "uint16"), rounded(0.123456789, "float32"), rounded(-7.2, "int32")], [4, 0.123457, -7]);
});
