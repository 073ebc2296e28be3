// Prompts to the segmenter - a click, points, a loose box - and how its answers become annotations.
// Nothing here runs unless a person asked.

import { clipBox } from "../drawing/geometry.js";
import { polygonChanges } from "../drawing/polygons.js";
import { signal } from "../document/signal.js";

export function createAssist({
  ask,
  cards,
  classes,
  naming,
  newRow,
  pending,
  selection,
  settings,
  stage,
  store,
  toast,
  tweak,
}) {
  const changed = signal();
  let draft = null,
    asked = [],
    points = [];

  const show = () => {
    stage.frame();
    changed.emit();
  };

  /** A candidate as an annotation; with its mask where one is wanted. */
  function rowOf(candidate, segmenter, withMask) {
    const traced = withMask && candidate.polygons?.length ? polygonChanges(candidate.polygons, stage.size) : null;
    const xyxy = traced?.xyxy ?? clipBox(candidate.xyxy, stage.size);
    const known = candidate.accepted !== false && classes.of(candidate.class_id).class_id >= 0; // named, or as asked
    const row = xyxy && newRow(xyxy, known ? candidate.class_id : undefined);
    return row && { ...row, ...traced, confidence: candidate.confidence ?? null, source: segmenter };
  }

  const segmentArgs = (role) => ({
    segmenter: cards.id(role),
    class_id: classes.current.class_id,
    classify: settings.get("autoClass"),
    min_margin: settings.get("minMargin"),
    tolerance: settings.get("tolerance"),
    fill_holes: settings.get("fillHoles"),
  });
  const keepsMasks = () => settings.get("keepMasks");

  function take(rows, label) {
    store.commit(
      label,
      rows.map((row) => ({ op: "add", annotation: row })),
    );
    selection.set(rows.map((row) => row.id));
  }

  /** Take the best candidate of an answer as an annotation. */
  function takeBest(answer, label) {
    const row = answer?.candidates[0] && rowOf(answer.candidates[0], answer.segmenter, keepsMasks());
    if (row) take([row], label);
    else if (answer) toast("Nothing was found there.", "warn");
  }

  function setDraft(next) {
    draft = next;
    show();
  }

  async function preview(label, args, promptPoints, pressed) {
    setDraft({ label, rows: draft?.rows ?? [], points: promptPoints, isWaiting: true });
    const answer = await ask(label, "segment", { ...segmentArgs("masker"), ...args }, { group: "draft" });
    if (!draft || draft.points !== promptPoints) return;
    const { isWanted } = draft;
    const rows = answer
      ? answer.candidates
          .slice(0, 1)
          .map((c) => rowOf(c, answer.segmenter, true))
          .filter(Boolean)
      : [];
    if (answer && !rows.length) toast("Nothing was found there.", "warn");
    if (!rows.length && !promptPoints.length) return setDraft(null);
    setDraft({ label, rows, points: promptPoints, target: pressed ?? null });
    if (isWanted) api.take();
  }

  const api = {
    subscribe: changed.subscribe,
    /** A proposal on screen: {label, rows, points, target?}; Enter takes it, Esc drops it. */
    get draft() {
      return draft;
    },
    get isOpen() {
      return draft !== null;
    },
    get text() {
      return draft?.rows.length ? `${draft.label}: Enter takes it, Esc drops it` : "";
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
      takeBest(answer, "Box at point");
    },

    /** Refine a loosely drawn box before it becomes an annotation. */
    async tightBox(box) {
      const row = newRow(box);
      if (!row) return;
      if (keepsMasks() && !cards.isLight(cards.card("segmenter"))) {
        takeBest(await ask("Tighten box", "segment", { box, ...segmentArgs("segmenter") }), "Draw tight box");
        return;
      }
      const found = await tweak.tightened([row], "Tighten box");
      if (!found) return;
      take([{ ...row, ...found.get(row.id), source: cards.id("segmenter") }], "Draw tight box");
      await naming.named([row.id]);
    },

    /** Propose a mask for the one selected box. */
    maskFromBox() {
      const row = selection.only();
      if (!row) return toast("Select one box first.", "warn");
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
      api.drop();
      points = left.slice(0, -1);
      if (left.length) api.addPoint(left.at(-1).at, left.at(-1).positive);
    },

    /** Take the proposal on screen; without one, forget its points. */
    take() {
      if (draft?.isWaiting) {
        draft.isWanted = true; // Enter came before the answer
        return;
      }
      const { rows = [], target, label } = draft ?? {},
        old = target && store.rows.get(target);
      api.drop();
      if (!rows.length) return;
      if (old) {
        const { polygons, confidence, source, xyxy } = rows[0];
        store.commit(label, [{ op: "set", id: old.id, changes: { polygons, confidence, source, xyxy } }]);
      } else take(rows, label);
    },
    drop() {
      const had = draft !== null || points.length > 0;
      draft = null;
      points = [];
      show();
      return had;
    },
    /** Another image: nothing proposed on the old one stays. */
    reset() {
      asked = [];
      pending.cancelAll();
      api.drop();
    },
  };
  return api;
}
