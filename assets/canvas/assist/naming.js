// Auto class: the active head names boxes where it is sure enough.

const NO_HEAD = "No class head is active; train one in the Train CLIP tab.";

export function createNaming({ ask, call, images, settings, store, toast }) {
  const least = () => settings.get("minMargin");
  let followed = ""; // the dataset that was open last

  /** Classes for boxes by the active head. @returns {Promise<?{sure: Map<string, number>, unsure: object[]}>} */
  async function classesOf(rows, boxes, label) {
    const answer = await ask(label, "classify_boxes", { boxes: boxes.flat(), min_margin: least() });
    if (!answer) return null;
    const sure = new Map(),
      unsure = [];
    rows.forEach((row, i) => {
      const found = answer.boxes[i];
      if (found.accepted && found.class_id >= 0) sure.set(row.id, found.class_id);
      else unsure.push(found);
    });
    return { sure, unsure };
  }

  function tellUnsure(unsure) {
    if (!unsure.length) return;
    const missing = unsure.find((found) => found.class_id < 0);
    if (missing) toast(`The head says "${missing.class_name}", which is not a class of this dataset.`, "warn");
    else if (unsure.length === 1) {
      const [{ class_name, confidence, margin, second_name }] = unsure;
      toast(
        `Not sure: ${class_name} ${confidence.toFixed(2)}, ${second_name || "next"} ${(confidence - margin).toFixed(2)}. Class kept.`,
      );
    } else toast(`${unsure.length} boxes kept their class: the gap was below ${least().toFixed(2)}.`);
  }

  const api = {
    classesOf,
    tellUnsure,

    /** Give the active head's class to annotations, where it is sure enough. */
    async classify(rows) {
      if (!rows.length) return;
      const label = rows.length === 1 ? "Auto class" : `Auto class of ${rows.length} boxes`;
      const found = await classesOf(
        rows,
        rows.map((row) => row.xyxy),
        label,
      );
      if (!found) return;
      const ops = rows
        .filter(store.isCurrent)
        .filter((row) => found.sure.has(row.id) && found.sure.get(row.id) !== row.class_id)
        .map((row) => ({ op: "set", id: row.id, changes: { class_id: found.sure.get(row.id) } }));
      if (ops.length) store.commit(label, ops);
      tellUnsure(found.unsure);
      if (!found.unsure.length && !ops.length && rows.length > 1) toast("The head agrees with every class here.", "ok");
    },

    /** Another dataset is open: its boxes are not named by a head that knows none of its classes. */
    async follow(dataset) {
      if (dataset === followed) return;
      followed = dataset;
      if (!settings.get("autoClass")) return;
      const why = await call("heads_active", { dataset }).then(
        ({ name }) => (name ? "" : NO_HEAD),
        (error) => error.message,
      );
      if (!why || dataset !== followed || !settings.get("autoClass")) return;
      settings.toggle("autoClass");
      toast(`Auto class is off: ${why}`, "warn");
    },

    /** Switch the naming of new boxes on or off; on only when there is a head that knows this dataset's classes. */
    async toggle() {
      if (!settings.get("autoClass") && !(await call("heads_active", { dataset: images.dataset })).name) {
        return toast(NO_HEAD, "warn");
      }
      return toast(
        settings.toggle("autoClass")
          ? "New boxes get their class from the active head."
          : "New boxes keep the class you choose.",
      );
    },

    /** New annotations get their class by the head when the person switched that on. */
    named: (ids) =>
      settings.get("autoClass") ? api.classify(ids.map((id) => store.rows.get(id)).filter(Boolean)) : null,
  };
  return api;
}
