// Moving the selected annotations, resizing one and turning it: shared by the tools that edit.

import { HANDLES, boxChanges, limitShift, resizeBox, shifted } from "../drawing/geometry.js";
import { TURN, handleAt } from "../drawing/handles.js";
import { angleTo, frameChanges, frameOf, isTurned, resizeFrame } from "../drawing/turned.js";

const CURSORS = ["nwse-resize", "ns-resize", "nesw-resize", "ew-resize"];
const STEP_DEG = 15; // of an angle while Shift is held

export function createDrags({ store, selection, classes, stage }) {
  /** The handle of the only selected box at a screen point, as an index of HANDLES, or TURN; -1 for none. */
  function selectedHandle(at) {
    const row = selection.only();
    return row && !classes.isHidden(row.class_id) ? handleAt(stage.view, row, at) : -1;
  }

  /** @param {(at: number[], shift: boolean) => ?[object, object][]} placed  each annotation with its changes, for a
   *   pointer position; null leaves them where they are */
  function drag(label, placed) {
    let last = null;
    return {
      move(at, shift = false) {
        last = placed(at, shift) ?? last;
        if (last) stage.setMoved(last.map(([row, changes]) => ({ ...row, ...changes })));
      },
      end() {
        stage.moveEnds();
        if (!last) return;
        const ops = last
          .filter(([row, changes]) => store.isCurrent(row) && isOther(row, changes))
          .map(([row, changes]) => ({ op: "set", id: row.id, changes }));
        if (ops.length) store.commit(label, ops);
      },
      cancel() {
        stage.moveEnds();
      },
    };
  }

  /** Drag the frame of a turned box, or turn a plain one. */
  const dragFrame = (label, row, next) =>
    drag(label, (at, shift) => {
      const changes = frameChanges(row, next(frameOf(row), at, shift), stage.size);
      return changes && [[row, changes]];
    });

  return {
    /** The cursor over a handle of the selection; null where there is none. */
    cursorAt(at) {
      const handle = selectedHandle(at);
      if (handle < 0 || handle === TURN) return handle < 0 ? null : "grab";
      return CURSORS[(handle + Math.round(frameOf(selection.only()).deg / 45)) % 4];
    },
    /** Start to resize or turn when a handle is at the pointer; null otherwise. */
    resize(pointer) {
      const handle = selectedHandle(pointer.screen);
      if (handle < 0) return null;
      const row = selection.only();
      if (handle === TURN)
        return dragFrame("Turn box", row, (frame, at, shift) => ({
          ...frame,
          deg: angleTo(frame, at, shift ? STEP_DEG : 0),
        }));
      if (isTurned(row))
        return dragFrame("Resize box", row, (frame, at) => resizeFrame(frame, HANDLES[handle], at));
      return drag("Resize box", (at) => [[row, boxChanges(row, resizeBox(row.xyxy, HANDLES[handle], at, stage.size))]]);
    },
    /** Start to move the selection. */
    move(pointer) {
      const rows = selection.rows(),
        boxes = rows.map((row) => row.xyxy);
      const label = rows.length === 1 ? "Move box" : `Move ${rows.length} boxes`;
      return drag(label, (at) => {
        const by = limitShift(boxes, [at[0] - pointer.at[0], at[1] - pointer.at[1]], stage.size);
        return rows.map((row) => [row, boxChanges(row, shifted(row.xyxy, by))]);
      });
    },
  };
}

/** Do changes make an annotation another one? */
const isOther = (row, { xyxy, polygons = row.polygons }) =>
  String(xyxy) !== String(row.xyxy) || String(polygons) !== String(row.polygons);
