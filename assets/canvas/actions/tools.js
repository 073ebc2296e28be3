// Choosing a tool, and Enter and Esc, which depend on what is going on.

import { sizeBrush } from "../tools/brush.js";

export function toolActions({
  selection,
  settings,
  stage,
  assist,
  finds,
  preview,
  proposals,
  pending,
  tools,
  toast,
  refresh,
}) {
  const tool = (id, label, key, hint) => ({
    id: `tool_${id}`,
    label,
    keys: [key],
    group: "Tools",
    icon: id,
    rail: true,
    hint,
    isOn: () => tools.current.id === id,
    run: () => {
      tools.use(id);
      stage.cursorStyle();
      stage.frame();
    },
  });

  const isIn = (...ids) => ids.includes(tools.current.id);
  const brushSize = (id, label, key, factor) => ({
    id,
    label,
    keys: [key],
    group: "Tools",
    repeats: true,
    when: () => isIn("brush", "eraser"),
    run: () => sizeBrush({ settings, stage }, factor),
  });
  const isMulti = () => tools.current.id === "multi_point";

  return [
    tool("select", "Select and move", "v", "Click to select, shift-click for several, drag a frame around many"),
    tool("draw_box", "Draw box", "b", "Drag to draw; hold Ctrl to select or move instead"),
    { ...tool("draw_turned", "Draw turned box", "alt+b", "Drag along one side, then click where the opposite one is"), rail: false },
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
    tool(
      "key_points",
      "Key points",
      "shift+y",
      "Click places the next missing point of the selection, drag moves one, Alt click hides or shows one",
    ),
    tool("brush", "Brush", "j", "Paint on the selection or something new; Alt erases, Alt wheel or [ ] sizes"),
    tool("eraser", "Eraser", "shift+j", "Erase from the selection; Alt paints, Alt wheel or [ ] sizes"),
    {
      ...tool(
        "exemplar",
        "Find all like it",
        "shift+l",
        "Draw a box around one, with Alt around what is not meant; Enter finds the rest",
      ),
      rail: false,
    },
    tool("pan", "Pan", "h", "Drag the view; holding Space or the middle button does the same"),
    {
      id: "points_positive",
      label: "Next points are on the object",
      keys: ["f"],
      group: "Tools",
      when: () => isMulti(),
      run: () => tools.get("multi_point").setPositive(true) || refresh(),
    },
    {
      id: "points_negative",
      label: "Next points are off the object",
      keys: ["g"],
      group: "Tools",
      when: () => isMulti(),
      run: () => tools.get("multi_point").setPositive(false) || refresh(),
    },
    {
      id: "close_polygon",
      label: "Close the polygon",
      keys: ["enter"],
      group: "Tools",
      when: () => isIn("draw_polygon") && tools.current.isBusy,
      run: () => {
        if (!tools.current.close()) toast("A polygon has at least three points.");
      },
    },
    {
      id: "drop_corner",
      label: "Take back the polygon's last point",
      keys: ["backspace"],
      group: "Tools",
      repeats: true,
      when: () => isIn("draw_polygon") && tools.current.isBusy,
      run: () => tools.current.dropLast(),
    },
    {
      id: "remove_point",
      label: "Remove the polygon's picked point",
      keys: ["delete", "backspace"],
      group: "Tools",
      when: () => isIn("edit_polygon") && tools.current.hasPoint,
      run: () => tools.current.removePoint(),
    },
    brushSize("brush_larger", "Larger brush", "]", 1.25),
    brushSize("brush_smaller", "Smaller brush", "[", 0.8),
    {
      id: "find_like",
      label: "Find all like the examples",
      keys: ["enter"],
      group: "Tools",
      when: () => isIn("exemplar") && finds.exemplars.length > 0,
      run: () => finds.byExemplars(),
    },
    {
      id: "accept_draft",
      label: "Take the proposal",
      keys: ["enter"],
      group: "Tools",
      when: () => proposals.current !== null,
      run: () => proposals.current.take(),
    },
    {
      id: "tool_review",
      label: "Look through the proposals again",
      keys: ["shift+v"],
      group: "Tools",
      when: () => preview.isOpen || finds.isOpen,
      run: () => tools.borrow("review"),
    },
    {
      id: "drop_point",
      label: "Take back the last point",
      keys: ["backspace"],
      group: "Tools",
      when: () => isMulti() && Boolean(assist.draft),
      run: () => assist.dropPoint(),
    },
    {
      id: "cancel",
      label: "Cancel: drag, proposal, request, selection",
      keys: ["esc"],
      group: "Tools",
      run: () => {
        if (tools.cancel()) return stage.frame();
        const open = proposals.current;
        if (open) return open.drop();
        if (assist.drop()) return undefined; // points without a proposal yet
        if (pending.size) return pending.cancelAll();
        if (finds.exemplars.length) return finds.setExemplars([]);
        if (isIn("edit_polygon")) return tools.use("select");
        return selection.size ? selection.clear() : tools.use("select");
      },
    },
  ];
}
