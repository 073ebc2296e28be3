// Tightening boxes: the selection at once, a whole class after a look at each box.

import { boxChanges, clipBox } from "../drawing/geometry.js";

/** Tweaking more boxes than this at once is asked about first. */
const ASK_ABOVE = 200;
/** Boxes a request when the model prompts them one by one, so that progress shows. */
const PART = 8;

/** Only boxes are tightened: stretching an outline would spoil it. */
const isBox = (row) => !row.polygons;

export function createTweak({
  askParts,
  cards,
  classes,
  confirm,
  naming,
  preview,
  selection,
  settings,
  stage,
  store,
  toast,
}) {
  /** {id: changes} of rows after the segmenter tightened them; null when there is no answer. */
  async function tightened(rows, label, group) {
    const step = cards.isLight(cards.card("segmenter")) ? rows.length : PART,
      parts = [];
    for (let i = 0; i < rows.length; i += step) {
      const some = rows.slice(i, i + step);
      parts.push({
        boxes: some.flatMap((row) => row.xyxy),
        class_ids: some.map((row) => row.class_id),
        segmenter: cards.id("segmenter"),
      });
    }
    const answers = await askParts(label, "tweak_boxes", parts, { group });
    if (!answers) return null;
    const found = answers.flatMap((answer) => answer.boxes);
    const boxOf = (row, { is_found, xyxy }) => (is_found === false ? null : clipBox(xyxy, stage.size)) ?? row.xyxy;
    return new Map(rows.map((row, i) => [row.id, boxChanges(row, boxOf(row, found[i]))]));
  }

  /** What tweaking would change. @returns {Promise<?{items: {row: object, changes: object}[], unsure: object[]}>} */
  async function proposed(rows, label, group) {
    const found = await tightened(rows, label, group);
    if (!found) return null;
    const boxes = rows.map((row) => found.get(row.id).xyxy);
    const named = settings.get("autoClass") ? await naming.classesOf(rows, boxes, "Auto class") : null;
    const items = rows
      .filter(store.isCurrent)
      .map((row) => {
        const changes = found.get(row.id),
          class_id = named?.sure.get(row.id) ?? row.class_id;
        return { row, changes: class_id === row.class_id ? changes : { ...changes, class_id } };
      })
      .filter(({ row, changes }) => String(changes.xyxy) !== String(row.xyxy) || "class_id" in changes);
    if (!items.length) toast("Nothing tighter was found.");
    return { items, unsure: named?.unsure ?? [] };
  }

  return {
    tightened,
    /** Refine the selected boxes; resolves to a function that applies the answer. */
    async selection() {
      const rows = selection.rows().filter(isBox),
        label = rows.length === 1 ? "Tweak box" : `Tweak ${rows.length} boxes`;
      if (!rows.length) return () => toast("Outlines are not tweaked: P traces a new one, Shift P turns it into a box.");
      const found = await proposed(rows, label, "tweak");
      return (
        found &&
        (() => {
          if (found.items.length)
            store.commit(
              label,
              found.items.map(({ row, changes }) => ({ op: "set", id: row.id, changes })),
            );
          naming.tellUnsure(found.unsure);
        })
      );
    },

    /** Refine all boxes of a class on this image: each is shown before one undo step takes those that are left in. */
    async ofClass() {
      const of = selection.only()?.class_id ?? classes.current.class_id,
        { name } = classes.of(of);
      const rows = [...store.rows.values()].filter(
        (row) => row.class_id === of && row.status === "accepted" && isBox(row),
      );
      if (!rows.length) return toast(`This image has no box of ${name}.`, "warn");
      const question = `Tweak all ${rows.length} boxes of ${name}?`;
      if (rows.length > ASK_ABOVE && !(await confirm(question, "Each is shown before it changes.", "Tweak all")))
        return undefined;
      const label = `Tweak ${rows.length} boxes of ${name}`,
        found = await proposed(rows, label, "tweak");
      if (found?.items.length) preview.open(found.items, (count) => `Tweak ${count} boxes of ${name}`);
      return undefined;
    },
  };
}
