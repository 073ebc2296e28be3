import test from "node:test";
import assert from "node:assert/strict";
import { createStore } from "../../assets/canvas/document/store.js";
import { createSelection } from "../../assets/canvas/document/selection.js";
import { createClasses } from "../../assets/canvas/document/classes.js";
import { createSettings } from "../../assets/canvas/document/settings.js";
import { createImageList } from "../../assets/canvas/document/images.js";
import { createOutbox } from "../../assets/canvas/document/outbox.js";
import { createSync } from "../../assets/canvas/document/sync.js";
import { createSession } from "../../assets/canvas/document/session.js";
import { CLASSES, memory, opened, row } from "./parts.mjs";

const coded = (code) => Object.assign(new Error(code), { code });
const settled = () => new Promise((done) => setTimeout(done, 5));

/** A server of five images and a session that opens them. */
function world(t, { gates = {}, problems = {}, count = 5 } = {}) {
  globalThis.document = { hidden: false };
  const images = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    name: `${i + 1}.jpg`,
    state: i < 2 ? "reviewed" : "new",
    problem: problems[i + 1] ?? null,
  }));
  const stored = new Map(images.map(({ id }) => [id, opened([row(`box${id}`)], { image_id: id, name: `${id}.jpg` })]));
  const asked = [],
    shown = [],
    told = [];
  const answers = {
    datasets_get: () => ({ classes: CLASSES, images: images.length }),
    images_list: ({ offset, limit }) => ({ total: images.length, images: images.slice(offset, offset + limit) }),
    images_position: ({ image_id }) => ({ position: images.findIndex(({ id }) => id === image_id) }),
    images_next: ({ after_image_id, state }) => images.find((i) => i.id > after_image_id && i.state === state) ?? null,
    image_open({ image_id }) {
      if (!stored.has(image_id)) throw coded("not_found");
      return structuredClone(stored.get(image_id));
    },
    image_lease: () => ({ others: [{ user: "ada" }] }),
    annotations_save: ({ image_id, edits }) => ({
      revision: (stored.get(image_id).revision += 1),
      acknowledged: JSON.parse(edits).map(({ seq }) => seq),
      annotation_count: 1,
    }),
  };
  const call = async (op, args) => {
    asked.push([op, args.image_id]);
    await gates[`${op} ${args.image_id}`];
    return answers[op](args);
  };
  const store = createStore(),
    storage = memory();
  storage.length = 0;
  const parts = {
    call,
    store,
    sync: createSync({ call, outbox: createOutbox(storage, "me"), clientId: "me", delay: 1e6 }),
    classes: createClasses(store),
    images: createImageList(call),
    selection: createSelection(store),
    settings: createSettings(storage),
    clientId: "me",
    bitmaps: {
      get: async ({ id }) => {
        if (problems[id]) throw new Error("broken");
        return { id, naturalWidth: 9, naturalHeight: 7 };
      },
    },
    show: (bitmap, size) => shown.push([bitmap?.id ?? null, size]),
    interrupt: () => {},
    isBusy: () => false,
    beforeEdit: () => {},
    opened: () => {},
    toast: (text) => told.push(text),
    tell: (error) => told.push(error.message),
  };
  const session = createSession(parts);
  store.onEdit(parts.sync.push);
  t.after(() => {
    session.destroy();
    parts.sync.flush();
    delete globalThis.document;
  });
  return { ...parts, session, stored, images: parts.images, asked, shown, told, answers };
}

const opens = (w, id) => w.asked.filter(([op, image]) => op === "image_open" && image === id).length;

test("a dataset opens at the first image that can be read, with its classes, and says who else is there", async (t) => {
  const w = world(t, { problems: { 1: "no image" } });
  await w.session.openDataset("d");
  await settled();
  assert.equal(w.session.imageId, 2);
  assert.equal(w.session.index, 1);
  assert.equal(w.session.phase, "ready");
  assert.equal(w.classes.current.name, "car");
  assert.deepEqual(w.shown.at(-1), [2, { width: 100, height: 80 }]);
  assert.deepEqual(w.session.others, [{ user: "ada" }]);
});

test("a dataset opens where the person left it, or at its start when that image is gone", async (t) => {
  const w = world(t);
  w.settings.rememberImage("d", 4);
  await w.session.openDataset("d");
  assert.equal(w.session.imageId, 4);
  w.settings.rememberImage("d", 99);
  await w.session.openDataset("d");
  assert.equal(w.session.imageId, 1);
});

test("an image that was asked for by name and is gone is told, and nothing else is opened for it", async (t) => {
  const w = world(t);
  await w.session.openDataset("d", 99);
  assert.equal(w.session.phase, "failed");
  assert.equal(w.session.imageId, null);
  assert.deepEqual(w.told, ["not_found"]);
});

test("of two images asked for, the later one is shown, whatever order the answers come in", async (t) => {
  const gates = {};
  const w = world(t, { gates });
  await w.session.openDataset("d");
  let release;
  gates["image_open 4"] = new Promise((done) => (release = done));
  const slow = w.session.openImage(4);
  await w.session.openImage(5);
  release();
  await slow;
  await settled();
  assert.equal(w.session.imageId, 5);
  assert.ok(w.store.rows.has("box5"));
});

test("neighbours are fetched ahead, used once while nothing was saved since, and looked at again behind the scenes", async (t) => {
  const gates = {};
  const w = world(t, { gates });
  await w.session.openDataset("d");
  await settled();
  assert.equal(opens(w, 2), 1);
  Object.assign(w.stored.get(2), { revision: 7, annotations: [row("theirs")] });
  let release;
  gates["image_open 2"] = new Promise((done) => (release = done));
  await w.session.step(1);
  assert.ok(w.store.rows.has("box2")); // as it was fetched
  release();
  await settled();
  assert.ok(w.store.rows.has("theirs"));
  assert.equal(w.sync.revisionOf(2), 7);
});

test("what was fetched ahead is dropped when the image was saved from here since", async (t) => {
  const w = world(t);
  await w.session.openDataset("d");
  await settled();
  const before = opens(w, 2);
  w.sync.opened(2, 5); // a save answered with revision 5
  w.stored.get(2).revision = 5;
  w.stored.get(2).annotations = [row("saved")];
  await w.session.step(1);
  assert.ok(w.store.rows.has("saved"));
  assert.ok(opens(w, 2) > before);
});

test("an answer that was on its way while the person saved does not bring back what was there before", async (t) => {
  const gates = {};
  const w = world(t, { gates });
  await w.session.openDataset("d");
  await settled();
  const stale = structuredClone(w.stored.get(1));
  let release;
  const open = w.answers.image_open;
  gates["image_open 1"] = new Promise((done) => (release = done));
  w.answers.image_open = (args) => (args.image_id === 1 ? stale : open(args));
  const back = w.session.refresh();
  await settled();
  w.store.commit("Draw box", [{ op: "add", annotation: row("mine") }]);
  assert.equal(await w.sync.flush(1), true);
  release();
  await back;
  assert.ok(w.store.rows.has("mine"));
});

test("unsaved edits are made again on what the server holds", async (t) => {
  const w = world(t);
  await w.session.openDataset("d");
  w.sync.push({
    imageId: 3,
    kind: "edit",
    label: "Draw box",
    ops: [{ op: "add", annotation: row("mine") }],
  });
  w.answers.annotations_save = () => {
    throw coded("offline");
  };
  await w.session.openImage(3);
  assert.deepEqual(new Set(w.store.rows.keys()), new Set(["box3", "mine"]));
  assert.equal(w.store.nextUndo, "Draw box");
  w.answers.annotations_save = () => ({ revision: 2, acknowledged: [1], annotation_count: 2 });
});

test("steps stop at both ends, and say so", async (t) => {
  const w = world(t, { count: 2 });
  await w.session.openDataset("d");
  await w.session.step(-1);
  assert.equal(w.session.imageId, 1);
  await w.session.step(1);
  await w.session.step(1);
  assert.equal(w.session.imageId, 2);
  assert.equal(w.session.direction, 1);
  assert.deepEqual(w.told, ["This is the first image.", "This is the last image."]);
});

test("the next unlabelled image is the server's word; at the end it says that there is none", async (t) => {
  const w = world(t);
  await w.session.openDataset("d");
  await w.session.nextUnlabelled();
  assert.equal(w.session.imageId, 3);
  await w.session.openImage(5);
  await w.session.nextUnlabelled();
  assert.equal(w.session.imageId, 5);
  assert.deepEqual(w.told, ["No unlabelled image is left."]);
});

test("an image that cannot be decoded is shown with the reason, and its annotations stay", async (t) => {
  const w = world(t, { problems: { 2: "truncated file" } });
  await w.session.openDataset("d", 2);
  assert.equal(w.session.phase, "unreadable");
  assert.equal(w.session.problem, "truncated file");
  assert.deepEqual(w.shown.at(-1), [null, null]);
  assert.ok(w.store.rows.has("box2"));
});

test("a person who comes back sees new classes and what others saved, but keeps unsaved work", async (t) => {
  const w = world(t);
  await w.session.openDataset("d");
  await settled();
  w.answers.datasets_get = () => ({ classes: CLASSES.slice(1), images: 5 });
  Object.assign(w.stored.get(1), { revision: 2, annotations: [row("theirs")] });
  await w.session.refresh();
  assert.equal(w.classes.list.length, 1);
  assert.ok(w.store.rows.has("theirs"));
  w.store.commit("Delete", [{ op: "delete", id: "theirs" }]);
  Object.assign(w.stored.get(1), { revision: 9, annotations: [row("later")] });
  await w.session.refresh();
  assert.equal(w.store.rows.size, 0);
  assert.equal(w.sync.waiting, 1);
});

test("a person who comes back sees the candidates that a run brought, without a new revision", async (t) => {
  const w = world(t);
  await w.session.openDataset("d", 3);
  const before = w.stored.get(3).revision;
  w.stored.get(3).annotations.push(row("proposed", { status: "candidate" }));
  await w.session.refresh();
  assert.deepEqual([...w.store.rows.keys()], ["box3", "proposed"]);
  w.stored.get(3).annotations[1].xyxy = [1, 1, 9, 9]; // the run again: the same candidate, moved
  await w.session.refresh();
  assert.deepEqual(w.store.rows.get("proposed").xyxy, [1, 1, 9, 9]);
  assert.equal(w.stored.get(3).revision, before);
});

test("a dataset that grew is read again at the same image; one that is gone leaves nothing open", async (t) => {
  const w = world(t);
  await w.session.openDataset("d", 3);
  w.answers.datasets_get = () => ({ classes: CLASSES, images: 6 });
  await w.session.refresh();
  assert.equal(w.session.imageId, 3);
  assert.ok(w.asked.filter(([op]) => op === "images_list").length >= 2);
  w.answers.datasets_get = () => {
    throw coded("not_found");
  };
  await w.session.refresh();
  assert.equal(w.session.phase, "empty");
  assert.equal(w.store.image, null);
  assert.deepEqual(w.classes.list, []);
});

test("marking an image is one step that undo takes back; marking it again is none", async (t) => {
  const w = world(t);
  await w.session.openDataset("d");
  w.session.mark("reviewed");
  w.session.mark("reviewed");
  assert.equal(w.sync.waiting, 1);
  w.store.undo();
  assert.equal(w.store.image.state, "in_progress");
});

test("a dataset without images says so and asks for none", async (t) => {
  const w = world(t, { count: 0 });
  await w.session.openDataset("d");
  assert.equal(w.session.phase, "no_images");
  assert.ok(!w.asked.some(([op]) => op === "image_open"));
});

test("steps typed while an image opens are joined, and none is lost", async (t) => {
  const gates = {};
  const w = world(t, { gates, count: 40 });
  await w.session.openDataset("d");
  await settled();
  let release;
  gates["image_open 2"] = new Promise((done) => (release = done));
  w.session.stale(2);
  const all = Array.from({ length: 20 }, () => w.session.step(1));
  release();
  await Promise.all(all);
  assert.equal(w.session.imageId, 21);
  assert.ok(opens(w, 10) === 0, "images on the way are not opened");
  await Promise.all([w.session.step(1), w.session.step(-1), w.session.step(1)]);
  assert.equal(w.session.imageId, 22);
  await Promise.all(Array.from({ length: 60 }, () => w.session.step(1)));
  assert.equal(w.session.imageId, 40);
  await w.session.step(1);
  assert.equal(w.told.at(-1), "This is the last image.");
});

test("six times Reviewed, typed faster than images open, reviews six images, each the one that was shown", async (t) => {
  const w = world(t, { count: 9 });
  await w.session.openDataset("d", 3);
  const marked = [];
  w.store.onEdit((edit) => marked.push(edit.imageId));
  const all = Array.from({ length: 6 }, () => w.session.step(1, "reviewed"));
  const on = w.session.step(1);
  await Promise.all([...all, on]);
  assert.deepEqual(marked, [3, 4, 5, 6, 7, 8]);
  assert.equal(w.session.imageId, 9);
  assert.deepEqual(w.told, ["This is the last image."]);
});

test("who asks for another image is not taken further by steps asked for before", async (t) => {
  const w = world(t, { count: 30 });
  await w.session.openDataset("d");
  const steps = Array.from({ length: 9 }, () => w.session.step(1, "reviewed"));
  await w.session.openImage(25);
  await Promise.all(steps);
  assert.equal(w.session.imageId, 25);
});
