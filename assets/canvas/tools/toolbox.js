// Which tool is in hand. Ctrl lends the select tool to any other for one drag.

import { signal } from "../document/signal.js";
import { createDrags } from "./drag_selection.js";
import { select } from "./select.js";
import { drawBox, smartBox } from "./draw_box.js";
import { drawTurned } from "./draw_turned.js";
import { point } from "./point.js";
import { multiPoint } from "./multi_point.js";
import { drawPolygon } from "./draw_polygon.js";
import { editPolygon } from "./edit_polygon.js";
import { brush, eraser } from "./brush.js";
import { exemplar } from "./exemplar.js";
import { review } from "./review.js";
import { keyPoints } from "./key_points.js";
import { pan } from "./pan.js";

const ALL = [
  select,
  drawBox,
  smartBox,
  drawTurned,
  point,
  multiPoint,
  drawPolygon,
  editPolygon,
  brush,
  eraser,
  exemplar,
  review,
  keyPoints,
  pan,
];

/** @param {object} parts  what the tools use, and `beforeEdit`, which finishes what is half done */
export function createTools(parts) {
  const { beforeEdit } = parts,
    held = { ...parts, drags: createDrags(parts), useTool: (id) => api.use(id) };
  const tools = Object.fromEntries(ALL.map((make) => make(held)).map((tool) => [tool.id, tool]));
  const changed = signal();
  let current = tools.select,
    lent = null,
    before = null; // the tool that a borrowed one took the place of
  const api = {
    get current() {
      return current;
    },
    get: (id) => tools[id],
    subscribe: changed.subscribe,
    use(id) {
      if (current.id === id) return;
      current.onCancel();
      current.onLeave?.();
      current = tools[id];
      before = null;
      current.onEnter?.();
      changed.emit(id);
    },
    /** Use a tool for a while. */
    borrow(id) {
      const old = before ?? current.id;
      api.use(id);
      before = old === id ? null : old;
    },
    /** Go back to the tool before, if the borrowed one is still in hand. */
    giveBack(id) {
      if (current.id === id) api.use(before ?? "select");
    },
    down(p) {
      beforeEdit();
      lent = p.ctrl && current.id !== "select" ? tools.select : null;
      (lent ?? current).onPointerDown(p);
    },
    move(p) {
      (lent ?? current).onPointerMove(p);
    },
    up(p) {
      (lent ?? current).onPointerUp(p);
      lent = null;
    },
    /** Stop what is being dragged; tells whether there was anything. */
    cancel() {
      const busy = Boolean((lent ?? current).isBusy);
      (lent ?? current).onCancel();
      lent = null;
      return busy;
    },
  };
  return api;
}
