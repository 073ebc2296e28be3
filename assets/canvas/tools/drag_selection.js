// Moving the selected annotations and resizing one: shared by the tools that edit.

import { HANDLES, boxChanges, limitShift, resizeBox, shifted } from "../drawing/geometry.js";
import { handleAt } from "../drawing/handles.js";

const CURSORS = ["nwse-resize", "ns-resize", "nesw-resize", "ew-resize"];

export function createDrags({ store, selection, classes, stage }) {
  /** The handle of the only selected box at a screen point, as an index of HANDLES; -1 for none. */
  function selectedHandle(at) {
    const row = selection.only();
    return row && !classes.isHidden(row.class_id) ? handleAt(stage.view, row.xyxy, at) : -1;
  }

  /** @param {(at: number[]) => [object, number[]][]} placed  each annotation with its box, for a pointer position */
  function drag(label, placed) {
    let last = null;
    return {
      move(at) {
        last = placed(at);
        stage.setMoved(last.map(([row, xyxy]) => ({ ...row, ...boxChanges(row, xyxy) })));
      },
      end() {
        stage.moveEnds();
        if (!last) return;
        const ops = last
          .filter(([row, xyxy]) => store.isCurrent(row) && String(xyxy) !== String(row.xyxy))
          .map(([row, xyxy]) => ({ op: "set", id: row.id, changes: boxChanges(row, xyxy) }));
        if (ops.length) store.commit(label, ops);
      },
      cancel() {
        stage.moveEnds();
      },
    };
  }

  return {
    /** The cursor over a handle of the selection; null where there is none. */
    cursorAt(at) {
      const handle = selectedHandle(at);
      return handle < 0 ? null : CURSORS[handle % 4];
    },
    /** Start to resize when a handle is at the pointer; null otherwise. */
    resize(pointer) {
      const handle = selectedHandle(pointer.screen);
      if (handle < 0) return null;
      const row = selection.only();
      return drag("Resize box", (at) => [[row, resizeBox(row.xyxy, HANDLES[handle], at, stage.size)]]);
    },
    /** Start to move the selection. */
    move(pointer) {
      const rows = selection.rows(),
        boxes = rows.map((row) => row.xyxy);
      const label = rows.length === 1 ? "Move box" : `Move ${rows.length} boxes`;
      return drag(label, (at) => {
        const by = limitShift(boxes, [at[0] - pointer.at[0], at[1] - pointer.at[1]], stage.size);
        return rows.map((row) => [row, shifted(row.xyxy, by)]);
      });
    },
  };
}
