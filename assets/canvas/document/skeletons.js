// The key points of a class as a person types them: a name a line, and an edge a line as two names with " - " between.

/** The 17 key points of COCO's persons. Source: https://cocodataset.org/#format-data, and its annotation files. */
export const PERSON = {
  names: [
    "nose",
    ...["eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"].flatMap((part) => [
      `left_${part}`,
      `right_${part}`,
    ]),
  ],
  edges: [
    ...[[15, 13], [13, 11], [16, 14], [14, 12], [11, 12], [5, 11], [6, 12], [5, 6], [5, 7], [6, 8]],
    ...[[7, 9], [8, 10], [1, 2], [0, 1], [0, 2], [1, 3], [2, 4], [3, 5], [4, 6]],
  ],
};

const BETWEEN = " - ";

const linesOf = (text) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

export const namesText = ({ names }) => names.join("\n");
export const edgesText = ({ names, edges }) => edges.map(([a, b]) => names[a] + BETWEEN + names[b]).join("\n");

/** The skeleton that two texts say. Throws an error that names the line which does not. */
export function skeletonOf(namesTyped, edgesTyped) {
  const names = linesOf(namesTyped),
    twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new Error(`Two key points are called ${twice}; give each a name of its own.`);
  return { names, edges: linesOf(edgesTyped).map((line) => edgeOf(line, names)) };
}

/** A name may hold " - " itself: the place where both sides are names counts. */
function edgeOf(line, names) {
  for (let at = line.indexOf(BETWEEN); at >= 0; at = line.indexOf(BETWEEN, at + 1)) {
    const ends = [line.slice(0, at), line.slice(at + BETWEEN.length)].map((name) => names.indexOf(name.trim()));
    if (!ends.includes(-1)) return ends;
  }
  throw new Error(`“${line}” is no edge; write two of the names above with “ - ” between them.`);
}
