// Arrow-key nudges: many key presses, one undo step once the keys rest.

import { boxChanges, shifted } from "../drawing/geometry.js";

const REST_MS = 400;

export function createNudges({ stage, store }) {
  let rows = [],
    total = [0, 0],
    timer = null;

  const placed = () => rows.map((row) => [row, boxChanges(row, shifted(row.xyxy, total))]);

  function flush() {
    clearTimeout(timer);
    if (!rows.length) return;
    const ops = placed()
      .filter(([row]) => store.isCurrent(row))
      .map(([row, changes]) => ({ op: "set", id: row.id, changes }));
    const label = rows.length === 1 ? "Nudge box" : `Nudge ${rows.length} boxes`;
    rows = [];
    total = [0, 0];
    stage.moveEnds();
    if (ops.length) store.commit(label, ops);
  }

  return {
    get isOpen() {
      return rows.length > 0;
    },
    /** Where the nudged annotations are now, before the step is made. */
    boxes: (selected) => selected.map((row) => shifted(row.xyxy, total)),
    push(selected, [dx, dy]) {
      if (rows.length && (rows.length !== selected.length || rows.some((row, i) => row !== selected[i]))) flush();
      rows = selected;
      total = [total[0] + dx, total[1] + dy];
      stage.setMoved(placed().map(([row, changes]) => ({ ...row, ...changes })));
      clearTimeout(timer);
      timer = setTimeout(flush, REST_MS);
    },
    flush,
  };
}
