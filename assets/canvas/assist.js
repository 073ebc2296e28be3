// What a model is asked to do, and how its answers become annotations. Nothing here runs unless a person asked.
// Every answer goes through `pending`, which drops it when another image is open by then.

import { boxChanges, clipBox } from "./geometry.js";
import { signal } from "./signal.js";

/** Tweaking more boxes than this at once is asked about first. */
const ASK_ABOVE = 20;

export function createAssist(app) {
  const changed = signal();
  let draft = null,
    asked = [],
    points = [];

  const image = () => app.store.image?.id ?? null;
  const show = () => {
    app.stage.frame();
    changed.emit();
  };
  const flat = (rows) => rows.flatMap((row) => row.xyxy);
  const chosen = (name) => (app.settings.get(name) ? { segmenter: app.settings.get(name) } : {});
  const unchanged = (rows) => rows.filter((row) => app.store.rows.get(row.id) === row);

  /** Ask an operation about the open image; null when the answer came too late, was cancelled or failed (then told). */
  async function ask(label, op, args, group = "") {
    const imageId = image();
    if (imageId === null) return null;
    try {
      return await app.pending.run(
        { label, imageId, group },
        () => app.call(op, { image_id: imageId, ...args }),
        image,
      );
    } catch (error) {
      app.tell(error);
      return null;
    }
  }

  function rowOf(candidate, segmenter) {
    const xyxy = clipBox(candidate.xyxy, app.stage.size);
    const known = candidate.accepted !== false && app.classes.of(candidate.class_id).class_id >= 0; // named, or as asked
    const row = xyxy && app.newRow(xyxy, known ? candidate.class_id : undefined);
    if (!row) return null;
    return {
      ...row,
      polygons: candidate.polygons ?? null,
      confidence: candidate.confidence ?? null,
      source: segmenter,
    };
  }

  const segmentArgs = (setting) => ({
    ...chosen(setting),
    class_id: app.classes.current.class_id,
    classify: app.settings.get("autoClass"),
    min_margin: app.settings.get("minMargin"),
  });

  function take(rows, label) {
    app.store.commit(
      label,
      rows.map((row) => ({ op: "add", annotation: row })),
    );
    app.selection.set(rows.map((row) => row.id));
  }

  /** {id: changes} of rows after the segmenter tightened them; rows edited meanwhile are left alone. */
  async function tightened(rows, label, group) {
    const answer = await ask(
      label,
      "tweak_boxes",
      {
        boxes: flat(rows),
        class_ids: rows.map((row) => row.class_id),
        ...chosen("segmenter"),
      },
      group,
    );
    if (!answer) return null;
    const boxes = rows.map(
      (row, i) =>
        (answer.boxes[i].is_found === false ? null : clipBox(answer.boxes[i].xyxy, app.stage.size)) ?? row.xyxy,
    );
    return new Map(rows.map((row, i) => [row.id, { row, changes: boxChanges(row, boxes[i]) }]));
  }

  /** Class changes for boxes by the active head. @returns {Promise<?{sure: Map<string, number>, unsure: object[]}>} */
  async function classesOf(rows, boxes, label) {
    const answer = await ask(label, "classify_boxes", {
      boxes: boxes.flat(),
      min_margin: app.settings.get("minMargin"),
    });
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
    if (missing) app.toast(`The head says "${missing.class_name}", which is no class of this dataset.`, "warn");
    else if (unsure.length === 1) {
      const [{ class_name, confidence, margin, second_name }] = unsure;
      app.toast(
        `Not sure: ${class_name} ${confidence.toFixed(2)}, ${second_name || "next"} ${(confidence - margin).toFixed(2)}. Class kept.`,
      );
    } else
      app.toast(
        `${unsure.length} boxes kept their class: the gap was below ${app.settings.get("minMargin").toFixed(2)}.`,
      );
  }

  async function tweak(rows, label, group) {
    const found = await tightened(rows, label, group);
    if (!found) return null;
    let classes = null;
    if (app.settings.get("autoClass")) {
      classes = await classesOf(
        rows,
        rows.map((row) => found.get(row.id).changes.xyxy),
        "Auto class",
      );
    }
    const ops = unchanged(rows)
      .map((row) => {
        const { changes } = found.get(row.id),
          class_id = classes?.sure.get(row.id) ?? row.class_id;
        return {
          op: "set",
          id: row.id,
          changes: class_id === row.class_id ? changes : { ...changes, class_id },
          moves: String(changes.xyxy) !== String(row.xyxy),
        };
      })
      .filter(({ moves, changes }) => moves || "class_id" in changes)
      .map(({ op, id, changes }) => ({ op, id, changes }));
    if (!ops.length) app.toast("Nothing tighter was found.");
    return { ops, classes };
  }

  function setDraft(next) {
    draft = next;
    show();
  }

  async function preview(label, args, promptPoints, pressed) {
    setDraft({ label, rows: draft?.rows ?? [], points: promptPoints, isWaiting: true });
    const answer = await ask(label, "segment", { ...segmentArgs("masker"), ...masker(), ...args }, "draft");
    if (!draft || draft.points !== promptPoints) return;
    const { isWanted } = draft;
    const rows = answer
      ? answer.candidates
          .slice(0, 1)
          .map((c) => rowOf(c, answer.segmenter))
          .filter(Boolean)
      : [];
    if (answer && !rows.length) app.toast("Nothing was found there.", "warn");
    if (!rows.length && !promptPoints.length) return setDraft(null);
    setDraft({ label, rows, points: promptPoints, target: pressed ?? null });
    if (isWanted) api.acceptDraft();
  }
  const masker = () => ({ segmenter: app.settings.get("masker") || "grabcut" });

  const api = {
    subscribe: changed.subscribe,
    /** A proposal on screen: {label, rows, points, target?}; Enter takes it, Esc drops it. */
    get draft() {
      return draft;
    },
    /** Clicks whose answers are under way. */
    get asked() {
      return asked;
    },

    /** Box at a click: the current class's usual size there, then refined. */
    async point(at) {
      asked = [...asked, at];
      show();
      const answer = await ask("Box at point", "segment", { positive: at, ...segmentArgs("segmenter") });
      asked = asked.filter((other) => other !== at);
      show();
      const row = answer?.candidates[0] && rowOf(answer.candidates[0], answer.segmenter);
      if (row) take([row], "Box at point");
      else if (answer) app.toast("Nothing was found there.", "warn");
    },

    /** Draw loose, get tight: the drawn box is refined before it becomes an annotation. */
    async tightBox(box) {
      const row = app.newRow(box);
      if (!row) return;
      const found = await tightened([row], "Tighten box");
      if (!found) return;
      const { changes } = found.get(row.id);
      take([{ ...row, ...changes, source: app.settings.get("segmenter") || "ridge_box" }], "Draw tight box");
      await api.named([row.id]);
    },

    /** Refine the selected boxes; resolves to a function that applies the answer. */
    async tweakSelection() {
      const rows = app.selection.rows();
      const found = await tweak(rows, rows.length === 1 ? "Tweak box" : `Tweak ${rows.length} boxes`, "tweak");
      return (
        found &&
        (() => {
          if (found.ops.length)
            app.store.commit(rows.length === 1 ? "Tweak box" : `Tweak ${rows.length} boxes`, found.ops);
          if (found.classes) tellUnsure(found.classes.unsure);
        })
      );
    },

    /** Refine all boxes of a class on this image, as one undo step. */
    async tweakClass() {
      const of = app.selection.only()?.class_id ?? app.classes.current.class_id,
        { name } = app.classes.of(of);
      const rows = [...app.store.rows.values()].filter((row) => row.class_id === of && row.status === "accepted");
      if (!rows.length) return app.toast(`There is no box of ${name} here.`, "warn");
      if (
        rows.length > ASK_ABOVE &&
        !(await app.confirm(`Tweak all ${rows.length} boxes of ${name}?`, "One undo step takes it back.", "Tweak all"))
      )
        return;
      const label = `Tweak ${rows.length} boxes of ${name}`;
      const found = await tweak(rows, label, "tweak");
      if (found?.ops.length) {
        app.store.commit(label, found.ops);
        app.toast(`${found.ops.length} boxes of ${name} tweaked.`, "ok");
      }
    },

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
      const ops = unchanged(rows)
        .filter((row) => found.sure.has(row.id) && found.sure.get(row.id) !== row.class_id)
        .map((row) => ({ op: "set", id: row.id, changes: { class_id: found.sure.get(row.id) } }));
      if (ops.length) app.store.commit(label, ops);
      tellUnsure(found.unsure);
      if (!found.unsure.length && !ops.length && rows.length > 1)
        app.toast("The head agrees with every class here.", "ok");
    },

    /** Switch the naming of new boxes on or off; on only when there is a head to do it. */
    async toggleAutoClass() {
      if (!app.settings.get("autoClass") && !(await app.call("heads_active")).name) {
        return app.toast("No class head is active yet: train one in the Train CLIP tab.", "warn");
      }
      return app.toast(
        app.settings.toggle("autoClass")
          ? "New boxes get their class from the active head."
          : "New boxes keep the class you choose.",
      );
    },

    /** New boxes get their class by the head when the person switched that on. */
    named: (ids) =>
      app.settings.get("autoClass") ? api.classify(ids.map((id) => app.store.rows.get(id)).filter(Boolean)) : null,

    /** Propose a mask for the one selected box. */
    maskFromBox() {
      const row = app.selection.only();
      if (!row) return app.toast("Select one box first.", "warn");
      return preview("Mask from box", { box: row.xyxy, class_id: row.class_id, classify: false }, [], row.id);
    },

    /** One more point on (or off) the object of the multi-point tool. */
    addPoint(at, positive) {
      points = [...points, { at, positive }];
      if (!points.some((p) => p.positive)) return setDraft({ label: "Mask from points", rows: [], points });
      const side = (wanted) => points.filter((p) => p.positive === wanted).flatMap((p) => p.at);
      return preview("Mask from points", { positive: side(true), negative: side(false) }, points);
    },
    dropPoint() {
      const left = points.slice(0, -1);
      api.dropDraft();
      points = left.slice(0, -1);
      if (left.length) api.addPoint(left.at(-1).at, left.at(-1).positive);
    },

    /** Take the proposal on screen. */
    acceptDraft() {
      if (draft?.isWaiting) {
        draft.isWanted = true;
        return true;
      } // Enter came before the answer
      if (!draft?.rows.length) return false;
      const { rows, target, label } = draft,
        old = target && app.store.rows.get(target);
      api.dropDraft();
      if (old) {
        const { polygons, confidence, source } = rows[0];
        app.store.commit(label, [
          { op: "set", id: old.id, changes: { polygons, confidence, source, xyxy: rows[0].xyxy } },
        ]);
      } else take(rows, label);
      return true;
    },
    dropDraft() {
      const had = draft !== null || points.length > 0;
      draft = null;
      points = [];
      show();
      return had;
    },
    /** Another image: nothing proposed on the old one stays. */
    reset() {
      asked = [];
      app.pending.cancelAll();
      api.dropDraft();
    },
  };
  return api;
}
