// Annotations as polygons: to and from boxes, with fewer points, without holes.

import { boxPolygons, hasHoles, polygonChanges, withoutHoles } from "../drawing/polygons.js";

const isPolygon = (row) => Boolean(row.polygons);

const isBox = (row) => !row.polygons;

/** The changes that make an outline its box, which is not turned any more. */
function plainChanges({ attributes }) {
  if (!attributes?.rotation) return { polygons: null };
  const { rotation: _, ...others } = attributes;
  return { polygons: null, attributes: Object.keys(others).length ? others : null };
}

const count = (n, one, many) => (n === 1 ? one : `${n} ${many}`);

export function polygonActions({ store, selection, stage, simplify, toast }) {
  const rows = (test) => selection.rows().filter(test);

  function setAll(label, list, changesOf) {
    store.commit(
      label,
      list.map((row) => ({ op: "set", id: row.id, changes: changesOf(row) })),
    );
  }

  return [
    {
      id: "box_to_polygon",
      label: "Polygon from box",
      keys: ["shift+p"],
      group: "Polygons",
      icon: "draw_polygon",
      when: () => rows(isBox).length > 0,
      run() {
        const list = rows(isBox);
        setAll("Polygon from box", list, (row) => polygonChanges(boxPolygons(row.xyxy), stage.size));
        toast(
          `${count(list.length, "The box", "boxes")} became ${list.length === 1 ? "a polygon" : "polygons"}; Shift O edits points.`,
        );
      },
    },
    {
      id: "polygon_to_box",
      label: "Box from polygon",
      keys: ["shift+p"],
      group: "Polygons",
      icon: "draw_box",
      when: () => selection.size > 0 && rows(isBox).length === 0,
      run() {
        const list = rows(isPolygon);
        setAll("Box from polygon", list, plainChanges);
        toast(
          `${count(list.length, "The polygon", "polygons")} became ${list.length === 1 ? "its box" : "boxes"}; undo brings back the outline.`,
        );
      },
    },
    {
      id: "simplify",
      label: "Simplify polygons, with a preview",
      keys: ["shift+s"],
      group: "Polygons",
      when: () => rows(isPolygon).length > 0,
      run: () => simplify.open(selection.rows()),
    },
    {
      id: "fill_holes",
      label: "Fill the holes of polygons",
      keys: ["shift+m"],
      group: "Polygons",
      icon: "mask",
      when: () => rows(isPolygon).length > 0,
      run() {
        const list = rows((row) => hasHoles(row.polygons));
        if (!list.length) return toast("There are no holes to fill.");
        return setAll("Fill holes", list, (row) => polygonChanges(withoutHoles(row.polygons), stage.size));
      },
    },
  ];
}
