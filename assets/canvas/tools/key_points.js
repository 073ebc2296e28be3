// Key points of the selected annotation: drag them, click to place the next missing one, Alt-click to hide or show one.

import { chip } from "../drawing/chips.js";
import { paintDot } from "../drawing/handles.js";
import { nextMissing, pointAt, pointChanges, pointName, pointsOf } from "../drawing/keypoints.js";
import { covers } from "../drawing/polygons.js";
import { toScreen } from "../drawing/view.js";

const NEAR = 9; // screen pixels from a point

export function keyPoints({ store, selection, classes, stage, toast }) {
  let picked = 0, // index of the point that is placed next, or that keys move
    over = -1,
    dragging = null; // {row, points, index, v, changes}
  const target = () => {
    const row = selection.only();
    return row && !classes.isHidden(row.class_id) ? row : null;
  };
  const skeletonOf = (row) => classes.of(row.class_id).skeleton;
  const held = () => (target() ? pointsOf(target(), skeletonOf(target())) : []);
  const at = () => (picked < held().length ? picked : 0);

  function put(label, index, point) {
    const row = target();
    store.commit(label, [{ op: "set", id: row.id, changes: pointChanges(row, held(), index, point, stage.size) }]);
    stage.frame();
  }

  function pickOther(p) {
    const hit = stage.hit(p.at);
    selection.set(hit ? [hit.id] : []);
    picked = Math.max(0, nextMissing(held()));
    if (hit && !held().length) toast(`Class ${classes.of(hit.class_id).name} has no key points yet: name them in Classes.`);
  }

  const tool = {
    id: "key_points",
    cursor: () => (over >= 0 ? "grab" : target() && !held()[at()]?.[2] ? "crosshair" : "default"),
    get isBusy() {
      return Boolean(dragging?.changes);
    },
    /** Are there key points that keys can reach? */
    get hasPoints() {
      return held().length > 0;
    },
    get isPlaced() {
      return Boolean(held()[at()]?.[2]);
    },
    onEnter() {
      picked = Math.max(0, nextMissing(held()));
    },
    /** Pick the next or previous point. */
    step(by) {
      picked = (at() + by + held().length) % held().length;
      stage.frame();
    },
    /** Move the picked point; one that is missing comes into the middle of the box. */
    nudge(dx, dy) {
      const [x1, y1, x2, y2] = target().xyxy,
        [x, y, v] = held()[at()];
      put("Move key point", at(), v ? [x + dx, y + dy, v] : [(x1 + x2) / 2, (y1 + y2) / 2, 2]);
    },
    /** Make the picked point hidden, or seen again. */
    toggle(index = at()) {
      const [x, y, v] = held()[index];
      if (v) put(v === 2 ? "Hide key point" : "Show key point", index, [x, y, 3 - v]);
    },
    remove: () => put("Remove key point", at(), [0, 0, 0]),
    onPointerDown(p) {
      const row = target(),
        points = held(),
        found = pointAt(points, p.at, NEAR / stage.view.zoom);
      if (found >= 0 && p.alt) return tool.toggle(found);
      const free = points[at()]?.[2] ? nextMissing(points, at()) : points.length ? at() : -1;
      const index = found >= 0 ? found : free;
      const isElsewhere = found < 0 && row && !covers(row, p.at) && stage.hit(p.at); // what lies upon the object is no obstacle
      if (!row || index < 0 || isElsewhere) return pickOther(p);
      picked = index;
      dragging = { row, points, index, v: found >= 0 ? points[index][2] : p.alt ? 1 : 2, isNew: found < 0, changes: null };
      if (found < 0) tool.onPointerMove(p);
      return undefined;
    },
    onPointerMove(p) {
      if (!dragging) {
        over = pointAt(held(), p.at, NEAR / stage.view.zoom);
        selection.setHover(over < 0 ? (stage.hit(p.at)?.id ?? null) : null);
        return;
      }
      const { row, points, index, v } = dragging;
      dragging.changes = pointChanges(row, points, index, [...p.at, v], stage.size);
      stage.setMoved([{ ...row, ...dragging.changes }]);
    },
    onPointerUp() {
      const done = dragging;
      dragging = null;
      stage.moveEnds();
      if (!done?.changes || !store.isCurrent(done.row)) return;
      store.commit(done.isNew ? "Place key point" : "Move key point", [
        { op: "set", id: done.row.id, changes: done.changes },
      ]);
      if (done.isNew) picked = Math.max(0, nextMissing(held(), done.index));
    },
    onCancel() {
      dragging = null;
      over = -1;
      stage.moveEnds();
    },
    paint(g, scene) {
      const row = scene.selected.length === 1 ? scene.selected[0] : null;
      if (!row) return;
      const { color, skeleton } = scene.classes.of(row.class_id),
        points = pointsOf(row, skeleton);
      for (const index of new Set([over, at()].filter((i) => points[i]?.[2]))) {
        const [x, y] = toScreen(scene.view, points[index]);
        paintDot(g, [x, y], 5.5, color, points[index][2] === 2);
        chip(g, scene.screen, [x + 8, y], pointName(skeleton, index), color);
      }
      const isMissing = points.length > 0 && !points[at()][2];
      if (isMissing && over < 0 && scene.cursor) {
        const [x, y] = toScreen(scene.view, scene.cursor);
        chip(g, scene.screen, [x + 12, y], `place ${pointName(skeleton, at())}`, color);
      }
    },
  };
  return tool;
}
