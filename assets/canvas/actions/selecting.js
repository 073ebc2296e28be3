// What several actions and panels do with the selection.

import { bounds } from "../drawing/geometry.js";

export function createSelecting({ store, selection, classes, stage, tools, toast }) {
  const shown = () =>
    [...store.rows.values()].filter((row) => row.status !== "rejected" && !classes.isHidden(row.class_id));

  return {
    /** Annotations that can be seen, in drawing order. */
    shown,
    /** Choose the class of the next box; with a tool that works on the selection, the selection gets it too. */
    chooseClass(class_id) {
      if (tools.current.relabels) this.giveClass(class_id);
      else classes.choose(class_id);
    },
    /** Choose a class and give it to the selection, whatever the tool. */
    giveClass(class_id) {
      classes.choose(class_id);
      const rows = selection.rows().filter((row) => row.class_id !== class_id),
        { name } = classes.of(class_id);
      if (!rows.length) return;
      store.commit(
        `Class ${name}`,
        rows.map((row) => ({ op: "set", id: row.id, changes: { class_id } })),
      );
      toast(`${rows.length === 1 ? "The box is" : `${rows.length} boxes are`} ${name} now.`);
    },
    /** Select the next (1) or previous (-1) annotation. */
    cycle(by) {
      const ids = shown().map((row) => row.id);
      if (!ids.length) return;
      const at = ids.indexOf([...selection.ids].at(-1));
      selection.set([ids[(at + by + ids.length + (at < 0 && by < 0 ? 1 : 0)) % ids.length]]);
    },
    /** Bring the selection into sight. */
    focus() {
      stage.focus(bounds(selection.rows().map((row) => row.xyxy)));
    },
  };
}
