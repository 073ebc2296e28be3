// Saving: edits wait 250 ms, one request is in flight, failures are retried, stale bases become conflicts.

import { signal } from "./signal.js";
import { OPS_LIMIT } from "./store.js";

const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15000];
const EDITS_LIMIT = 200;
const TIMERS = { set: (f, ms) => setTimeout(f, ms), clear: (id) => clearTimeout(id) }; // bare functions refuse another `this`

/**
 * @param {object} with_
 * @param {(op: string, args: object) => Promise<any>} with_.call  throws errors with a `code`
 * @param {ReturnType<import("./outbox.js").createOutbox>} with_.outbox
 * @param {string} with_.clientId
 * @param {{set: Function, clear: Function}} [with_.clock]  timers, replaceable in tests
 */
export function createSync({ call, outbox, clientId, delay = 250, clock = TIMERS }) {
  const base = new Map(),
    conflicts = new Map();
  const stateChanged = signal(),
    saved = signal(),
    conflicted = signal(),
    refused = signal();
  let queue = [],
    seq = 0,
    timer = null,
    inFlight = null,
    failures = 0,
    state = "saved";

  function setState(next) {
    if (next !== state) {
      state = next;
      stateChanged.emit(state);
    }
  }
  function settle() {
    if (conflicts.size) return setState("conflict");
    if (!queue.length) return setState("saved");
    if (state === "saved" || state === "conflict") setState("saving");
  }
  const persist = () => outbox.keep(queue, Object.fromEntries(base));
  const arm = (ms) => {
    clock.clear(timer);
    timer = clock.set(() => {
      timer = null;
      send();
    }, ms);
  };

  /** The next edits of one image made by one page, in order. */
  function batch(imageId = queue.find((edit) => !conflicts.has(edit.image_id))?.image_id) {
    const first = queue.find((edit) => edit.image_id === imageId);
    if (!first || conflicts.has(imageId)) return null;
    const edits = [];
    let ops = 0;
    for (const edit of queue) {
      if (edit.image_id !== imageId) continue;
      if (edit.client_id !== first.client_id || edits.length >= EDITS_LIMIT || ops + edit.ops.length > OPS_LIMIT) break;
      edits.push(edit);
      ops += edit.ops.length;
    }
    return edits;
  }

  const body = (edits) => ({
    image_id: edits[0].image_id,
    base_revision: base.get(edits[0].image_id) ?? 0,
    client_id: edits[0].client_id,
    edits: JSON.stringify(edits.map(({ seq: n, kind, label, ops }) => ({ seq: n, kind, label, ops }))),
  });

  function acknowledge(edits, answer) {
    const known = new Set(answer.acknowledged);
    queue = queue.filter((edit) => !(edits.includes(edit) && known.has(edit.seq)));
    base.set(edits[0].image_id, answer.revision);
    failures = 0;
    persist();
    saved.emit({
      imageId: edits[0].image_id,
      revision: answer.revision,
      annotationCount: answer.annotation_count,
      classesBack: answer.classes_back ?? [],
    });
    settle();
    if (batch()) arm(0);
  }

  function fail(edits, error) {
    const imageId = edits[0].image_id;
    if (error.code === "conflict") {
      const conflict = {
        imageId,
        theirs: error.details ?? {},
        edits: queue.filter((edit) => edit.image_id === imageId),
      };
      conflicts.set(imageId, conflict);
      settle();
      conflicted.emit(conflict);
      if (batch()) arm(0);
    } else if (["bad_input", "not_found"].includes(error.code)) {
      const lost = queue.filter((edit) => edit.image_id === imageId); // the server will never take these
      queue = queue.filter((edit) => edit.image_id !== imageId);
      persist();
      settle();
      refused.emit({ imageId, edits: lost, error });
      if (batch()) arm(0);
    } else {
      setState(
        error.code === "login" || error.code === "forbidden" ? "login" : error.code === "offline" ? "offline" : "error",
      );
      arm(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    }
  }

  function send() {
    if (inFlight) return inFlight;
    const edits = batch();
    if (!edits) return Promise.resolve();
    if (!failures) setState("saving");
    inFlight = call("annotations_save", body(edits)).then(
      (answer) => {
        inFlight = null;
        acknowledge(edits, answer);
      },
      (error) => {
        inFlight = null;
        fail(edits, error);
      },
    );
    return inFlight;
  }

  return {
    get state() {
      return state;
    },
    get waiting() {
      return queue.length;
    },
    stateChanged: stateChanged.subscribe,
    onSaved: saved.subscribe,
    onConflict: conflicted.subscribe,
    onRefused: refused.subscribe,
    /** Ids of the images in conflict. */
    conflicted: () => [...conflicts.keys()],
    conflictOf: (imageId) => conflicts.get(imageId) ?? null,
    pendingOf: (imageId) => queue.filter((edit) => edit.image_id === imageId),
    revisionOf: (imageId) => base.get(imageId),

    /** Take over what earlier pages could not save. */
    adopt() {
      const left = outbox.adopt();
      queue = [...left.edits, ...queue];
      const adopted = new Set(left.edits.map((edit) => edit.image_id));
      for (const [id, revision] of Object.entries(left.base)) {
        const older = Math.min(revision, base.get(Number(id)) ?? revision); // shows what was saved in between
        if (adopted.has(Number(id)) || !base.has(Number(id))) base.set(Number(id), older);
      }
      if (queue.length) {
        persist();
        settle();
        arm(0);
      }
    },

    /** An image was opened at a revision; with unsaved edits of it the older base stays, so that a conflict shows. */
    opened(imageId, revision) {
      if (!queue.some((edit) => edit.image_id === imageId)) base.set(imageId, revision);
    },

    /** Queue one step of the store. */
    push({ imageId, kind, label, ops }) {
      queue.push({ client_id: clientId, seq: (seq += 1), image_id: imageId, kind, label, ops });
      persist();
      if (state === "saved") setState("saving");
      if (!failures) arm(delay);
    },

    /** Send everything now; resolves to true when nothing (of the image, if given) is left to send. */
    async flush(imageId = null) {
      clock.clear(timer);
      const before = () => (imageId === null ? queue.length : queue.filter((edit) => edit.image_id === imageId).length);
      while (batch() && before() && !conflicts.has(imageId)) {
        const left = queue.length;
        await send();
        if (queue.length === left) break; // it failed: the retry timer is armed
      }
      return before() === 0;
    },

    /** Try again at once: the browser is back online or the person logged in. */
    retry() {
      failures = 0;
      arm(0);
    },

    /** End a conflict: forget the image's unsaved edits and give them back to the caller. */
    resolve(imageId, revision) {
      const mine = queue.filter((edit) => edit.image_id === imageId);
      queue = queue.filter((edit) => edit.image_id !== imageId);
      conflicts.delete(imageId);
      base.set(imageId, revision);
      persist();
      settle();
      if (batch()) arm(0);
      return mine;
    },

    /** Bodies for the beacon that a page sends as it goes away: one for each image and page with unsaved edits. */
    parcels() {
      const images = [...new Set(queue.map((edit) => edit.image_id))];
      return images
        .map((id) => batch(id))
        .filter(Boolean)
        .map(body);
    },
  };
}
