// Which dataset and image are open, and the way from one to the next.

import { createAhead } from "./ahead.js";
import { createLease } from "./lease.js";
import { signal } from "./signal.js";

const SLOW_MS = 150; // an image that takes longer is shown to be loading
const UNREADABLE = "The file cannot be read as an image, or is no longer there.";

/**
 * @param {object} parts  the document's parts, and of the rooms above it
 * @param {(bitmap: ?object, size: ?object, keepView: boolean) => void} parts.show  puts an image on the stage
 * @param {() => void} parts.interrupt  drops what is half drawn or proposed
 * @param {() => boolean} parts.isBusy  is something being dragged?
 * @param {() => void} parts.beforeEdit  finishes what is half done
 * @param {(dataset: string) => void} parts.opened  called when another dataset than the header's is open
 */
export function createSession(parts) {
  const { call, store, sync, classes, images, selection, settings, bitmaps, clientId } = parts;
  const { show, interrupt, isBusy, beforeEdit, opened, toast, tell } = parts;
  const changed = signal(),
    ahead = createAhead({ call, images, sync, bitmaps }),
    lease = createLease({ call, clientId, imageId: () => imageId, changed: changed.emit });
  let dataset = null,
    imageId = null,
    index = -1,
    turn = 0, // of opening: an answer to an older one is dropped
    phase = "empty",
    problem = "",
    direction = 1,
    walking = null, // the way along the steps that are asked for, while there are any
    isInTask = false; // while a task begins: what it asks for is a part of it
  const steps = []; // {by, state} or {task}: asked for while an image opens

  const enter = (next, why = "") => {
    phase = next;
    problem = why;
    changed.emit();
  };
  const read = (id) => call("image_open", { image_id: id });
  const facts = (name) => call("datasets_get", { dataset: name });

  function fail(error) {
    enter("failed", error.message);
    tell(error);
  }

  function accept(answer) {
    sync.opened(answer.image_id, answer.revision);
    store.load(answer);
    for (const edit of sync.pendingOf(answer.image_id)) {
      try {
        store.replay(edit);
      } catch {
        break;
      } // based on another version: saving it shows the conflict
    }
  }

  /** Show the open image as it is stored now, if it was changed elsewhere and not here meanwhile. */
  async function recheck(id) {
    const before = sync.revisionOf(id),
      now = await read(id);
    const isPast = imageId !== id || sync.revisionOf(id) !== before || sync.pendingOf(id).length > 0;
    if (!isPast && (now.revision !== before || !isShown(now.annotations))) accept(now);
  }

  /** Whether these are the annotations on screen: a run adds and removes candidates without a new revision. */
  function isShown(annotations) {
    const isSame = (row) => String(store.rows.get(row.id)?.xyxy) === String(row.xyxy);
    return annotations.length === store.rows.size && annotations.every(isSame);
  }

  /** The first image of the list that can be shown, else simply the first. */
  function firstReadable() {
    for (let i = 0; images.row(i); i++) if (!images.row(i).problem) return images.row(i).id;
    return images.row(0).id;
  }

  /** What an image needs to be shown; null when another one was asked for meanwhile. */
  async function fetched(id, mine) {
    beforeEdit();
    if (sync.pendingOf(id).length) await sync.flush(id);
    const opening = ahead.take(id);
    const picture = ahead.decode(images.byId(id), opening).catch(() => null);
    const answer = await opening;
    if (mine !== turn) return null;
    const bitmap = await picture;
    if (mine !== turn) return null;
    await api.locate(id);
    return mine === turn ? { answer, bitmap } : null;
  }

  function place(id, { answer, bitmap }) {
    imageId = id;
    lease.forget();
    interrupt();
    selection.clear();
    accept(answer);
    settings.rememberImage(dataset, id);
    const size = {
      width: answer.width || bitmap?.naturalWidth || 1,
      height: answer.height || bitmap?.naturalHeight || 1,
    };
    show(bitmap, bitmap ? size : null, settings.get("keepZoom"));
    if (bitmap) enter("ready");
    else enter("unreadable", images.byId(id)?.problem ?? answer.problem ?? UNREADABLE);
  }

  /** What can wait until the image is on screen. */
  function follow(id, wasAhead) {
    opened(dataset);
    if (wasAhead) recheck(id).catch(() => {}); // the next save would tell
    ahead.fetch(index, direction).catch(() => {});
    lease.renew();
  }

  /** The person is back: the open dataset's classes, images or this image may have changed. */
  async function catchUp() {
    const name = dataset,
      id = imageId,
      now = await facts(name);
    if (name !== dataset) return;
    classes.load(now.classes);
    const isOther = now.images !== undefined && images.whole !== null && now.images !== images.whole;
    if (id === null || isOther) await api.openDataset(name, id);
    else if (!sync.pendingOf(id).length && !isBusy()) await recheck(id);
  }

  async function openImage(id, { orElse = false } = {}) {
    if (id === imageId && phase === "ready") return;
    const mine = (turn += 1),
      wasAhead = ahead.has(id);
    const slow = setTimeout(() => mine === turn && enter("loading"), SLOW_MS);
    try {
      const found = await fetched(id, mine);
      if (!found) return;
      place(id, found);
      follow(id, wasAhead);
    } catch (error) {
      if (mine !== turn) return;
      const first = orElse && error.code === "not_found" ? firstReadable() : null; // the remembered image is gone
      if (first !== null && first !== id) await openImage(first);
      else fail(error);
    } finally {
      clearTimeout(slow);
    }
  }

  /** Go the steps that were asked for, one after the other; those on the way to one image are joined. */
  async function walk() {
    try {
      while (steps.length) {
        const step = steps.shift();
        while (isPlain(step) && isPlain(steps[0])) step.by += steps.shift().by;
        await take(step);
      }
    } finally {
      steps.length = 0;
      walking = null;
    }
  }

  const isPlain = (step) => Boolean(step) && !step.state && !step.task;

  async function take({ by, state, task }) {
    if (state) api.mark(state);
    if (!task) return go(by, state);
    let done;
    isInTask = true;
    try {
      done = task(openImage);
    } finally {
      isInTask = false;
    }
    return done;
  }

  function ask(step) {
    if (isInTask) return step.task ? step.task(openImage) : take(step);
    steps.push(step);
    return (walking ??= walk());
  }

  /** Open the image `by` further on, the first or last one where there are not as many. */
  async function go(by, state) {
    const to = Math.min(Math.max(index + by, 0), images.total - 1),
      before = turn,
      row = to === index || (index < 0 && by < 0) ? null : await images.at(to);
    if (before !== turn) return; // another image was asked for meanwhile
    if (row) await openImage(row.id);
    else if (state) toast("Reviewed. This is the last image.", "ok");
    else toast(by > 0 ? "This is the last image." : "This is the first image.");
  }

  const api = {
    subscribe: changed.subscribe,
    get dataset() {
      return dataset;
    },
    get imageId() {
      return imageId;
    },
    get index() {
      return index;
    },
    /** empty (no dataset), loading, no_images, ready, unreadable, failed */
    get phase() {
      return phase;
    },
    get problem() {
      return problem;
    },
    /** Who else has this image open. */
    get others() {
      return lease.others;
    },
    /** Where the person travels: 1 onwards, -1 back. */
    get direction() {
      return direction;
    },

    async openDataset(name, wanted = null) {
      const mine = (turn += 1);
      api.leave();
      dataset = name || null;
      index = -1;
      if (!dataset) {
        classes.load([]);
        return enter("empty");
      }
      enter("loading");
      try {
        const [found] = await Promise.all([facts(dataset), images.reset(dataset)]);
        if (mine !== turn) return undefined;
        classes.load(found.classes);
        if (!images.total) return enter("no_images");
        const first = wanted ?? settings.lastImage(dataset) ?? firstReadable();
        return await api.openImage(first, { orElse: wanted === null });
      } catch (error) {
        return mine === turn ? fail(error) : undefined;
      }
    },

    /** Open an image. With `orElse` the first readable one is opened instead of one that is gone. */
    openImage(id, options) {
      steps.length = 0; // who asks for an image does not want those on the way
      return openImage(id, options);
    },

    /** Find where an image stands in the list, asking the server when its page is not here. */
    async locate(id) {
      let found = images.indexOf(id);
      if (found < 0 && !images.isFiltered) {
        const answer = await call("images_position", { dataset, image_id: id });
        found = answer.position ?? answer.index ?? -1;
        images.place(id, found);
      }
      index = found;
    },

    /**
     * Go `by` images on, once those asked for before are shown; no step is lost while an image opens.
     * With a state the image that is then shown gets it first.
     */
    step(by, state = "") {
      direction = Math.sign(by);
      return ask({ by, state });
    },

    /** Is something on its way that was asked for before? */
    get isWalking() {
      return walking !== null;
    },
    /** Do a task that opens images once what was asked for before is done; it is handed the way to open one. */
    run: (task) => ask({ task }),
    /** Let a key wait for its turn behind what is on its way. */
    queue(task) {
      steps.push({ task });
    },
    /** Fetch an image that will be opened soon. */
    prepare: (id) => ahead.prepare(id),

    async nextUnlabelled() {
      const answer = await call("images_next", { dataset, after_image_id: imageId ?? 0, state: "new" });
      const id = answer?.id ?? answer?.image_id ?? null;
      if (id === null) toast("No unlabelled image is left.", "ok");
      else await api.openImage(id);
    },

    /** Set the image's state, as an undoable step. */
    mark(state) {
      if (store.image && store.image.state !== state) {
        store.commit(state === "reviewed" ? "Mark reviewed" : "Mark in progress", [
          { op: "image", changes: { state } },
        ]);
      }
    },

    /** Read the open image again, e.g. after a conflict was settled. */
    async reload() {
      const id = imageId,
        answer = await read(id);
      if (id === imageId) accept(answer);
      return answer;
    },
    /** Annotations of another image of this dataset. */
    rowsOf: async (id) => (await read(id)).annotations,
    /** Forget what was fetched ahead about an image. */
    stale: ahead.forget,
    staleAll: ahead.forgetAll,
    /** The person comes back from another tab, where classes, images or this one may have changed. */
    async refresh() {
      if (!dataset || phase === "loading") return;
      try {
        await catchUp();
      } catch (error) {
        if (error.code === "not_found") await api.openDataset(null);
        else if (error.code !== "offline") tell(error);
      }
    },
    async refreshClasses() {
      classes.load((await facts(dataset)).classes);
    },
    leave() {
      interrupt();
      selection.clear();
      imageId = null;
      lease.forget();
      store.clear();
      show(null, null, false);
    },
    destroy: lease.stop,
  };
  return api;
}
