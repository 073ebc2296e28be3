// Changes of many annotations, shown before they are made: old in white dashes, new in colour; a click leaves one out.

import { area, contains, meets } from "../drawing/geometry.js";
import { outline, tint } from "../drawing/overlay.js";
import { boxToScreen } from "../drawing/view.js";
import { signal } from "../document/signal.js";

/** @typedef {{row: object, changes: object, isOn: boolean}} Item */
export function createPreview({ store, stage, toast, review }) {
  const changed = signal();
  let items = [],
    label = null,
    hover = null;
  const on = () => items.filter((item) => item.isOn);
  const show = () => {
    stage.frame();
    changed.emit();
  };
  function close() {
    items = [];
    hover = null;
    stage.moveEnds();
    review.end();
    show();
  }

  const api = {
    subscribe: changed.subscribe,
    get isOpen() {
      return items.length > 0;
    },
    get items() {
      return items;
    },
    get text() {
      return `${on().length} of ${items.length} tweaked boxes: click leaves one out, Enter takes, Esc drops`;
    },
    /** @param {{row: object, changes: object}[]} found  @param {(count: number) => string} labelOf  of the undo step */
    open(found, labelOf) {
      items = found.map((item) => ({ ...item, isOn: true }));
      label = labelOf;
      stage.setMoved(items.map(({ row }) => row)); // they leave the layer below
      review.begin();
      show();
    },
    at: (point) =>
      items
        .filter(({ row, changes }) => contains(row.xyxy, point) || contains(changes.xyxy, point))
        .sort((a, b) => area(a.row.xyxy) - area(b.row.xyxy))[0] ?? null,
    within: (box) => items.filter(({ row }) => meets(row.xyxy, box)),
    setHover(item) {
      hover = item;
    },
    /** Leave items out, or take them in again. */
    pick(picked) {
      const ids = new Set(picked.map(({ row }) => row.id));
      items = items.map((item) => (ids.has(item.row.id) ? { ...item, isOn: !item.isOn } : item));
      show();
    },
    take() {
      const kept = on()
        .map(({ row }) => row)
        .filter(store.isCurrent);
      const changes = new Map(items.map((item) => [item.row.id, item.changes])),
        name = label(kept.length);
      close();
      if (!kept.length) return;
      store.commit(
        name,
        kept.map(({ id }) => ({ op: "set", id, changes: changes.get(id) })),
      );
      toast(`${kept.length === 1 ? "One box" : `${kept.length} boxes`} tweaked.`, "ok");
    },
    drop() {
      if (items.length) close();
    },
    paint(g, scene) {
      for (const { row, changes, isOn } of items) {
        const next = { ...row, ...changes },
          { color } = scene.classes.of(next.class_id);
        outline(g, scene.view, row, "rgba(0,0,0,.5)", 3);
        outline(g, scene.view, row, "#ffffff", 1.25, [4, 3]);
        if (!isOn) {
          cross(g, boxToScreen(scene.view, row.xyxy));
          continue;
        }
        const path = outline(g, scene.view, next, color, hover?.row.id === row.id ? 3.5 : 2);
        tint(g, path, color);
      }
    },
  };
  return api;
}

/** The mark of a box that stays as it is. */
function cross(g, [x1, y1, x2, y2]) {
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  for (const [wide, color] of [
    [4, "rgba(0,0,0,.55)"],
    [1.75, "#ffffff"],
  ]) {
    g.beginPath();
    g.moveTo(x - 5, y - 5);
    g.lineTo(x + 5, y + 5);
    g.moveTo(x + 5, y - 5);
    g.lineTo(x - 5, y + 5);
    g.lineWidth = wide;
    g.strokeStyle = color;
    g.stroke();
  }
}
