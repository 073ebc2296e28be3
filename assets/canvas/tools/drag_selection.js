// Moving the selected annotations and resizing one: shared by the tools that edit.

import { HANDLES, boxChanges, limitShift, resizeBox, shifted } from "../drawing/geometry.js";
import { handleAt } from "../drawing/handles.js";

const CURSORS = ["nwse-resize", "ns-resize", "nesw-resize", "ew-resize"];

/** The handle of the only selected box at a screen point, as an index of HANDLES; -1 for none. */
export function selectedHandleAt(app, at) {
  const row = app.selection.only();
  return row && !app.classes.isHidden(row.class_id) ? handleAt(app.stage.view, row.xyxy, at) : -1;
}

export const handleCursor = (index) => CURSORS[index % 4];

/** Start to resize when a handle is at the pointer; null otherwise. */
export function startResize(app, pointer) {
  const handle = selectedHandleAt(app, pointer.screen);
  if (handle < 0) return null;
  const row = app.selection.only();
  return drag(app, "Resize box", [row], (at) => [[row, resizeBox(row.xyxy, HANDLES[handle], at, app.stage.size)]]);
}

/** Start to move the selection. */
export function startMove(app, pointer) {
  const rows = app.selection.rows(),
    boxes = rows.map((row) => row.xyxy);
  const label = rows.length === 1 ? "Move box" : `Move ${rows.length} boxes`;
  return drag(app, label, rows, (at) => {
    const [dx, dy] = limitShift(boxes, [at[0] - pointer.at[0], at[1] - pointer.at[1]], app.stage.size);
    return rows.map((row) => [row, shifted(row.xyxy, [dx, dy])]);
  });
}

function drag(app, label, rows, placed) {
  let last = null;
  return {
    move(at) {
      last = placed(at);
      app.stage.setMoved(last.map(([row, xyxy]) => ({ ...row, ...boxChanges(row, xyxy) })));
    },
    end() {
      app.stage.moveEnds();
      if (!last) return;
      const ops = last
        .filter(([row, xyxy]) => app.store.isCurrent(row) && String(xyxy) !== String(row.xyxy))
        .map(([row, xyxy]) => ({ op: "set", id: row.id, changes: boxChanges(row, xyxy) }));
      if (ops.length) app.store.commit(label, ops);
    },
    cancel() {
      app.stage.moveEnds();
    },
  };
}
