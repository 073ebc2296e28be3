// Turning the selected boxes by keys.

import { canTurn, turnChanges } from "../drawing/turned.js";

const SMALL_DEG = 1,
  LARGE_DEG = 15;

export function turningActions({ store, selection, stage, toast }) {
  const rows = () => selection.rows().filter(canTurn);

  function turn(byDeg) {
    const ops = rows()
      .map((row) => ({ op: "set", id: row.id, changes: turnChanges(row, byDeg, stage.size) }))
      .filter((op) => op.changes);
    if (!ops.length) return toast("Turned so, the box does not fit in the image.", "warn");
    return store.commit(ops.length === 1 ? "Turn box" : `Turn ${ops.length} boxes`, ops);
  }

  const turning = (id, label, key, byDeg) => ({
    id,
    label,
    keys: [key],
    group: "Edit",
    repeats: true,
    when: () => rows().length > 0,
    why: () => "Select a box to turn it; polygons and masks are not turned.",
    run: () => turn(byDeg),
  });

  return [
    turning("turn_left", `Turn the box left by ${SMALL_DEG}°`, "shift+q", -SMALL_DEG),
    turning("turn_right", `Turn the box right by ${SMALL_DEG}°`, "shift+e", SMALL_DEG),
    turning("turn_left_far", `Turn the box left by ${LARGE_DEG}°`, "alt+shift+q", -LARGE_DEG),
    turning("turn_right_far", `Turn the box right by ${LARGE_DEG}°`, "alt+shift+e", LARGE_DEG),
  ];
}
