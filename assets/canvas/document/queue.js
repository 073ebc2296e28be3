// The review: candidates of the whole dataset one after the other, whatever image they are on.

import { signal } from "./signal.js";

const PAGE = 200,
  AHEAD = 60; // items before the end of what is here, when the next page is fetched
export const FILTERS = {
  order: "image",
  source: "",
  class_name: "",
  conf_min: 0,
  split: "",
  attribute: "",
  image_id: 0,
};

/**
 * @typedef {{id: string, image_id: number, image: string, class_id: number, xyxy: number[], confidence: ?number, source: string}} Item
 * @param {object} parts  the document's parts
 * @param {(row: object) => void} parts.point  brings an annotation into sight and selects it
 */
export function createQueue({ call, store, session, sync, classes, point, toast }) {
  const changed = signal();
  let filters = { ...FILTERS },
    items = [],
    at = 0,
    after = "",
    coming = null, // the next page, while it is fetched
    dataset = null,
    isOpen = false,
    isFixing = false,
    counts = { left: 0, done: 0 },
    round = 0; // of filling: what an older one answers is dropped
  const past = [], // {imageId, at} or {batch}: what Ctrl+Z takes back, the newest last
    future = []; // {imageId, at}: what was taken back and can be done again, the next last

  store.onEdit(({ imageId, kind, ops }) => {
    if (!isOpen) return;
    if (kind === "undo") future.push(past.pop());
    else if (kind === "redo") past.push(future.pop());
    else {
      past.push({ imageId, at });
      future.length = 0;
    }
    for (const op of ops) if (op.changes?.status) count(op.changes.status === "candidate" ? 1 : -1);
  });
  function count(by) {
    counts = { left: Math.max(0, counts.left + by), done: Math.max(0, counts.done - by) };
    changed.emit();
  }
  session.subscribe(() => {
    if (isOpen && dataset !== session.dataset) api.close();
    else if (isOpen) changed.emit(); // the person may have gone to another image
  });
  const asked = () => {
    const { order, ...rest } = filters;
    return { dataset: session.dataset, ...rest };
  };

  function more() {
    const mine = round;
    return (coming ??= call("review_queue", { ...asked(), order: filters.order, after, limit: PAGE })
      .then((page) => {
        if (mine !== round) return;
        items.push(...page.items);
        after = page.after;
      })
      .finally(() => {
        if (mine === round) coming = null;
      }));
  }
  async function recount() {
    const mine = round,
      found = await call("review_progress", asked());
    if (mine === round) counts = found;
    changed.emit();
  }

  /** Start over from the first candidate of a choice. */
  async function refill() {
    await sync.flush();
    round += 1;
    coming = null;
    items = [];
    at = 0;
    after = "";
    past.length = future.length = 0;
    recount().catch(() => {}); // the page's own failure is told
    await more();
  }

  const isHere = (item) => item.image_id === session.imageId;
  const isAnswered = (item) => isHere(item) && store.rows.get(item.id)?.status !== "candidate";

  /** Show the candidate at `at`, or the next (by 1) or one before (by -1) that still waits for an answer. */
  async function arrive(open, by = 1) {
    isFixing = false;
    for (;;) {
      if (at >= items.length - AHEAD && after) {
        const page = more();
        if (at >= items.length) await page;
        else page.catch(() => {}); // asked for again where it is needed
      }
      const item = items[at];
      if (!item) break;
      if (!isHere(item)) await open(item.image_id);
      if (isHere(item) && !store.rows.has(item.id)) await session.reload(); // it was proposed after the image was read
      if (isHere(item) && !isAnswered(item)) break;
      at += by; // answered elsewhere, or its image cannot be opened
    }
    at = Math.max(0, at);
    prepare();
    if (items[at] && isHere(items[at])) point(store.rows.get(items[at].id));
    changed.emit();
  }

  /** Fetch the image that comes next. */
  function prepare() {
    const here = items[at]?.image_id,
      next = items.slice(at, at + AHEAD).find((item) => item.image_id !== here);
    if (next) session.prepare(next.image_id);
  }

  /** Do something about the candidate in sight; one that is on another image is shown first. */
  const about = (act) =>
    session.run(async (open) => {
      const item = items[at];
      if (!item || !isHere(item) || isAnswered(item)) return arrive(open);
      return act(item, open);
    });

  const answer = (status, verb) =>
    about(async ({ id }, open) => {
      const row = store.rows.get(id);
      store.commit(`${verb} ${classes.of(row.class_id).name}`, [{ op: "set", id, changes: { status } }]);
      at += 1;
      await arrive(open);
    });

  /** The image is empty: what is proposed there is rejected, and it is reviewed. */
  const nothing = () =>
    about(async (_, open) => {
      const rows = [...store.rows.values()],
        kept = rows.filter((row) => row.status === "accepted").length;
      const ops = rows
        .filter((row) => row.status === "candidate")
        .map(({ id }) => ({ op: "set", id, changes: { status: "rejected" } }));
      store.commit("Nothing here", [{ op: "image", changes: { state: "reviewed" } }, ...ops]);
      if (kept) toast(`Nothing else is here; ${kept === 1 ? "the label stays" : `${kept} labels stay`}.`);
      at += 1;
      await arrive(open);
    });

  async function undoBatch(batch) {
    await sync.flush();
    const told = await call("review_undo", { dataset: session.dataset, batch });
    toast(
      `Undone: ${told.boxes.toLocaleString()} boxes in ${told.images.toLocaleString()} images are candidates again.`,
    );
    await reread();
  }

  /** Many were answered at once: read what is shown again. */
  async function reread() {
    session.staleAll();
    if (session.imageId) await session.reload();
    if (isOpen) await recount();
    changed.emit();
  }

  const api = {
    subscribe: changed.subscribe,
    get isOpen() {
      return isOpen;
    },
    get isFixing() {
      return isFixing;
    },
    get filters() {
      return filters;
    },
    get counts() {
      return counts;
    },
    /** The candidate that a key answers; null at the end. @returns {?Item} */
    get current() {
      return items[at] ?? null;
    },
    get isAway() {
      return Boolean(items[at]) && !isHere(items[at]);
    },
    get canUndo() {
      return past.length > 0;
    },
    get canRedo() {
      return future.length > 0;
    },

    /** Begin a review, or another one, with the first candidate of a choice. */
    open: (choice = {}) =>
      session.run(async (open) => {
        filters = { ...FILTERS, ...choice };
        isOpen = true;
        dataset = session.dataset;
        await refill();
        await arrive(open);
        if (!items.length) toast("There is no candidate to review here.", "ok");
      }),
    close() {
      isOpen = isFixing = false;
      past.length = future.length = 0;
      changed.emit();
    },
    accept: () => answer("accepted", "Accept"),
    reject: () => answer("rejected", "Reject"),
    nothing,
    /** Let the person correct the candidate in sight. */
    fix: (begin) =>
      about(async () => {
        isFixing = true;
        begin();
        changed.emit();
      }),
    /** Go to the next candidate (1) or the one before (-1) without an answer. */
    move: (by) =>
      session.run(async (open) => {
        at = Math.min(Math.max(0, at + by), items.length);
        await arrive(open, by);
      }),
    /** Take back what was done last in this review, on whatever image that was. */
    undo: () =>
      session.run(async (open) => {
        const last = past.at(-1);
        if (!last) return null;
        if (last.batch) {
          past.pop();
          return undoBatch(last.batch);
        }
        if (session.imageId !== last.imageId) await open(last.imageId);
        const entry = store.undo();
        if (!entry)
          past.pop(); // somebody else took it back
        else if (entry.label) toast(`Undone: ${entry.label}`);
        at = last.at;
        return arrive(open);
      }),
    /** Do again what was taken back last in this review, on whatever image that was. */
    redo: () =>
      session.run(async (open) => {
        const next = future.at(-1);
        if (!next) return null;
        if (session.imageId !== next.imageId) await open(next.imageId);
        const entry = store.redo();
        if (!entry)
          future.pop(); // somebody else edited the image
        else if (entry.label) toast(`Redone: ${entry.label}`);
        at = next.at;
        return arrive(open);
      }),
    undoBatch,
    /** Answer many at once, on any images. `ids` names them; without, all of the choice from `conf_min` on. */
    async answerMany(status, ids = null, choice = filters) {
      await sync.flush();
      const { source, class_name, split, attribute, conf_min } = choice;
      const told = ids
        ? await call("review_decide", { dataset: session.dataset, ids, answer: status })
        : await call("review_decide_all", {
            dataset: session.dataset,
            answer: status,
            source,
            class_name,
            split,
            attribute,
            conf_min,
          });
      if (told.batch && isOpen) past.push({ batch: told.batch });
      await reread();
      return told;
    },
    /** Show the next candidate that waits after many were answered. */
    follow: () => session.run((open) => (isOpen ? arrive(open) : null)),
  };
  return api;
}
