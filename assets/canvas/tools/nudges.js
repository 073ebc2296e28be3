// Arrow-key nudges: many key presses, one undo step once the keys rest.

import { boxChanges, limitShift, shifted } from "../drawing/geometry.js";

const REST_MS = 400;

export function createNudges({ stage, store }) {
  let rows = [],
    total = [0, 0],
    timer = null;

  const isSame = (selected) => rows.length === selected.length && rows.every((row, i) => row === selected[i]);
  const placed = () => rows.map((row) => [row, boxChanges(row, shifted(row.xyxy, total))]);

  function flush() {
    clearTimeout(timer);
    if (!rows.length) return;
    const ops = placed()
      .filter(([row, { xyxy }]) => store.isCurrent(row) && String(xyxy) !== String(row.xyxy))
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
    /** Move annotations as far as the image lets them; others than before end the step before. */
    push(selected, by) {
      if (!isSame(selected)) {
        flush();
        rows = selected.map((row) => store.rows.get(row.id) ?? row);
      }
      const boxes = rows.map((row) => shifted(row.xyxy, total)),
        [dx, dy] = limitShift(boxes, by, stage.size);
      total = [total[0] + dx, total[1] + dy];
      stage.setMoved(placed().map(([row, changes]) => ({ ...row, ...changes })));
      clearTimeout(timer);
      timer = setTimeout(flush, REST_MS);
    },
    flush,
  };
}
