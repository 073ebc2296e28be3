// Which annotation is under a point, by a grid of buckets: microseconds at 20,000 boxes.

import { area, meets } from "./geometry.js";
import { covers } from "./polygons.js";

const MANY_CELLS = 256; // a box over more cells than this is kept in one short list instead

/** @param {Iterable<{id: string, xyxy: number[]}>} rows @param {number} cell bucket side in image pixels */
export function createIndex(rows, cell = 128) {
  const buckets = new Map(),
    large = [];
  const span = (box) => [box[0], box[1], box[2], box[3]].map((v) => Math.floor(v / cell));
  const key = (column, line) => column * 1_048_576 + line;

  for (const row of rows) {
    const [c1, l1, c2, l2] = span(row.xyxy);
    if ((c2 - c1 + 1) * (l2 - l1 + 1) > MANY_CELLS) {
      large.push(row);
      continue;
    }
    for (let c = c1; c <= c2; c++)
      for (let l = l1; l <= l2; l++) {
        const k = key(c, l),
          list = buckets.get(k);
        if (list) list.push(row);
        else buckets.set(k, [row]);
      }
  }

  return {
    /** The smallest annotation at a point that `accept` lets through, or null. */
    at(point, accept = () => true) {
      const near = buckets.get(key(Math.floor(point[0] / cell), Math.floor(point[1] / cell))) ?? [];
      let best = null;
      for (const list of [near, large])
        for (const row of list) {
          if ((!best || area(row.xyxy) < area(best.xyxy)) && covers(row, point) && accept(row)) best = row;
        }
      return best;
    },
    /** Every annotation that meets a box. */
    inside(box, accept = () => true) {
      const [c1, l1, c2, l2] = span(box),
        found = new Set(large.filter((row) => meets(row.xyxy, box)));
      for (let c = c1; c <= c2; c++)
        for (let l = l1; l <= l2; l++) {
          for (const row of buckets.get(key(c, l)) ?? []) if (meets(row.xyxy, box)) found.add(row);
        }
      return [...found].filter(accept);
    },
  };
}
