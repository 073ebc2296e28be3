// The browser's canvas as far as masks need it: paths that are filled and stroked, a pixel on or off by its centre.

import { insidePolygons } from "../../assets/canvas/drawing/polygons.js";

export class FlatPath {
  lines = [];
  moveTo(x, y) {
    this.lines.push([x, y]);
  }
  lineTo(x, y) {
    this.lines.at(-1).push(x, y);
  }
  closePath() {}
}

/** Distance of a point to an open line of at least two points. */
function distance(x, y, line) {
  let least = Infinity;
  for (let i = 2; i < line.length; i += 2) {
    const ax = line[i - 2],
      ay = line[i - 1],
      bx = line[i],
      by = line[i + 1],
      length = (bx - ax) ** 2 + (by - ay) ** 2,
      t = length ? Math.min(Math.max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0), 1) : 0;
    least = Math.min(least, Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)));
  }
  return least;
}

class FlatContext {
  globalCompositeOperation = "source-over";
  lineWidth = 1;
  shift = [0, 0];
  constructor(sheet) {
    this.sheet = sheet;
    this.rgba = new Uint8ClampedArray(4 * sheet.width * sheet.height);
  }
  translate(x, y) {
    this.shift = [x, y];
  }
  #paint(isOn) {
    const { width, height } = this.sheet,
      value = this.globalCompositeOperation === "destination-out" ? 0 : 255;
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (isOn(x + 0.5 - this.shift[0], y + 0.5 - this.shift[1])) this.rgba[4 * (y * width + x) + 3] = value;
  }
  fill({ lines }) {
    this.#paint((x, y) => insidePolygons([lines], [x, y]));
  }
  stroke({ lines }) {
    this.#paint((x, y) => lines.some((line) => distance(x, y, line) <= this.lineWidth / 2));
  }
  drawImage(sheet, left, top) {
    const { rgba } = sheet.getContext();
    this.#paint((x, y) => {
      const [column, line] = [Math.floor(x - left), Math.floor(y - top)];
      const isInside = column >= 0 && line >= 0 && column < sheet.width && line < sheet.height;
      return isInside && rgba[4 * (line * sheet.width + column) + 3] > 0;
    });
  }
  getImageData() {
    return { data: this.rgba };
  }
}

class Sheet {
  getContext() {
    return (this.context ??= new FlatContext(this));
  }
}

/** Give Node these canvases for the tests of a file. */
export function giveCanvases() {
  globalThis.Path2D = FlatPath;
  globalThis.document = { hidden: false, createElement: () => new Sheet() };
}

/** The pixels of a mask as "x,y" in the image. */
export function pixelsOf({ x, y, height, counts }) {
  const on = new Set();
  let at = 0;
  counts.forEach((run, i) => {
    for (const end = at + run; at < end; at++) if (i % 2) on.add(`${x + Math.floor(at / height)},${y + (at % height)}`);
  });
  return on;
}

/** Polygons of exactly the pixels of a mask: a square for each. */
export const squaresOf = (mask) =>
  [...pixelsOf(mask)].map((pixel) => {
    const [x, y] = pixel.split(",").map(Number);
    return [[x, y, x + 1, y, x + 1, y + 1, x, y + 1]];
  });
