// Changing annotations and taking it back.

import { clipBox } from "../drawing/geometry.js";
import { isTurned } from "../drawing/turned.js";
import { polygonChanges } from "../drawing/polygons.js";

const boxes = (n) => (n === 1 ? "box" : `${n} boxes`);

export function editActions({ store, selection, classes, images, session, stage, nudges, selecting, newRow, queue, toast }) {
  let clipboard = [];
  const any = () => selection.size > 0;
  const open = () => Boolean(store.image);

  const tellStep = (verb, entry) => entry?.label && toast(`${verb}: ${entry.label}`);

  function remove(rows) {
    if (rows.length)
      store.commit(
        `Delete ${boxes(rows.length)}`,
        rows.map((row) => ({ op: "delete", id: row.id })),
      );
  }

  function setStatus(status, verb) {
    const picked = selection.rows().filter((row) => row.status === "candidate");
    if (picked.length) {
      store.commit(
        `${verb} ${boxes(picked.length)}`,
        picked.map((row) => ({ op: "set", id: row.id, changes: { status } })),
      );
    }
  }

  /** The shape of an annotation cut to this image; null when nothing is left of it. */
  function cut({ xyxy, polygons }) {
    const box = clipBox(xyxy, stage.size);
    return box && polygons ? polygonChanges(polygons, stage.size) : box && { xyxy: box };
  }

  /** What is pasted of the attributes: a box that was cut at the edge of the image is not turned any more. */
  function attributesOf(row, shape) {
    const { rotation, ...others } = row.attributes;
    return rotation && !isTurned({ ...row, ...shape }) ? others : row.attributes;
  }

  /** Paste annotations as new ones of this image. */
  function paste(rows, label) {
    const added = rows
      .filter((row) => classes.of(row.class_id).class_id >= 0)
      .map((row) => {
        const shape = cut(row);
        const kept = row.attributes ? { attributes: attributesOf(row, shape) } : {};
        return shape && { ...newRow(shape.xyxy, row.class_id), ...shape, ...kept, source: row.source };
      })
      .filter(Boolean);
    if (!added.length) return toast("There is nothing to copy.", "warn");
    store.commit(
      label,
      added.map((annotation) => ({ op: "add", annotation })),
    );
    selection.set(added.map((row) => row.id));
    return added.length;
  }

  const nudging = (name, key, dx, dy, far) => ({
    id: `nudge_${name}${far ? "_far" : ""}`,
    label: `Nudge ${name} by ${far ? "10 pixels" : "1 pixel"}`,
    keys: [`${far ? "alt+" : ""}shift+${key}`],
    group: "Edit",
    when: any,
    repeats: true,
    run: () => nudges.push(selection.rows(), [dx * (far ? 10 : 1), dy * (far ? 10 : 1)]),
  });

  return [
    {
      id: "undo",
      label: "Undo",
      keys: ["ctrl+z"],
      group: "Edit",
      icon: "undo",
      rail: "history",
      repeats: true,
      when: () => store.canUndo || nudges.isOpen,
      why: () => "There is nothing to undo on this image.",
      detail: () => store.nextUndo,
      run: () => (store.nextBatch ? queue.undoBatch(store.nextBatch) : tellStep("Undone", store.undo())),
    },
    {
      id: "redo",
      label: "Redo",
      keys: ["ctrl+shift+z", "ctrl+y"],
      group: "Edit",
      icon: "redo",
      rail: "history",
      repeats: true,
      when: () => store.canRedo,
      why: () => "There is nothing to redo on this image.",
      detail: () => store.nextRedo,
      run: () => tellStep("Redone", store.redo()),
    },
    {
      id: "undo_box",
      label: "Delete the newest box",
      keys: ["q"],
      group: "Edit",
      icon: "trash",
      when: () => open() && selecting.shown().length > 0,
      run: () => remove(selecting.shown().slice(-1)),
    },
    {
      id: "delete",
      label: "Delete selection",
      keys: ["delete", "backspace", "w"],
      group: "Edit",
      icon: "trash",
      when: any,
      run: () => remove(selection.rows()),
    },
    {
      id: "select_all",
      label: "Select all",
      keys: ["ctrl+a"],
      group: "Edit",
      when: open,
      run: () => selection.set(selecting.shown().map((row) => row.id)),
    },
    {
      id: "next_object",
      label: "Select the next box",
      keys: ["]"],
      group: "Edit",
      repeats: true,
      when: open,
      run: () => selecting.cycle(1),
    },
    {
      id: "previous_object",
      label: "Select the previous box",
      keys: ["["],
      group: "Edit",
      repeats: true,
      when: open,
      run: () => selecting.cycle(-1),
    },
    {
      id: "copy",
      label: "Copy selection",
      keys: ["ctrl+c"],
      group: "Edit",
      yields: true, // to the browser's own copy of text
      when: any,
      run: () => {
        clipboard = selection.rows();
        toast(`${boxes(clipboard.length)} copied.`);
      },
    },
    {
      id: "paste",
      label: "Paste",
      keys: ["ctrl+v"],
      group: "Edit",
      when: () => open() && clipboard.length > 0,
      run: () => paste(clipboard, `Paste ${boxes(clipboard.length)}`),
    },
    {
      id: "copy_previous",
      label: "Copy boxes from the previous image",
      keys: ["c"],
      group: "Edit",
      icon: "copy",
      when: () => open() && session.index > 0,
      async run() {
        const before = await images.at(session.index - 1),
          here = session.imageId;
        const rows = before ? (await session.rowsOf(before.id)).filter((row) => row.status === "accepted") : [];
        if (session.imageId === here) paste(rows, `Copy ${boxes(rows.length)} from the previous image`);
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
      when: () => selection.rows().some((row) => row.status === "candidate"),
      run: () => setStatus("accepted", "Accept"),
    },
    {
      id: "reject_candidates",
      label: "Reject selected candidates",
      keys: ["u"],
      group: "Edit",
      icon: "close",
      when: () => selection.rows().some((row) => row.status === "candidate"),
      run: () => setStatus("rejected", "Reject"),
    },
  ];
}
