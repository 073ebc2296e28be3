// Moving the selected annotations and resizing one: shared by the tools that edit.

import { HANDLES, boxChanges, bounds, limitShift, resizeBox } from "../geometry.js";
import { boxToScreen } from "../view.js";
import { HANDLE_SIZE } from "../overlay.js";

const SLACK = 3,
  CURSORS = ["nwse-resize", "ns-resize", "nesw-resize", "ew-resize"];

/** The handle of the only selected box at a screen point, as an index of HANDLES; -1 for none. */
export function handleAt(app, [x, y]) {
  const row = app.selection.only();
  if (!row || app.classes.isHidden(row.class_id)) return -1;
  const [x1, y1, x2, y2] = boxToScreen(app.stage.view, row.xyxy),
    near = HANDLE_SIZE / 2 + SLACK;
  return HANDLES.findIndex(([hx, hy]) => {
    if ((hx === 0.5 && x2 - x1 < 28) || (hy === 0.5 && y2 - y1 < 28)) return false;
    return Math.abs(x - (x1 + (x2 - x1) * hx)) <= near && Math.abs(y - (y1 + (y2 - y1) * hy)) <= near;
  });
}

export const handleCursor = (index) => CURSORS[index % 4];

/** Start to resize when a handle is at the pointer; null otherwise. */
export function startResize(app, pointer) {
  const handle = handleAt(app, pointer.screen);
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
    return rows.map((row) => [row, shifted(row.xyxy, dx, dy)]);
  });
}

export const shifted = (box, dx, dy) => [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];

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
        .filter(([row, xyxy]) => app.store.rows.get(row.id) === row && String(xyxy) !== String(row.xyxy))
        .map(([row, xyxy]) => ({ op: "set", id: row.id, changes: boxChanges(row, xyxy) }));
      if (ops.length) app.store.commit(label, ops);
    },
    cancel() {
      app.stage.moveEnds();
    },
    box: () => bounds(rows.map((row) => row.xyxy)),
  };
}
