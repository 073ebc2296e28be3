// Strokes of brush and eraser on their way to the server and back. They are traced one after the other, each on
// the outcome of the one before; each is one undo step.

import { boxPolygons, polygonChanges } from "../drawing/polygons.js";
import { applyStroke } from "../drawing/raster.js";

/**
 * @typedef {{points: number[], radius: number, erases: boolean, imageId: number, target: ?string, follows: boolean}} Stroke
 *   one that follows and has no target paints what the stroke before it made
 */
export function createStrokes(app) {
  let waiting = [],
    chain = Promise.resolve(),
    last = null; // id of the annotation that a stroke without a target made

  async function take(stroke) {
    try {
      const target = stroke.target ?? (stroke.follows ? last : null);
      if (app.store.image?.id === stroke.imageId) last = await traced(app, { ...stroke, target });
    } catch (error) {
      app.tell(error);
    } finally {
      waiting = waiting.filter((other) => other !== stroke);
      app.stage.frame();
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
async function traced(app, stroke) {
  const row = app.store.rows.get(stroke.target) ?? null;
  if (stroke.erases && !row) return null;
  const held = row?.polygons ?? (row && stroke.erases ? boxPolygons(row.xyxy) : null); // a box begins as what is painted
  const mask = applyStroke(held, stroke, app.stage.size);
  if (!mask) {
    if (row) app.store.commit("Erase all of it", [{ op: "delete", id: row.id }]);
    return null;
  }
  const { keep, ...runs } = mask;
  const answer = await app.ask(
    "Trace the mask",
    "mask_to_polygons",
    { ...runs, tolerance: app.settings.get("tolerance") },
    { ofImage: false },
  );
  const changes = answer?.polygons.length ? polygonChanges(answer.polygons, app.stage.size) : null;
  if (!changes || (row && !app.store.isCurrent(row))) return row?.id ?? null; // cancelled, or edited meanwhile
  keep(changes.polygons);
  return row ? setMask(app, row, changes, stroke.erases) : addMask(app, changes);
}

function setMask(app, row, changes, erases) {
  app.store.commit(erases ? "Erase" : "Paint", [{ op: "set", id: row.id, changes }]);
  return row.id;
}

function addMask(app, changes) {
  const row = app.newRow(changes.xyxy);
  if (!row) return null;
  app.store.commit("Paint mask", [{ op: "add", annotation: { ...row, ...changes } }]);
  app.selection.set([row.id]);
  app.naming.named([row.id]);
  return row.id;
}
