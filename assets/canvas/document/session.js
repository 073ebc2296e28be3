// Which dataset and image are open, and the way from one to the next.

import { signal } from "./signal.js";
import { urls } from "./urls.js";

const FRESH_MS = 20_000; // a neighbour fetched longer ago is fetched again
const LEASE_MS = 20_000;

export function createSession(app) {
  const changed = signal();
  const ahead = new Map(); // image id -> {at, answer: Promise}
  let dataset = null,
    imageId = null,
    index = -1,
    turn = 0,
    phase = "empty",
    problem = "",
    others = [],
    previous = null,
    direction = 1,
    leaseTimer = null;

  const show = (next, why = "") => {
    phase = next;
    problem = why;
    changed.emit();
  };

  async function opened(id) {
    const held = ahead.get(id),
      ask = () => app.call("image_open", { image_id: id });
    ahead.delete(id);
    if (!held || Date.now() - held.at > FRESH_MS) return ask();
    const answer = await held.answer;
    return answer.revision < (app.sync.revisionOf(id) ?? 0) ? ask() : answer; // we saved it since
  }

  async function prefetch() {
    for (const step of [direction, -direction]) {
      const row = await app.images.at(index + step);
      if (!row || row.problem || ahead.has(row.id) || app.sync.pendingOf(row.id).length) continue;
      app.bitmaps.get(row.id).catch(() => {}); // shown when the person gets there
      const answer = app.call("image_open", { image_id: row.id });
      answer.catch(() => ahead.delete(row.id));
      ahead.set(row.id, { at: Date.now(), answer });
    }
    for (const id of ahead.keys()) if (ahead.size > 4) ahead.delete(id);
  }

  /** A neighbour that was fetched ahead may have been edited since: look again, behind the scenes. */
  async function recheck(id, revision) {
    const now = await app.call("image_open", { image_id: id });
    if (
      imageId === id &&
      now.revision !== revision &&
      !app.sync.pendingOf(id).length &&
      app.sync.revisionOf(id) === revision
    )
      accept(now);
  }

  function accept(answer) {
    app.sync.opened(answer.image_id, answer.revision);
    app.store.load(answer);
    for (const edit of app.sync.pendingOf(answer.image_id)) {
      try {
        app.store.replay(edit);
      } catch {
        break;
      } // based on another version: saving it shows the conflict
    }
  }

  /** The first image of the list that can be shown, else simply the first. */
  const firstReadable = () => {
    for (let i = 0; app.images.row(i); i++) if (!app.images.row(i).problem) return app.images.row(i).id;
    return app.images.row(0).id;
  };

  async function lease() {
    clearTimeout(leaseTimer);
    const id = imageId;
    if (id === null || document.hidden) {
      leaseTimer = setTimeout(lease, LEASE_MS);
      return;
    }
    try {
      const answer = await app.call("image_lease", { image_id: id, client_id: app.clientId });
      const list = answer.others ?? answer ?? [];
      if (id === imageId && String(list.length) !== String(others.length)) {
        others = list;
        changed.emit();
      }
    } catch {
      others = [];
    } // saving tells when the server is away
    leaseTimer = setTimeout(lease, LEASE_MS);
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
      return others;
    },
    /** Where the person travels: 1 onwards, -1 back. */
    get direction() {
      return direction;
    },
    get previousId() {
      return previous;
    },

    async openDataset(name, wanted = null) {
      const mine = (turn += 1);
      api.leave();
      dataset = name || null;
      index = -1;
      if (!dataset) {
        app.classes.load([]);
        return show("empty");
      }
      show("loading");
      try {
        const [facts] = await Promise.all([app.call("datasets_get", { dataset }), app.images.reset(dataset)]);
        if (mine !== turn) return;
        app.classes.load(facts.classes);
        if (!app.images.total) return show("no_images");
        const first = wanted ?? app.settings.lastImage(dataset) ?? firstReadable();
        await api.openImage(first, { orElse: wanted === null });
      } catch (error) {
        if (mine === turn) {
          show("failed", error.message);
          app.tell(error);
        }
      }
    },

    async openImage(id, { orElse = false } = {}) {
      if (id === imageId && phase === "ready") return;
      const mine = (turn += 1),
        wasAhead = ahead.has(id);
      const slow = setTimeout(() => {
        if (mine === turn) show("loading");
      }, 150);
      try {
        app.beforeEdit();
        if (app.sync.pendingOf(id).length) await app.sync.flush(id);
        const picture = app.bitmaps.get(id).catch(() => null);
        const answer = await opened(id);
        if (mine !== turn) return;
        const bitmap = await picture;
        if (mine !== turn) return;
        await api.locate(id);
        if (mine !== turn) return;
        if (imageId !== id) {
          previous = imageId;
        }
        imageId = id;
        others = [];
        app.tools.cancel();
        app.resetProposals();
        app.selection.clear();
        accept(answer);
        app.settings.rememberImage(dataset, id);
        app.stage.show(
          bitmap,
          { width: answer.width || bitmap?.naturalWidth || 1, height: answer.height || bitmap?.naturalHeight || 1 },
          app.settings.get("keepZoom"),
        );
        if (!bitmap) {
          app.stage.show(null, null, false);
          show(
            "unreadable",
            app.images.byId(id)?.problem ??
              answer.problem ??
              "The file cannot be read as an image, or is no longer there.",
          );
        } else show("ready");
        if (dataset !== app.wanted()) app.trigger?.("opened", { dataset }); // the header follows
        if (wasAhead) recheck(id, answer.revision).catch(() => {}); // the next save would tell
        prefetch().catch(() => {});
        lease();
      } catch (error) {
        if (mine !== turn) return;
        const first = orElse && error.code === "not_found" ? firstReadable() : null; // the remembered image is gone
        if (first !== null && first !== id) await api.openImage(first);
        else {
          show("failed", error.message);
          app.tell(error);
        }
      } finally {
        clearTimeout(slow);
      }
    },

    /** Find where an image stands in the list, asking the server when its page is not here. */
    async locate(id) {
      let found = app.images.indexOf(id);
      if (found < 0 && !app.images.isFiltered) {
        const answer = await app.call("images_position", { dataset, image_id: id });
        found = answer.position ?? answer.index ?? -1;
        app.images.place(id, found);
      }
      index = found;
    },

    async step(by) {
      direction = Math.sign(by);
      await app.images.at(Math.min(Math.max(index + by, 0), app.images.total - 1));
      const row = await app.images.at(index + by);
      if (row) await api.openImage(row.id);
      else app.toast(by > 0 ? "This is the last image." : "This is the first image.");
    },

    async nextUnlabelled() {
      const answer = await app.call("images_next", { dataset, after_image_id: imageId ?? 0, state: "new" });
      const id = answer?.id ?? answer?.image_id ?? null;
      if (id === null) app.toast("No unlabelled image is left.", "ok");
      else await api.openImage(id);
    },

    /** Set the image's state, as an undoable step. */
    mark(state) {
      if (app.store.image && app.store.image.state !== state) {
        app.store.commit(state === "reviewed" ? "Mark reviewed" : "Mark in progress", [
          { op: "image", changes: { state } },
        ]);
      }
    },

    /** Read the open image again, e.g. after a conflict was settled. */
    async reload() {
      const id = imageId,
        answer = await app.call("image_open", { image_id: id });
      if (id === imageId) accept(answer);
      return answer;
    },
    /** Annotations of another image of this dataset. */
    rowsOf: async (id) => (await app.call("image_open", { image_id: id })).annotations,
    /** Forget what was fetched ahead about an image. */
    stale(id) {
      ahead.delete(id);
    },
    /** The person comes back from another tab, where classes, images or this one may have changed. */
    async refresh() {
      if (!dataset || phase === "loading") return;
      const name = dataset,
        id = imageId;
      try {
        const facts = await app.call("datasets_get", { dataset: name });
        if (name !== dataset) return;
        app.classes.load(facts.classes);
        if (
          id === null ||
          (facts.images !== undefined && app.images.whole !== null && facts.images !== app.images.whole)
        )
          await api.openDataset(name, id);
        else if (!app.sync.pendingOf(id).length && !app.tools.current.isBusy) {
          const now = await app.call("image_open", { image_id: id });
          if (id === imageId && now.revision !== app.sync.revisionOf(id) && !app.sync.pendingOf(id).length) accept(now);
        }
      } catch (error) {
        if (error.code === "not_found") await api.openDataset(null);
        else if (error.code !== "offline") app.tell(error);
      }
    },
    async refreshClasses() {
      app.classes.load((await app.call("datasets_get", { dataset })).classes);
    },
    leave() {
      app.resetProposals();
      app.selection.clear();
      imageId = null;
      previous = null;
      others = [];
      app.store.clear();
      app.stage.show(null, null, false);
    },
    imageUrl: () => urls.image(imageId),
    destroy() {
      clearTimeout(leaseTimer);
    },
  };
  return api;
}
