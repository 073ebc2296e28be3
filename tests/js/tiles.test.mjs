import test from "node:test";
import assert from "node:assert/strict";
import { isLarge } from "../../assets/canvas/drawing/bitmaps.js";
import { createTiles, levelFor, standIn, tilesIn } from "../../assets/canvas/drawing/tiles.js";
import { fit, zoomAt } from "../../assets/canvas/drawing/view.js";
import { createAhead } from "../../assets/canvas/document/ahead.js";
import { until } from "./parts.mjs";

const FACTS = { tile: 512, levels: 6, width: 16_000, height: 12_500, version: "abc" },
  SIZE = { width: 16_000, height: 12_500 },
  SCREEN = { width: 1000, height: 700 };
const paper = { setTransform() {}, save() {}, restore() {}, beginPath() {}, rect() {}, clip() {} };

test("a level has a pixel for each of the screen's, and no level does more", () => {
  for (const scale of [64, 1, 0.9, 0.5, 0.26, 0.1, 0.03, 0.001]) {
    const level = levelFor(scale, 6);
    assert.ok(level === 0 || 2 ** -level >= scale, `${scale} at ${level}`);
    assert.ok(level === 5 || 2 ** -(level + 1) < scale, `${scale} at ${level}`);
  }
});

test("the tiles of a box cover it and reach no further, the middle first", () => {
  let seed = 5;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let i = 0; i < 200; i++) {
    const level = Math.floor(random() * 6),
      span = 512 * 2 ** level,
      [x, y] = [random() * 15_000, random() * 12_000];
    const box = [x, y, Math.min(x + 1 + random() * 3000, 16_000), Math.min(y + 1 + random() * 3000, 12_500)],
      found = tilesIn(box, FACTS, level);
    const plain = [];
    for (let row = 0; row * span < 12_500; row++)
      for (let column = 0; column * span < 16_000; column++)
        if (column * span < box[2] && (column + 1) * span > box[0] && row * span < box[3] && (row + 1) * span > box[1])
          plain.push(`${column}/${row}`);
    assert.deepEqual(new Set(found.map(([, column, row]) => `${column}/${row}`)), new Set(plain));
    assert.equal(found.length, plain.length);
  }
  const [first] = tilesIn([0, 0, 2560, 2560], FACTS, 0);
  assert.deepEqual(first, [0, 2, 2]);
  assert.deepEqual(tilesIn([-9000, -9000, -1, -1], FACTS, 0), []);
});

test("the nearest coarser tile stands in with the part that is meant", () => {
  const held = new Map([["3/1/0", "far"]]);
  const find = (place) => held.get(place.join("/"));
  assert.deepEqual(standIn([1, 6, 3], 6, find), { found: "far", share: 0.25, at: [2, 3] });
  held.set("2/3/1", "near");
  assert.deepEqual(standIn([1, 6, 3], 6, find), { found: "near", share: 0.5, at: [0, 1] });
  assert.equal(standIn([1, 0, 3], 6, find), null);
});

/** Tiles with a server that answers by hand. */
function served() {
  const waiting = [],
    drawn = [],
    told = [];
  let made = 0,
    open = 0;
  const tiles = createTiles({
    tell: (error) => told.push(error.message),
    fetchTile: (url, stop) =>
      new Promise((resolve, reject) => {
        const entry = { url, stop, resolve: () => resolve(bitmap()), reject };
        stop.addEventListener("abort", () => reject(new Error("aborted")));
        waiting.push(entry);
      }),
  });
  const bitmap = () => {
    made += 1;
    open += 1;
    return { width: 512, height: 512, close: () => (open -= 1) };
  };
  const paint = (view) =>
    tiles.paint(
      { ...paper, drawImage: (...what) => drawn.push(what) },
      { view, screen: SCREEN, dpr: 1, size: SIZE },
    );
  return { tiles, waiting, drawn, told, paint, made: () => made, open: () => open };
}

test("few tiles are asked for at once, and those that left the view are dropped", async () => {
  const s = served(),
    whole = fit(SIZE, SCREEN);
  s.tiles.open(7, FACTS);
  s.paint(zoomAt(whole, [500, 350], 20));
  assert.equal(s.waiting.length, 4);
  const before = [...s.waiting];
  s.paint(zoomAt(whole, [100, 100], 20));
  await until(() => s.waiting.length > 4);
  assert.ok(before.filter(({ stop }) => stop.aborted).length >= 3);
  for (let i = 0; i < s.waiting.length; i++) {
    s.waiting[i].resolve();
    await new Promise((done) => setImmediate(done));
    if (s.waiting.filter(({ stop }) => !stop.aborted).length - s.made() > 4) assert.fail("more than four at once");
  }
  assert.equal(s.tiles.isSharp, true);
  assert.deepEqual(s.told, []);
});

test("what is held stays bounded however far a person pans, and goes with the image", async () => {
  const s = served();
  s.tiles.open(7, FACTS);
  let answered = 0;
  for (let x = 0; x > -15_000; x -= 900)
    for (let y = 0; y > -12_000; y -= 600) {
      s.paint({ zoom: 1, x, y });
      while (answered < s.waiting.length) {
        s.waiting[answered++].resolve();
        await new Promise((done) => setImmediate(done));
      }
    }
  assert.ok(s.made() > 700, String(s.made()));
  assert.ok(s.tiles.held <= 192 && s.open() === s.tiles.held);
  s.tiles.close();
  assert.deepEqual([s.tiles.held, s.open()], [0, 0]);
});

test("another window asks anew, and shows the tiles of the one before meanwhile", async () => {
  const s = served(),
    whole = fit(SIZE, SCREEN);
  s.tiles.open(7, FACTS);
  s.paint(whole);
  for (let i = 0; i < s.waiting.length; i++) {
    s.waiting[i].resolve();
    await new Promise((done) => setImmediate(done));
  }
  const before = s.waiting.length;
  s.tiles.open(7, FACTS, { low: 10, high: 20.5 });
  s.drawn.length = 0;
  s.paint(whole);
  assert.ok(s.drawn.length > 0 && s.tiles.isSharp === false);
  assert.match(s.waiting[before].url, /tile\/7\/\d+\/\d+\/\d+\?v=abc&low=10&high=20.5$/);
  let painted = 0;
  s.tiles.subscribe(() => (painted += 1));
  s.tiles.close();
  s.tiles.close();
  assert.deepEqual([s.open(), painted], [0, 1], "the picture below is painted again");
});

test("a tile that cannot be had is told once and not asked for at once again", async () => {
  const s = served(),
    whole = fit(SIZE, SCREEN);
  s.tiles.open(7, FACTS);
  s.paint(whole);
  for (let i = 0; i < s.waiting.length && i < 40; i++) {
    s.waiting[i].reject(new Error("gone"));
    await new Promise((done) => setImmediate(done));
  }
  const { length } = s.waiting;
  s.paint(whole);
  assert.deepEqual([s.told, s.waiting.length], [["gone"], length]);
});

test("an image of more than 50 megapixels is large, and its size may come with the answer that opens it", async () => {
  assert.equal(isLarge({ width: 10_000, height: 5_000 }), false);
  assert.equal(isLarge({ width: 10_000, height: 5_001 }), true);
  assert.equal(isLarge({ width: null, height: null }), false);
  const got = [],
    ahead = createAhead({ call() {}, images: {}, sync: {}, bitmaps: { get: async (row) => got.push(row) } });
  await ahead.decode({ id: 3, width: 5, height: 6 }, Promise.reject(new Error("not needed")).catch(() => {}));
  await ahead.decode(null, Promise.resolve({ image_id: 4, width: 7, height: 8, more: 1 }));
  assert.deepEqual(got, [
    { id: 3, width: 5, height: 6 },
    { id: 4, width: 7, height: 8 },
  ]);
});
