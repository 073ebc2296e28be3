// Choosing a tool, and Enter and Esc, which depend on what is going on.

import { sizeBrush } from "../tools/brush.js";

const tool = (id, label, key, hint) => ({
  id: `tool_${id}`,
  label,
  keys: [key],
  group: "Tools",
  icon: id,
  rail: true,
  hint,
  isOn: (app) => app.tools.current.id === id,
  run: (app) => {
    app.tools.use(id);
    app.stage.cursorStyle();
    app.stage.frame();
  },
});

const isIn = (app, ...ids) => ids.includes(app.tools.current.id);
const brushSize = (id, label, key, factor) => ({
  id,
  label,
  keys: [key],
  group: "Tools",
  repeats: true,
  when: (app) => isIn(app, "brush", "eraser"),
  run: (app) => sizeBrush(app, factor),
});
const isMulti = (app) => app.tools.current.id === "multi_point";

export const toolActions = [
  tool("select", "Select and move", "v", "Click to select, shift-click for several, drag a frame around many"),
  tool("draw_box", "Draw box", "b", "Drag to draw; Ctrl borrows the select tool"),
  tool("smart_box", "Tight box", "s", "Draw loosely; the segmenter tightens it"),
  tool("point", "Box at point", "d", "Click an object; the segmenter draws its box"),
  tool("multi_point", "Mask from points", "m", "Click on the object (F) and off it (G), Enter takes the mask"),
  tool(
    "draw_polygon",
    "Draw polygon",
    "o",
    "Click or drag; Enter or the first point closes it. Begin with Alt for a hole, with Shift for a part of the selection",
  ),
  tool(
    "edit_polygon",
    "Edit points",
    "shift+o",
    "Drag points and edges of the selected polygon; Alt click removes a point",
  ),
  tool("brush", "Brush", "j", "Paint on the selection or something new; Alt erases, Alt wheel or [ ] sizes"),
  tool("eraser", "Eraser", "shift+j", "Erase from the selection; Alt paints, Alt wheel or [ ] sizes"),
  {
    ...tool("exemplar", "Find all like it", "shift+l", "Box one, Alt box what is not meant, Enter finds"),
    rail: false,
  },
  tool("pan", "Pan", "h", "Drag the view; holding Space or the middle button does the same"),
  {
    id: "points_positive",
    label: "Next points are on the object",
    keys: ["f"],
    group: "Tools",
    when: (app) => isMulti(app),
    run: (app) => app.tools.get("multi_point").setPositive(true) || app.refresh(),
  },
  {
    id: "points_negative",
    label: "Next points are off the object",
    keys: ["g"],
    group: "Tools",
    when: (app) => isMulti(app),
    run: (app) => app.tools.get("multi_point").setPositive(false) || app.refresh(),
  },
  {
    id: "close_polygon",
    label: "Close the polygon",
    keys: ["enter"],
    group: "Tools",
    when: (app) => isIn(app, "draw_polygon") && app.tools.current.isBusy,
    run: (app) => {
      if (!app.tools.current.close()) app.toast("A polygon has at least three points.");
    },
  },
  {
    id: "drop_corner",
    label: "Take back the polygon's last point",
    keys: ["backspace"],
    group: "Tools",
    repeats: true,
    when: (app) => isIn(app, "draw_polygon") && app.tools.current.isBusy,
    run: (app) => app.tools.current.dropLast(),
  },
  {
    id: "remove_point",
    label: "Remove the polygon's picked point",
    keys: ["delete", "backspace"],
    group: "Tools",
    when: (app) => isIn(app, "edit_polygon") && app.tools.current.hasPoint,
    run: (app) => app.tools.current.removePoint(),
  },
  brushSize("brush_larger", "Larger brush", "]", 1.25),
  brushSize("brush_smaller", "Smaller brush", "[", 0.8),
  {
    id: "find_like",
    label: "Find all like the examples",
    keys: ["enter"],
    group: "Tools",
    when: (app) => isIn(app, "exemplar") && app.finds.exemplars.length > 0,
    run: (app) => app.finds.byExemplars(),
  },
  {
    id: "accept_draft",
    label: "Take the proposal",
    keys: ["enter"],
    group: "Tools",
    when: (app) => app.proposal() !== null,
    run: (app) => app.proposal().take(),
  },
  {
    id: "tool_review",
    label: "Look through the proposals again",
    keys: ["shift+v"],
    group: "Tools",
    when: (app) => app.preview.isOpen || app.finds.isOpen,
    run: (app) => app.tools.borrow("review"),
  },
  {
    id: "drop_point",
    label: "Take back the last point",
    keys: ["backspace"],
    group: "Tools",
    when: (app) => isMulti(app) && Boolean(app.assist.draft),
    run: (app) => app.assist.dropPoint(),
  },
  {
    id: "cancel",
    label: "Cancel: drag, proposal, request, selection",
    keys: ["esc"],
    group: "Tools",
    run: (app) => {
      if (app.tools.cancel()) return app.stage.frame();
      const open = app.proposal();
      if (open) return open.drop();
      if (app.assist.drop()) return undefined; // points without a proposal yet
      if (app.pending.size) return app.pending.cancelAll();
      if (app.finds.exemplars.length) return app.finds.setExemplars([]);
      if (isIn(app, "edit_polygon")) return app.tools.use("select");
      return app.selection.size ? app.selection.clear() : app.tools.use("select");
    },
  },
];
