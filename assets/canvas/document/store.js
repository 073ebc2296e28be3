// The open image's document and its history: annotations, image state, undo, redo. No DOM, no network.

import { applyOps, touched } from "./ops.js";
import { signal } from "./signal.js";

/** The server takes at most this many ops a request (tator/editing/checks.py). */
export const OPS_LIMIT = 2000;

/**
 * @typedef {{id: string, class_id: number, xyxy: number[], polygons: ?number[][][], confidence: ?number,
 *   source: string, status: string, author?: string, attributes?: object}} Annotation
 * @typedef {{label: string, forward: object[], inverse: object[]}} Entry  one step of history
 */

export function createStore() {
  const doc = { rows: new Map(), image: null };
  const changed = signal(),
    edited = signal();
  let undone = [],
    done = [],
    version = 0;

  const show = (ids) => {
    version += 1;
    changed.emit({ ids });
  };

  function step(kind, label, ops) {
    show(touched(ops));
    edited.emit({ imageId: doc.image.id, kind, label, ops });
  }

  function commitPart(label, ops) {
    const stateful = doc.image.state === "new" && !ops.some((op) => op.op === "image");
    const forward = stateful ? [{ op: "image", changes: { state: "in_progress" } }, ...ops] : ops;
    const inverse = applyOps(doc, forward);
    done.push({ label, forward, inverse });
    undone = [];
    step("edit", label, forward);
  }

  function travel(kind, from, to, side) {
    const entry = from.pop();
    if (!entry) return null;
    applyOps(doc, entry[side]);
    to.push(entry);
    step(kind, entry.label, entry[side]);
    return entry;
  }

  return {
    /** Map(id -> annotation) in drawing order; read only. */
    get rows() {
      return doc.rows;
    },
    get image() {
      return doc.image;
    },
    get version() {
      return version;
    },
    get canUndo() {
      return done.length > 0;
    },
    get canRedo() {
      return undone.length > 0;
    },
    get nextUndo() {
      return done.at(-1)?.label ?? "";
    },
    /** The batch of many images that the next undo takes back; "" for none. */
    get nextBatch() {
      return done.at(-1)?.batch ?? "";
    },
    get nextRedo() {
      return undone.at(-1)?.label ?? "";
    },
    /** Is this annotation still as it was: neither edited nor deleted since? */
    isCurrent: (row) => doc.rows.get(row.id) === row,
    /** Called with {ids} after every change of the document, {ids: null} after a load. */
    subscribe: changed.subscribe,
    /** Called with {imageId, kind, label, ops} for every step that has to be saved. */
    onEdit: edited.subscribe,

    /** Show what image_open answered; history continues where the journal ends. */
    load(opened) {
      doc.rows = new Map(opened.annotations.map((row) => [row.id, Object.freeze({ ...row })]));
      doc.image = {
        id: opened.image_id,
        dataset: opened.dataset,
        name: opened.name,
        width: opened.width,
        height: opened.height,
        state: opened.state,
        caption: opened.caption ?? null,
        tags: opened.tags ?? null,
        notes: opened.notes ?? null,
      };
      done = [...(opened.undo ?? [])];
      undone = [...(opened.redo ?? [])];
      show(null);
    },

    /** Show no image. */
    clear() {
      doc.rows = new Map();
      doc.image = null;
      done = [];
      undone = [];
      show(null);
    },

    /** One user-visible step; the first on a new image also sets its state to in_progress. */
    commit(label, ops) {
      for (let i = 0; i < ops.length; i += OPS_LIMIT - 1) commitPart(label, ops.slice(i, i + OPS_LIMIT - 1));
    },

    /** Repeat a step that was made before but is not saved yet (after a reload); nothing is sent. */
    replay({ kind, label, ops }) {
      const inverse = applyOps(doc, ops);
      if (kind === "undo") undone.push(done.pop() ?? { label, forward: inverse, inverse: ops });
      else if (kind === "redo") done.push(undone.pop() ?? { label, forward: ops, inverse });
      else {
        done.push({ label, forward: ops, inverse });
        undone = [];
      }
      show(touched(ops));
    },

    undo: () => travel("undo", done, undone, "inverse"),
    redo: () => travel("redo", undone, done, "forward"),
  };
}
