import test from "node:test";
import assert from "node:assert/strict";
import { applyStroke, strokePath } from "../../assets/canvas/drawing/raster.js";
import { tracePolygons } from "../../assets/canvas/drawing/render.js";
import { FlatPath, giveCanvases, pixelsOf, squaresOf } from "./sheet.mjs";

giveCanvases();
const SIZE = { width: 60, height: 40 };
const SQUARE = [[[10, 10, 30, 10, 30, 30, 10, 30]]];
const WITH_HOLE = [[SQUARE[0][0], [16, 16, 16, 24, 24, 24, 24, 16]]];
const stroke = (points, radius = 4, erases = false) => ({ points, radius, erases });
const sum = (counts) => counts.reduce((all, run) => all + run, 0);
const isSubset = (some, all) => [...some].every((pixel) => all.has(pixel));

/** Seeded strokes, also beside the image. */
function strokes(count, erases = false) {
  let seed = 5;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const point = () => [random() * 80 - 10, random() * 60 - 10];
  return Array.from({ length: count }, () => stroke([...point(), ...point(), ...point()], 1 + 6 * random(), erases));
}

test("a dot is round, and the run lengths fill its part of the image", () => {
  const mask = applyStroke(null, stroke([30, 20], 6), SIZE),
    pixels = pixelsOf(mask);
  assert.equal(sum(mask.counts), mask.width * mask.height);
  assert.ok(Math.abs(pixels.size - Math.PI * 36) < 12, `${pixels.size}`);
  assert.ok(pixels.has("30,20") && pixels.has("35,20") && !pixels.has("35,25"));
});

test("masks survive as polygons: drawn again they are the same pixels", () => {
  for (const one of strokes(8)) {
    const mask = applyStroke(null, one, SIZE);
    if (!mask) continue;
    const off = stroke([-50, -50], 1, true), // takes nothing
      again = applyStroke(squaresOf(mask), off, SIZE);
    assert.deepEqual(pixelsOf(again), pixelsOf(mask));
  }
});

test("a stroke only adds, an eraser only takes, and both stay inside the image", () => {
  const before = pixelsOf(applyStroke(SQUARE, stroke([20, 20], 1), SIZE));
  for (const one of strokes(12)) {
    const added = pixelsOf(applyStroke(SQUARE, one, SIZE)),
      taken = applyStroke(SQUARE, { ...one, erases: true }, SIZE);
    assert.ok(isSubset(before, added));
    assert.ok(taken === null || isSubset(pixelsOf(taken), before));
    for (const pixel of added) {
      const [x, y] = pixel.split(",").map(Number);
      assert.ok(x >= 0 && y >= 0 && x < SIZE.width && y < SIZE.height, pixel);
    }
  }
});

test("what a stroke painted, the same eraser takes away", () => {
  for (const one of strokes(6)) {
    const mask = applyStroke(null, one, SIZE);
    if (mask) assert.equal(applyStroke(squaresOf(mask), { ...one, erases: true }, SIZE), null);
  }
});

test("a hole stays open under a stroke beside it, and closes under one over it", () => {
  const beside = pixelsOf(applyStroke(WITH_HOLE, stroke([40, 20], 5), SIZE));
  assert.ok(!beside.has("20,20") && beside.has("12,12") && beside.has("40,20"));
  assert.ok(pixelsOf(applyStroke(WITH_HOLE, stroke([20, 20], 8), SIZE)).has("20,20"));
});

test("parts that overlap add up", () => {
  const mask = applyStroke([...SQUARE, [[20, 20, 40, 20, 40, 35, 20, 35]]], stroke([20, 20], 1), SIZE);
  assert.ok(pixelsOf(mask).has("25,25"));
  assert.equal(pixelsOf(mask).size, 20 * 20 + 20 * 15 - 10 * 10);
});

test("beside the image there is no mask, at its corner a part of one", () => {
  for (const points of [
    [-20, 20],
    [90, 20],
    [20, -20],
    [20, 70],
  ])
    assert.equal(applyStroke(null, stroke(points), SIZE), null);
  const corner = applyStroke(null, stroke([60, 40], 6), SIZE);
  assert.ok(pixelsOf(corner).has("59,39"));
  assert.ok(corner.x + corner.width <= 60 && corner.y + corner.height <= 40);
});

test("the next stroke begins from the mask itself, not from the coarser polygons made of it", () => {
  const mask = applyStroke(null, stroke([30, 20], 8), SIZE),
    coarse = [[[22, 12, 38, 12, 38, 28, 22, 28]]],
    off = stroke([0, 0], 1, true);
  const squared = pixelsOf(applyStroke(coarse, off, SIZE));
  mask.keep(coarse);
  const exact = pixelsOf(applyStroke(coarse, off, SIZE));
  assert.deepEqual(exact, pixelsOf(mask));
  assert.equal(squared.size, 256);
  assert.deepEqual(pixelsOf(applyStroke(structuredClone(coarse), off, SIZE)), squared); // others are what they look like
});

test("a lone point is a line of some length, which canvases draw", () => {
  const [dot] = strokePath([5, 6], { zoom: 2, x: 10, y: 20 }).lines;
  assert.deepEqual(dot.slice(0, 2), [20, 32]);
  assert.ok(dot.length === 4 && dot[2] > dot[0]);
  assert.deepEqual(strokePath([5, 6, 7, 8], { zoom: 2, x: 0, y: 0 }).lines, [[10, 12, 14, 16]]);
});

test("a mask's outline keeps every point; on screen those too close to see are left out", () => {
  const ring = [0, 0, 0.1, 0, 0.2, 0.1, 5, 0, 5, 5],
    drawn = (zoom, least) => {
      const path = new FlatPath();
      tracePolygons(path, { zoom, x: 0, y: 0 }, [[ring]], least);
      return path.lines[0].length / 2;
    };
  assert.equal(drawn(1, 0), 5);
  assert.equal(drawn(1, 0.7), 3);
  assert.equal(drawn(20, 0.7), 5);
});
