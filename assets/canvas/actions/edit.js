// Changing annotations and taking it back.

import { clipBox, boxChanges, limitShift } from "../drawing/geometry.js";

const any = (app) => app.selection.size > 0;
const open = (app) => Boolean(app.store.image);
const boxes = (n) => (n === 1 ? "box" : `${n} boxes`);

function remove(app, rows) {
  if (rows.length)
    app.store.commit(
      `Delete ${boxes(rows.length)}`,
      rows.map((row) => ({ op: "delete", id: row.id })),
    );
}

function setStatus(app, status, verb) {
  const picked = app.selection.rows().filter((row) => row.status === "candidate");
  if (picked.length) {
    app.store.commit(
      `${verb} ${boxes(picked.length)}`,
      picked.map((row) => ({ op: "set", id: row.id, changes: { status } })),
    );
  }
}

/** Paste annotations as new ones of this image. */
export function paste(app, rows, label) {
  const added = rows
    .filter((row) => app.classes.of(row.class_id).class_id >= 0)
    .map((row) => {
      const xyxy = clipBox(row.xyxy, app.stage.size);
      return xyxy && { ...app.newRow(xyxy, row.class_id), ...boxChanges(row, xyxy), source: row.source };
    })
    .filter(Boolean);
  if (!added.length) return app.toast("There is nothing to copy.", "warn");
  app.store.commit(
    label,
    added.map((annotation) => ({ op: "add", annotation })),
  );
  app.selection.set(added.map((row) => row.id));
  return added.length;
}

let clipboard = [];

function nudge(app, dx, dy) {
  const rows = app.selection.rows();
  app.nudges.push(rows, limitShift(app.nudges.boxes(rows), [dx, dy], app.stage.size));
}
const nudging = (name, key, dx, dy, far) => ({
  id: `nudge_${name}${far ? "_far" : ""}`,
  label: `Nudge ${name} by ${far ? "10 pixels" : "1 pixel"}`,
  keys: [`${far ? "alt+" : ""}shift+${key}`],
  group: "Edit",
  when: any,
  repeats: true,
  run: (app) => nudge(app, dx * (far ? 10 : 1), dy * (far ? 10 : 1)),
});

export const editActions = [
  {
    id: "undo",
    label: "Undo",
    keys: ["ctrl+z"],
    group: "Edit",
    icon: "undo",
    rail: "history",
    repeats: true,
    when: (app) => app.store.canUndo || app.nudges.isOpen,
    detail: (app) => app.store.nextUndo,
    run: (app) => app.said("Undone", app.store.undo()),
  },
  {
    id: "redo",
    label: "Redo",
    keys: ["ctrl+shift+z", "ctrl+y"],
    group: "Edit",
    icon: "redo",
    rail: "history",
    repeats: true,
    when: (app) => app.store.canRedo,
    detail: (app) => app.store.nextRedo,
    run: (app) => app.said("Redone", app.store.redo()),
  },
  {
    id: "undo_box",
    label: "Delete the newest box",
    keys: ["q"],
    group: "Edit",
    icon: "trash",
    when: (app) => open(app) && app.store.rows.size > 0,
    run: (app) => remove(app, [[...app.store.rows.values()].at(-1)]),
  },
  {
    id: "delete",
    label: "Delete selection",
    keys: ["delete", "backspace", "w"],
    group: "Edit",
    icon: "trash",
    when: any,
    run: (app) => remove(app, app.selection.rows()),
  },
  {
    id: "select_all",
    label: "Select all",
    keys: ["ctrl+a"],
    group: "Edit",
    when: open,
    run: (app) =>
      app.selection.set(
        [...app.store.rows.values()]
          .filter((row) => row.status !== "rejected" && !app.classes.isHidden(row.class_id))
          .map((row) => row.id),
      ),
  },
  {
    id: "next_object",
    label: "Select the next box",
    keys: ["]"],
    group: "Edit",
    repeats: true,
    when: open,
    run: (app) => app.cycle(1),
  },
  {
    id: "previous_object",
    label: "Select the previous box",
    keys: ["["],
    group: "Edit",
    repeats: true,
    when: open,
    run: (app) => app.cycle(-1),
  },
  {
    id: "copy",
    label: "Copy selection",
    keys: ["ctrl+c"],
    group: "Edit",
    when: any,
    run: (app) => {
      clipboard = app.selection.rows();
      app.toast(`${boxes(clipboard.length)} copied.`);
    },
  },
  {
    id: "paste",
    label: "Paste",
    keys: ["ctrl+v"],
    group: "Edit",
    when: (app) => open(app) && clipboard.length > 0,
    run: (app) => paste(app, clipboard, `Paste ${boxes(clipboard.length)}`),
  },
  {
    id: "copy_previous",
    label: "Copy boxes from the previous image",
    keys: ["c"],
    group: "Edit",
    icon: "copy",
    when: (app) => open(app) && app.session.index > 0,
    async run(app) {
      const before = await app.images.at(app.session.index - 1),
        here = app.session.imageId;
      const rows = before ? (await app.session.rowsOf(before.id)).filter((row) => row.status === "accepted") : [];
      if (app.session.imageId === here) paste(app, rows, `Copy ${boxes(rows.length)} from the previous image`);
    },
  },
  nudging("left", "left", -1, 0),
  nudging("right", "right", 1, 0),
  nudging("up", "up", 0, -1),
  nudging("down", "down", 0, 1),
  nudging("left", "left", -1, 0, true),
  nudging("right", "right", 1, 0, true),
  nudging("up", "up", 0, -1, true),
  nudging("down", "down", 0, 1, true),
  {
    id: "accept_candidates",
    label: "Accept selected candidates",
    keys: ["y"],
    group: "Edit",
    icon: "check",
    when: (app) => app.selection.rows().some((row) => row.status === "candidate"),
    run: (app) => setStatus(app, "accepted", "Accept"),
  },
  {
    id: "reject_candidates",
    label: "Reject selected candidates",
    keys: ["u"],
    group: "Edit",
    icon: "close",
    when: (app) => app.selection.rows().some((row) => row.status === "candidate"),
    run: (app) => setStatus(app, "rejected", "Reject"),
  },
];
