// Drag the view. The stage does it; this tool only says so.

export const pan = () => ({
  id: "pan",
  cursor: () => "grab",
  onPointerDown() {},
  onPointerMove() {},
  onPointerUp() {},
  onCancel() {},
});
