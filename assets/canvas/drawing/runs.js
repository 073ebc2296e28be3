// Run lengths of a mask, column by column as in COCO: off, on, off, ... Pure arithmetic, no DOM.

/** An RGBA pixel belongs to the mask from half of full opacity on: its centre is covered. */
const HALF = 128;

/**
 * Run lengths of the opaque pixels of a picture.
 *
 * @param {Uint8ClampedArray} rgba  width x height pixels, row by row
 * @returns {{counts: number[], on: number}}  `on` is the number of pixels in the mask
 */
export function runsOf(rgba, width, height) {
  const counts = [];
  let value = false,
    run = 0,
    on = 0;
  for (let x = 0; x < width; x++)
    for (let i = 4 * x + 3, end = i + 4 * width * height; i < end; i += 4 * width) {
      const next = rgba[i] >= HALF;
      if (next !== value) {
        counts.push(run);
        run = 0;
        value = next;
      }
      run += 1;
      if (next) on += 1;
    }
  counts.push(run);
  return { counts, on };
}
