// Points of the selected polygon: drag them, drag or click an edge to add one, Alt-click or Delete to remove one.

import { distance, pointInside } from "../drawing/geometry.js";
import { edge, edgeAt, insertVertex, moveVertex, polygonChanges, removeVertex, vertexAt } from "../drawing/polygons.js";
import { paintPoints } from "../drawing/handles.js";

const NEAR = 8, // screen pixels from a point or an edge
  STILL = 3;

export function editPolygon({ store, selection, classes, stage, drags, toast }) {
  let dragging = null,
    over = null, // {place, at?}: a point, or with `at` where one would be added
    picked = null; // {id, place}: the point that Delete removes
  const target = () => {
    const row = selection.only();
    return row?.polygons && !classes.isHidden(row.class_id) ? row : null;
  };
  const chosen = () => (picked && picked.row === target() ? picked.place : null);
  const inImage = (at) => pointInside(at, stage.size);

  /** The point or the place on an edge under the pointer. */
  function find(row, at) {
    const reach = NEAR / stage.view.zoom,
      place = vertexAt(row.polygons, at, reach);
    if (place) return { place };
    const found = edgeAt(row.polygons, at, reach);
    if (!found) return null;
    const [ax, ay, bx, by] = edge(row.polygons[found.p][found.r], found.v - 1),
      middle = [(ax + bx) / 2, (ay + by) / 2];
    const isNear = distance(found.at, middle) <= reach;
    return { place: found, at: isNear ? middle : found.at };
  }

  function commit(row, polygons, label) {
    const changes = polygons && polygonChanges(polygons, stage.size);
    if (!changes) return toast("A polygon needs at least three points; Delete with no point picked removes it.", "warn");
    if (store.isCurrent(row)) store.commit(label, [{ op: "set", id: row.id, changes }]);
    return undefined;
  }

  function remove(row, place) {
    picked = null;
    over = null;
    commit(row, removeVertex(row.polygons, place), "Remove point");
  }

  /** Drag a point from where it is; `polygons` already hold it. */
  function dragPoint(row, polygons, place, label) {
    let now = polygons;
    const show = () => stage.setMoved([{ ...row, ...(polygonChanges(now, stage.size) ?? {}) }]);
    show();
    return {
      place,
      move(at) {
        now = moveVertex(polygons, place, inImage(at));
        show();
      },
      end(travelled) {
        stage.moveEnds();
        if (travelled || polygons !== row.polygons) commit(row, now, label);
        picked = { row: target(), place };
      },
      cancel: () => stage.moveEnds(),
    };
  }

  let start = null,
    travelled = false;
  const forget = () => {
    dragging = start = null;
    travelled = false;
  };
  return {
    id: "edit_polygon",
    relabels: true,
    cursor: () => (over ? (over.at ? "copy" : "grab") : selection.hover ? "move" : "default"),
    get isBusy() {
      return Boolean(dragging && travelled);
    },
    get hasPoint() {
      return chosen() !== null;
    },
    removePoint: () => remove(target(), chosen()),
    onPointerDown(p) {
      start = p;
      const row = target(),
        found = row && find(row, p.at);
      if (found && p.alt && !found.at) return remove(row, found.place);
      if (found) {
        const polygons = found.at ? insertVertex(row.polygons, found.place, found.at) : row.polygons;
        dragging = dragPoint(row, polygons, found.place, found.at ? "Add point" : "Move point");
        return undefined;
      }
      picked = null;
      const hit = stage.hit(p.at);
      selection.set(hit ? [hit.id] : []);
      dragging = hit && drags.move(p);
      return undefined;
    },
    onPointerMove(p) {
      if (!start) {
        const row = target();
        over = row ? find(row, p.at) : null;
        selection.setHover(over ? null : (stage.hit(p.at)?.id ?? null));
        return;
      }
      travelled ||= distance(p.screen, start.screen) > STILL;
      if (travelled) dragging?.move(p.at);
    },
    onPointerUp() {
      if (dragging?.place) dragging.end(travelled);
      else if (travelled) dragging?.end();
      else dragging?.cancel();
      forget();
    },
    onCancel() {
      dragging?.cancel();
      picked = over = null;
      forget();
    },
    paint(g, scene) {
      const row = scene.selected.length === 1 ? scene.selected[0] : null;
      if (row?.polygons)
        paintPoints(g, scene, row, { over: dragging ? null : over, picked: dragging?.place ?? chosen() });
    },
  };
}
