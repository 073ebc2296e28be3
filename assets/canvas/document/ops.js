// The four ops that change a document, and their inverses. The server applies the same ones.
// A document is {rows: Map(id -> annotation), image: {state, caption, tags, notes, ...}}; annotations are frozen and replaced, never changed.

/** Apply ops in order, in place; returns the ops that take them back, in the order to apply them. */
export function applyOps(doc, ops) {
  const inverse = [];
  for (const op of ops) inverse.unshift(APPLY[op.op](doc, op));
  return inverse;
}

const APPLY = {
  add(doc, { annotation }) {
    if (doc.rows.has(annotation.id)) throw new Error(`annotation ${annotation.id} is already there`);
    doc.rows.set(annotation.id, Object.freeze({ ...annotation }));
    return { op: "delete", id: annotation.id };
  },
  set(doc, { id, changes }) {
    const row = known(doc, id);
    doc.rows.set(id, Object.freeze({ ...row, ...changes }));
    return { op: "set", id, changes: pick(row, changes) };
  },
  delete(doc, { id }) {
    const row = known(doc, id);
    doc.rows.delete(id);
    return { op: "add", annotation: row };
  },
  image(doc, { changes }) {
    const before = pick(doc.image, changes);
    doc.image = { ...doc.image, ...changes };
    return { op: "image", changes: before };
  },
};

function known(doc, id) {
  const row = doc.rows.get(id);
  if (!row) throw new Error(`no annotation ${id}`);
  return row;
}

const pick = (record, changes) => Object.fromEntries(Object.keys(changes).map((key) => [key, record[key] ?? null]));

/** Ids of the annotations that ops touch. */
export const touched = (ops) => new Set(ops.filter((op) => op.op !== "image").map((op) => op.id ?? op.annotation.id));

/**
 * Fit ops made on one version of an image onto another version.
 * An add whose id exists becomes a set; a set or delete whose annotation is gone is dropped and counted.
 *
 * @returns {{ops: object[], dropped: number}}
 */
export function rebase(rows, ops) {
  const doc = { rows: new Map(rows), image: {} },
    out = [];
  let dropped = 0;
  for (const op of ops) {
    let fitted = op;
    if (op.op === "add" && doc.rows.has(op.annotation.id)) {
      const { id, author, created_at, ...changes } = op.annotation; // the last two are the server's
      fitted = { op: "set", id, changes };
    } else if ((op.op === "set" || op.op === "delete") && !doc.rows.has(op.id)) {
      dropped += 1;
      continue;
    }
    applyOps(doc, [fitted]);
    out.push(fitted);
  }
  return { ops: out, dropped };
}

/** What differs between two versions of an image: ids only in one, and ids whose content differs. */
export function compare(mine, theirs) {
  const same = (a, b) =>
    a.class_id === b.class_id &&
    a.status === b.status &&
    String(a.xyxy) === String(b.xyxy) &&
    JSON.stringify(a.polygons ?? null) === JSON.stringify(b.polygons ?? null) &&
    JSON.stringify(a.attributes ?? null) === JSON.stringify(b.attributes ?? null);
  return {
    onlyMine: [...mine.keys()].filter((id) => !theirs.has(id)),
    onlyTheirs: [...theirs.keys()].filter((id) => !mine.has(id)),
    changed: [...mine.keys()].filter((id) => theirs.has(id) && !same(mine.get(id), theirs.get(id))),
  };
}
