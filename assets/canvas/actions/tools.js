// Choosing a tool, and Enter and Esc, which depend on what is going on.

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

const isMulti = (app) => app.tools.current.id === "multi_point";

export const toolActions = [
  tool("select", "Select and move", "v", "Click to select, shift-click for several, drag a frame around many"),
  tool("draw_box", "Draw box", "b", "Drag to draw; Ctrl borrows the select tool"),
  tool("smart_box", "Tight box", "s", "Draw loosely; the segmenter tightens it"),
  tool("point", "Box at point", "d", "Click an object; the segmenter draws its box"),
  tool("multi_point", "Mask from points", "m", "Click on the object (F) and off it (G), Enter takes the mask"),
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
    id: "accept_draft",
    label: "Take the proposal",
    keys: ["enter"],
    group: "Tools",
    when: (app) => Boolean(app.assist.draft),
    run: (app) => {
      if (!app.assist.acceptDraft()) app.assist.dropDraft();
    },
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
      if (app.assist.dropDraft()) return undefined;
      if (app.pending.size) return app.pending.cancelAll();
      return app.selection.size ? app.selection.clear() : app.tools.use("select");
    },
  },
];
