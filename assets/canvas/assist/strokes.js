// Strokes of brush and eraser on their way to the server and back. They are traced one after the other, each on
// the outcome of the one before; each is one undo step.

import { boxPolygons, polygonChanges } from "../drawing/polygons.js";
import { applyStroke } from "../drawing/raster.js";

/**
 * @typedef {{points: number[], radius: number, erases: boolean, imageId: number, target: ?string, follows: boolean}} Stroke
 *   one that follows and has no target paints what the stroke before it made
 */
export function createStrokes(parts) {
  const { store, stage, tell } = parts;
  let waiting = [],
    chain = Promise.resolve(),
    last = null; // id of the annotation that a stroke without a target made

  async function take(stroke) {
    try {
      const target = stroke.target ?? (stroke.follows ? last : null);
      if (store.image?.id === stroke.imageId) last = await traced(parts, { ...stroke, target });
    } catch (error) {
      tell(error);
    } finally {
      waiting = waiting.filter((other) => other !== stroke);
      stage.frame();
    }
  }
  return {
    list: () => waiting,
    get size() {
      return waiting.length;
    },
    /** @param {Stroke} stroke */
    add(stroke) {
      waiting = [...waiting, stroke];
      chain = chain.then(() => take(stroke));
    },
  };
}

/** Make a stroke part of its annotation's mask. @returns {Promise<?string>} id of the annotation */
async function traced(parts, stroke) {
  const { store, settings, stage, ask } = parts;
  const row = store.rows.get(stroke.target) ?? null;
  if (stroke.erases && !row) return null;
  const held = row?.polygons ?? (row && stroke.erases ? boxPolygons(row.xyxy) : null); // a box begins as what is painted
  const mask = applyStroke(held, stroke, stage.size);
  if (!mask) {
    if (row && stroke.erases) store.commit("Erase all of it", [{ op: "delete", id: row.id }]);
    return null;
  }
  const { keep, ...runs } = mask;
  const answer = await ask(
    "Trace the mask",
    "mask_to_polygons",
    { ...runs, tolerance: settings.get("tolerance") },
    { ofImage: false },
  );
  const changes = answer?.polygons.length ? polygonChanges(answer.polygons, stage.size) : null;
  if (!changes || (row && !store.isCurrent(row))) return row?.id ?? null; // cancelled, or edited meanwhile
  keep(changes.polygons);
  return row ? setMask(store, row, changes, stroke.erases) : addMask(parts, changes);
}

function setMask(store, row, changes, erases) {
  store.commit(erases ? "Erase" : "Paint", [{ op: "set", id: row.id, changes }]);
  return row.id;
}

function addMask({ store, selection, naming, newRow }, changes) {
  const row = newRow(changes.xyxy);
  if (!row) return null;
  store.commit("Paint mask", [{ op: "add", annotation: { ...row, ...changes } }]);
  selection.set([row.id]);
  naming.named([row.id]);
  return row.id;
}
