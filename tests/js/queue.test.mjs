import test from "node:test";
import assert from "node:assert/strict";
import { applyOps } from "../../assets/canvas/document/ops.js";
import { createStore } from "../../assets/canvas/document/store.js";
import { createSelection } from "../../assets/canvas/document/selection.js";
import { createClasses } from "../../assets/canvas/document/classes.js";
import { createSettings } from "../../assets/canvas/document/settings.js";
import { createImageList } from "../../assets/canvas/document/images.js";
import { createOutbox } from "../../assets/canvas/document/outbox.js";
import { createSync } from "../../assets/canvas/document/sync.js";
import { createSession } from "../../assets/canvas/document/session.js";
import { createQueue } from "../../assets/canvas/document/queue.js";
import { createKeys } from "../../assets/canvas/shell/keys.js";
import { CLASSES, memory, opened, row } from "./parts.mjs";

/** Three images with candidates a1 a2, b1 b2, c1, a session and a review; opening an image takes a while. */
async function world(t, { broken = [], slow = 0 } = {}) {
  globalThis.document = { hidden: false };
  const candidate = (id) => row(id, [10, 10, 30, 30], { status: "candidate", source: "m@r", confidence: 0.5 });
  const stored = new Map(
    [["a1", "a2"], ["b1", "b2"], ["c1"]].map((ids, i) => [
      i + 1,
      opened(ids.map(candidate), { image_id: i + 1, name: `${i + 1}.jpg`, state: "new" }),
    ]),
  );
  const told = [],
    pointed = [];
  const waiting = () =>
    [...stored.values()].flatMap((image) =>
      image.annotations
        .filter((each) => each.status === "candidate")
        .map(({ id, class_id, xyxy, source }) => ({
          id,
          class_id,
          xyxy,
          source,
          confidence: 0.5,
          image_id: image.image_id,
          image: image.name,
        })),
    );
  const answers = {
    datasets_get: () => ({ classes: CLASSES, images: 3 }),
    images_list: () => ({
      total: 3,
      images: [1, 2, 3].map((id) => ({ id, name: `${id}.jpg`, state: "new", problem: null })),
    }),
    images_position: ({ image_id }) => ({ position: image_id - 1 }),
    async image_open({ image_id }) {
      await new Promise((done) => setTimeout(done, slow));
      if (broken.includes(image_id)) throw Object.assign(new Error("not_found"), { code: "not_found" });
      return structuredClone(stored.get(image_id));
    },
    image_lease: () => ({ others: [] }),
    annotations_save({ image_id, edits }) {
      const image = stored.get(image_id);
      for (const { kind, label, ops } of JSON.parse(edits)) {
        const doc = { rows: new Map(image.annotations.map((each) => [each.id, each])), image },
          inverse = applyOps(doc, ops);
        image.annotations = [...doc.rows.values()];
        image.state = doc.image.state;
        if (kind === "undo") image.redo.push(image.undo.pop());
        else if (kind === "redo") image.undo.push(image.redo.pop());
        else {
          image.undo.push({ label, forward: ops, inverse });
          image.redo = [];
        }
      }
      return {
        revision: (image.revision += 1),
        acknowledged: JSON.parse(edits).map(({ seq }) => seq),
        annotation_count: 1,
      };
    },
    review_queue: ({ after, limit }) => {
      const all = waiting(),
        from = after ? Number(after) : 0;
      return { items: all.slice(from, from + limit), after: from + limit < all.length ? String(from + limit) : "" };
    },
    review_progress: () => ({ left: waiting().length, done: 5 - waiting().length }),
    review_decide({ ids, answer }) {
      const answered = (each) => (ids.includes(each.id) ? { ...each, status: answer } : each);
      for (const image of stored.values()) image.annotations = image.annotations.map(answered);
      return { batch: "batch-1", boxes: ids.length, images: 1, left_out: 0 };
    },
    review_undo() {
      for (const image of stored.values())
        image.annotations = image.annotations.map((each) => ({ ...each, status: "candidate" }));
      return { boxes: 2, images: 2 };
    },
  };
  const call = async (op, args) => answers[op](args);
  const store = createStore(),
    storage = memory();
  storage.length = 0;
  const parts = {
    call,
    store,
    sync: createSync({ call, outbox: createOutbox(storage, "me"), clientId: "me", delay: 0 }),
    classes: createClasses(store),
    images: createImageList(call),
    selection: createSelection(store),
    settings: createSettings(storage),
    clientId: "me",
    bitmaps: { get: async ({ id }) => ({ id, naturalWidth: 9, naturalHeight: 7 }) },
    show() {},
    interrupt() {},
    isBusy: () => false,
    beforeEdit() {},
    opened() {},
    toast: (text) => told.push(text),
    tell: (error) => told.push(error.message),
  };
  const session = createSession(parts);
  store.onEdit((edit) => {
    session.stale(edit.imageId);
    parts.sync.push(edit);
  });
  const queue = createQueue({ ...parts, session, point: ({ id }) => pointed.push(id) });
  t.after(async () => {
    await parts.sync.flush();
    session.destroy();
    delete globalThis.document;
  });
  await session.openDataset("d", 1);
  const statuses = async () => {
    await parts.sync.flush();
    return Object.fromEntries(
      [...stored.values()].flatMap((image) => image.annotations.map(({ id, status }) => [id, status])),
    );
  };
  return { ...parts, session, queue, stored, told, pointed, statuses };
}

test("answers given faster than images open are all kept, each on the candidate that was next", async (t) => {
  const w = await world(t, { slow: 5 });
  await w.queue.open();
  const kinds = ["accept", "reject", "accept", "accept", "reject"];
  await Promise.all(kinds.map((kind) => w.queue[kind]()));
  assert.deepEqual(await w.statuses(), {
    a1: "accepted",
    a2: "rejected",
    b1: "accepted",
    b2: "accepted",
    c1: "rejected",
  });
  assert.deepEqual(w.pointed, ["a1", "a2", "b1", "b2", "c1"]);
  assert.deepEqual([w.queue.counts, w.queue.current], [{ left: 0, done: 5 }, null]);
});

test("undo steps back over images, one answer at a time", async (t) => {
  const w = await world(t);
  await w.queue.open();
  for (let i = 0; i < 3; i++) await w.queue.accept();
  assert.equal(w.session.imageId, 2);
  await w.queue.undo();
  assert.deepEqual([w.queue.current.id, w.session.imageId], ["b1", 2]);
  await w.queue.undo();
  assert.deepEqual([w.queue.current.id, w.session.imageId], ["a2", 1]);
  assert.deepEqual(w.queue.counts, { left: 4, done: 1 });
  const statuses = await w.statuses();
  assert.deepEqual([statuses.a1, statuses.a2, statuses.b1], ["accepted", "candidate", "candidate"]);
  await w.queue.redo();
  assert.deepEqual([w.queue.current.id, w.session.imageId, w.queue.counts.left], ["b1", 2, 3]);
  await w.queue.redo();
  assert.deepEqual([w.queue.current.id, w.queue.canRedo, w.queue.counts.left], ["b2", false, 2]);
  for (let i = 0; i < 3; i++) await w.queue.undo();
  assert.equal(w.queue.canUndo, false);
  await w.queue.undo();
  assert.equal(w.queue.current.id, "a1");
});

test("an edit made between two answers is a step of its own", async (t) => {
  const w = await world(t);
  await w.queue.open();
  await w.queue.accept();
  w.store.commit("Move box", [{ op: "set", id: "a2", changes: { xyxy: [1, 1, 9, 9] } }]);
  await w.queue.accept();
  await w.queue.undo();
  assert.deepEqual([w.store.rows.get("a2").status, w.store.rows.get("a2").xyxy], ["candidate", [1, 1, 9, 9]]);
  await w.queue.undo();
  assert.deepEqual(w.store.rows.get("a2").xyxy, [10, 10, 30, 30]);
  await w.queue.undo();
  assert.equal(w.store.rows.get("a1").status, "candidate");
});

test("nothing here rejects what is proposed, marks the image, keeps its labels and goes on", async (t) => {
  const w = await world(t);
  w.stored.get(1).annotations.push(row("label"));
  await w.session.reload();
  await w.queue.open();
  await w.queue.nothing();
  assert.deepEqual(
    [w.queue.current.id, (await w.statuses()).label, w.stored.get(1).state],
    ["b1", "accepted", "reviewed"],
  );
  assert.deepEqual(w.told, ["Nothing else is here; the label stays."]);
  await w.queue.undo();
  assert.deepEqual([w.queue.current.id, w.store.image.state, w.queue.counts.left], ["a1", "new", 5]);
});

test("a person who went to another image is brought back before anything is answered", async (t) => {
  const w = await world(t);
  await w.queue.open();
  await w.session.openImage(3);
  assert.equal(w.queue.isAway, true);
  await w.queue.accept();
  assert.deepEqual([w.session.imageId, w.queue.isAway, w.queue.current.id], [1, false, "a1"]);
  assert.deepEqual(Object.values(await w.statuses()), Array(5).fill("candidate"));
});

test("what was answered elsewhere and images that cannot be opened are passed over", async (t) => {
  const w = await world(t, { broken: [2] });
  await w.queue.open();
  w.store.commit("Delete box", [{ op: "delete", id: "a2" }]);
  await w.queue.accept();
  assert.equal(w.queue.current.id, "c1");
  assert.ok(w.told.includes("not_found"));
});

test("steps without an answer go forth and back over what waits", async (t) => {
  const w = await world(t);
  await w.queue.open();
  await w.queue.move(1);
  await w.queue.accept(); // a2
  await w.queue.move(-1);
  assert.equal(w.queue.current.id, "a1");
  await w.queue.move(-1);
  assert.equal(w.queue.current.id, "a1");
  for (let i = 0; i < 9; i++) await w.queue.move(1);
  assert.equal(w.queue.current, null);
  await w.queue.move(-1);
  assert.equal(w.queue.current.id, "c1");
});

test("many answered at once are one step back, and what is shown is read again", async (t) => {
  const w = await world(t);
  await w.queue.open();
  await w.queue.answerMany("rejected", ["a1", "b1"]);
  await w.queue.follow();
  assert.deepEqual([w.queue.current.id, w.queue.counts.left], ["a2", 3]);
  await w.queue.undo();
  assert.deepEqual([w.queue.counts.left, w.store.rows.get("a1").status], [5, "candidate"]);
});

test("another dataset ends the review", async (t) => {
  const w = await world(t);
  await w.queue.open();
  await w.session.openDataset("e", 1);
  assert.equal(w.queue.isOpen, false);
});

test("keys of any kind wait behind the review's, in the order they were pressed", async (t) => {
  const w = await world(t, { slow: 5 });
  const log = [];
  const listeners = {};
  globalThis.window = { addEventListener: (name, f) => (listeners[name] = f), removeEventListener() {} };
  t.after(() => delete globalThis.window);
  const actions = [
    { id: "accept", keys: ["y"], run: () => w.queue.accept() },
    { id: "note", keys: ["n"], run: () => log.push(w.store.rows.has("b1") ? "b" : "a") },
    { id: "next", keys: ["right"], run: () => w.session.step(1) },
  ];
  createKeys(actions, {
    isVisible: () => true,
    isModal: () => false,
    onHold() {},
    run: (action) => action.run(),
    refuse() {},
    later: (press) => w.queue.isOpen && w.session.isWalking && (w.session.queue(press), true),
  });
  await w.queue.open();
  const press = (key) => listeners.keydown({ key, target: null, preventDefault() {}, stopPropagation() {} });
  for (const key of ["y", "n", "y", "n", "ArrowRight"]) press(key);
  while (w.session.isWalking) await new Promise((done) => setTimeout(done, 2));
  assert.deepEqual([log, w.session.imageId], [["a", "b"], 3]);
});

test("what was proposed after the open image was read is shown all the same", async (t) => {
  const w = await world(t);
  await w.session.reload();
  const late = row("late", [10, 10, 30, 30], { status: "candidate", source: "m@r", confidence: 0.5 });
  w.stored.get(1).annotations = [late];
  await w.queue.open();
  assert.deepEqual([w.session.imageId, w.queue.current.id, w.pointed.at(-1)], [1, "late", "late"]);
});
