// Candidates for phrases and example boxes. They live in this page until a person takes them; a threshold filters
// them without another run.

import { area, clipBox, contains, meets } from "../drawing/geometry.js";
import { polygonChanges } from "../drawing/polygons.js";
import { signal } from "../document/signal.js";

/** The lowest confidence that a model is asked for; the slider filters above it. */
export const LOWEST = 0.05;
const SAME_IOU = 0.7; // a candidate over an annotation by this is labelled already

/** @typedef {{id: string, phrase: string, xyxy: number[], polygons: ?number[][][], confidence: number}} Candidate */
export function createFinds(parts) {
  const { store, selection, settings, stage, cards, ask, toast, review } = parts;
  const changed = signal();
  let found = [],
    finder = "",
    asked = [], // phrases of the last run
    exemplars = [], // {xyxy, positive}
    hover = null,
    cache = { key: null, shown: [], labelled: 0 };

  const show = () => {
    cache.key = null;
    stage.frame();
    changed.emit();
  };

  /** Candidates above the threshold that are not labelled already. */
  function shown() {
    const conf = settings.get("findConf"),
      key = `${conf}:${store.version}`;
    if (cache.key !== key) {
      const above = found.filter((one) => one.confidence >= conf),
        fresh = above.filter((one) => !isLabelled(stage, one.xyxy));
      cache = { key, shown: fresh, labelled: above.length - fresh.length };
    }
    return cache.shown;
  }

  function accept(answer) {
    finder = answer.finder;
    asked = answer.phrases.map(({ phrase }) => phrase).filter(Boolean);
    found = answer.phrases
      .flatMap(({ phrase, candidates }) => candidates.map((one) => candidateOf(parts, phrase, one)))
      .filter(Boolean);
    show();
    if (!found.length) toast("Nothing was found.", "warn");
    else if (!shown().length) toast(whyNone());
    if (found.length) review.begin();
  }

  const whyNone = () =>
    cache.labelled
      ? `Nothing new: ${cache.labelled} ${cache.labelled === 1 ? "object is" : "objects are"} labelled already.`
      : `${found.length} found, none above the threshold; lower it with the slider.`;

  async function run(label, args) {
    const answer = await ask(
      label,
      "find",
      { ...args, finder: cards.id("finder"), conf: LOWEST, boxes_only: !settings.get("keepMasks") },
      { group: "find" },
    );
    if (answer) accept(answer);
  }

  function remove(items) {
    const gone = new Set(items.map((one) => one.id));
    found = found.filter((one) => !gone.has(one.id));
    if (hover && gone.has(hover.id)) hover = null;
    if (!found.length) review.end();
    show();
  }

  async function take(items) {
    if (!items.length) return toast("No candidate is shown.");
    const classes = await classesFor(parts, items);
    if (!classes) return undefined;
    const isLeft = (one) => found.some(({ id }) => id === one.id); // neither taken nor dropped while the head answered
    const rows = items.map((one, i) => isLeft(one) && rowOf(parts, one, classes[i], finder)).filter(Boolean);
    if (!rows.length) return undefined; // there is no class yet: they wait
    remove(items);
    const what = asked.length === 1 ? ` of "${asked[0]}"` : "";
    store.commit(
      `Take ${rows.length} found${what}`,
      rows.map((annotation) => ({ op: "add", annotation })),
    );
    return selection.set(rows.length === 1 ? [rows[0].id] : []);
  }

  const api = {
    subscribe: changed.subscribe,
    shown,
    get isOpen() {
      return found.length > 0;
    },
    get text() {
      return `${shown().length} found: click takes one, Alt click drops it; Enter or Esc for all`;
    },
    get total() {
      return found.length;
    },
    get labelled() {
      shown();
      return cache.labelled;
    },
    get exemplars() {
      return exemplars;
    },
    get hover() {
      return hover;
    },
    setHover(one) {
      hover = one;
    },
    at: (point) =>
      shown()
        .filter((one) => contains(one.xyxy, point))
        .sort((a, b) => area(a.xyxy) - area(b.xyxy))[0] ?? null,
    within: (box) => shown().filter((one) => meets(one.xyxy, box)),
    /** Take what was clicked or framed; with Alt drop it. */
    pick: (items, alt) => (alt ? remove(items) : take(items)),
    take: () => take(shown()),
    drop() {
      if (found.length) remove(found);
    },
    refresh: show,

    /** Find every instance of phrases, given as a person writes them: separated by commas. */
    async byPhrases(text) {
      const phrases = [...new Set(text.split(",").map((part) => part.trim()))].filter(Boolean);
      if (!phrases.length) return toast("Write what to find, e.g. car, traffic light.");
      return run(`Find ${phrases.join(", ")}`, { phrases });
    },
    /** Find all that look like the example boxes. */
    async byExemplars() {
      if (!exemplars.some((one) => one.positive)) return toast("Draw a box around one example first.");
      const args = {
        exemplars: exemplars.flatMap((one) => one.xyxy),
        exemplar_positive: exemplars.map((one) => one.positive),
      };
      return run("Find all like it", args);
    },
    setExemplars(next) {
      exemplars = next;
      stage.frame();
      changed.emit();
    },
    /** Another image: what was found on the old one goes. */
    reset() {
      const left = shown().length;
      exemplars = [];
      api.drop();
      if (left) toast(`${left} ${left === 1 ? "candidate" : "candidates"} of the other image discarded.`);
    },
  };
  return api;
}

function candidateOf({ stage, newId }, phrase, { xyxy, polygons, confidence }) {
  const traced = polygons?.length ? polygonChanges(polygons, stage.size) : null,
    box = traced?.xyxy ?? clipBox(xyxy, stage.size);
  return box && { id: newId(), phrase, xyxy: box, polygons: traced?.polygons ?? null, confidence };
}

function isLabelled(stage, xyxy) {
  return stage.inside(xyxy).some((row) => iou(row.xyxy, xyxy) >= SAME_IOU);
}

/** Overlap of two boxes, intersection over union. */
export function iou(a, b) {
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]),
    h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return w > 0 && h > 0 ? (w * h) / (area(a) + area(b) - w * h) : 0;
}

const plain = (text) =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s_-]+/g, " ")
    .trim();

/** The class a phrase names: same words, also in the plural; null for none. */
export function classNamed(classes, phrase) {
  const wanted = plain(phrase),
    forms = [wanted, wanted.replace(/s$/, ""), `${wanted}s`];
  return classes.find(({ name }) => forms.includes(plain(name))) ?? null;
}

/** The class id each candidate gets; null when the head did not answer. */
async function classesFor({ classes, settings, naming }, items) {
  const current = classes.current.class_id,
    how = settings.get("findClass");
  if (how === "phrase") return items.map((one) => classNamed(classes.list, one.phrase)?.class_id ?? current);
  if (how !== "head") return items.map(() => current);
  const named = await naming.classesOf(
    items,
    items.map((one) => one.xyxy),
    "Auto class",
  );
  if (!named) return null;
  naming.tellUnsure(named.unsure);
  return items.map((one) => named.sure.get(one.id) ?? current);
}

function rowOf({ newRow }, { xyxy, polygons, confidence }, class_id, source) {
  const row = newRow(xyxy, class_id);
  return row && { ...row, polygons, confidence: Math.min(Math.max(confidence, 0), 1), source };
}
