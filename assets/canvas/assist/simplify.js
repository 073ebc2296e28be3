// Fewer points on the selected polygons: shown with a slider before it is done.

import { polygonChanges, pointCount, simplify } from "../drawing/polygons.js";
import { signal } from "../document/signal.js";

export function createSimplify({ settings, stage, store, toast }) {
  const changed = signal();
  let rows = [],
    shown = []; // [row, changes] at the tolerance of now

  function place() {
    const tolerance = settings.get("simplify");
    shown = rows.map((row) => [row, polygonChanges(simplify(row.polygons, tolerance), stage.size) ?? {}]);
    stage.setMoved(shown.map(([row, changes]) => ({ ...row, ...changes })));
    changed.emit();
  }
  const count = (list) => list.reduce((sum, polygons) => sum + pointCount(polygons), 0);

  const api = {
    subscribe: changed.subscribe,
    get isOpen() {
      return rows.length > 0;
    },
    get text() {
      return "Simplify: Enter takes it, Esc drops it";
    },
    /** Points before and now. */
    get counts() {
      return [
        count(rows.map((row) => row.polygons)),
        count(shown.map(([row, { polygons }]) => polygons ?? row.polygons)),
      ];
    },
    open(list) {
      rows = list.filter((row) => row.polygons);
      if (rows.length) place();
    },
    setTolerance(value) {
      settings.set("simplify", value);
      if (rows.length) place();
    },
    take() {
      const ops = shown
        .filter(
          ([row, { polygons }]) => polygons && store.isCurrent(row) && pointCount(polygons) < pointCount(row.polygons),
        )
        .map(([row, changes]) => ({ op: "set", id: row.id, changes }));
      const [before, now] = api.counts;
      api.drop();
      if (!ops.length) return toast("No point can be removed at this tolerance.");
      return store.commit(`Simplify from ${before} to ${now} points`, ops);
    },
    drop() {
      if (!rows.length) return;
      rows = [];
      shown = [];
      stage.moveEnds();
      changed.emit();
    },
  };
  return api;
}
