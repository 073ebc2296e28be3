// Which tool is in hand. Ctrl lends the select tool to any other for one drag.

import { signal } from "../signal.js";
import { select } from "./select.js";
import { drawBox, smartBox } from "./draw_box.js";
import { point } from "./point.js";
import { multiPoint } from "./multi_point.js";
import { pan } from "./pan.js";

export function createTools(app) {
  const tools = Object.fromEntries(
    [select, drawBox, smartBox, point, multiPoint, pan].map((make) => make(app)).map((tool) => [tool.id, tool]),
  );
  const changed = signal();
  let current = tools.select,
    lent = null;
  return {
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
      changed.emit(id);
    },
    down(p) {
      app.beforeEdit();
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
}
