// How often each value of 8 bits occurs in a picture, and the window that nearly all of them lie in.

const SIDE = 256, // pixels of the copy that is counted: more do not change the picture of it
  OUTLIERS = 0.001; // of all values at each end, as the server leaves out for deep images

/** Counts of the values 0 to 255, of all colours together. */
export function countsOf(bitmap) {
  const sheet = document.createElement("canvas");
  Object.assign(sheet, { width: SIDE, height: SIDE });
  const g = sheet.getContext("2d", { willReadFrequently: true });
  g.drawImage(bitmap, 0, 0, SIDE, SIDE);
  return countValues(g.getImageData(0, 0, SIDE, SIDE).data);
}

/** Counts of the values of RGBA pixels; how much a pixel covers counts for none. */
export function countValues(data) {
  const counts = new Array(256).fill(0);
  for (let i = 0; i < data.length; i++) if (i % 4 !== 3) counts[data[i]] += 1;
  return counts;
}

/** The values between which nearly all of the counted ones lie. @returns {[number, number]} */
export function nearlyAll(counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const reach = (order) => {
    let seen = 0;
    return order.find((value) => (seen += counts[value]) > total * OUTLIERS) ?? order[0];
  };
  const up = counts.map((_, value) => value),
    [low, high] = [reach(up), reach([...up].reverse())];
  return low < high ? [low, high] : [0, counts.length - 1];
}
