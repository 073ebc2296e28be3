// Annotations as polygons: to and from boxes, with fewer points, without holes.

import { boxPolygons, hasHoles, polygonChanges, withoutHoles } from "../drawing/polygons.js";

const rows = (app, test) => app.selection.rows().filter(test);
const isPolygon = (row) => Boolean(row.polygons);
const isBox = (row) => !row.polygons;
const count = (n, one) => (n === 1 ? one : `${n} of them`);

function setAll(app, label, list, changesOf) {
  app.store.commit(
    label,
    list.map((row) => ({ op: "set", id: row.id, changes: changesOf(row) })),
  );
}

export const polygonActions = [
  {
    id: "box_to_polygon",
    label: "Polygon from box",
    keys: ["shift+p"],
    group: "Polygons",
    icon: "draw_polygon",
    when: (app) => rows(app, isBox).length > 0,
    run(app) {
      const list = rows(app, isBox);
      setAll(app, "Polygon from box", list, (row) => polygonChanges(boxPolygons(row.xyxy), app.stage.size));
      app.toast(
        `${count(list.length, "The box")} became ${list.length === 1 ? "a polygon" : "polygons"}; Shift O edits points.`,
      );
    },
  },
  {
    id: "polygon_to_box",
    label: "Box from polygon",
    keys: ["shift+p"],
    group: "Polygons",
    icon: "draw_box",
    when: (app) => app.selection.size > 0 && rows(app, isBox).length === 0,
    run(app) {
      const list = rows(app, isPolygon);
      setAll(app, "Box from polygon", list, () => ({ polygons: null }));
      app.toast(
        `${count(list.length, "The polygon")} became ${list.length === 1 ? "its box" : "boxes"}; undo brings back the outline.`,
      );
    },
  },
  {
    id: "simplify",
    label: "Simplify polygons, with a preview",
    keys: ["shift+s"],
    group: "Polygons",
    when: (app) => rows(app, isPolygon).length > 0,
    run: (app) => app.simplify.open(app.selection.rows()),
  },
  {
    id: "fill_holes",
    label: "Fill the holes of polygons",
    keys: ["shift+m"],
    group: "Polygons",
    icon: "mask",
    when: (app) => rows(app, isPolygon).length > 0,
    run(app) {
      const list = rows(app, (row) => hasHoles(row.polygons));
      if (!list.length) return app.toast("There is no hole.");
      return setAll(app, "Fill holes", list, (row) => polygonChanges(withoutHoles(row.polygons), app.stage.size));
    },
  },
];
