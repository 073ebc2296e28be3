import test from "node:test";
import assert from "node:assert/strict";
import { createSync } from "../../assets/canvas/document/sync.js";
import { createOutbox } from "../../assets/canvas/document/outbox.js";
import { createPending } from "../../assets/canvas/assist/pending.js";
import { createImageList, PAGE } from "../../assets/canvas/document/images.js";
import { createRpc } from "../../assets/canvas/document/rpc.js";

class Disk {
  // localStorage, in memory
  map = new Map();
  get length() {
    return this.map.size;
  }
  key(i) {
    return [...this.map.keys()][i] ?? null;
  }
  getItem(k) {
    return this.map.get(k) ?? null;
  }
  setItem(k, v) {
    this.map.set(k, String(v));
  }
  removeItem(k) {
    this.map.delete(k);
  }
}
const coded = (code, details = {}) => Object.assign(new Error(code), { code, details });
const edit = (imageId, id) => ({ imageId, kind: "edit", label: "Draw box", ops: [{ op: "add", annotation: { id } }] });

/** A server that keeps revisions, knows (client, seq) pairs, and can be told to fail. */
function world() {
  const disk = new Disk(),
    saves = [],
    known = new Map(),
    revision = new Map();
  let fault = null,
    now = 1_000_000;
  const timers = new Map();
  let next = 1;
  const clock = {
    set: (f) => {
      timers.set(next, f);
      return next++;
    },
    clear: (id) => timers.delete(id),
  };
  async function call(op, args) {
    assert.equal(op, "annotations_save");
    if (fault === "before") throw coded("offline");
    const edits = JSON.parse(args.edits),
      at = revision.get(args.image_id) ?? 0;
    const fresh = edits.filter((e) => !known.has(`${args.client_id}:${e.seq}`));
    const done = edits.map((e) => known.get(`${args.client_id}:${e.seq}`)).filter((r) => r > args.base_revision).length;
    if (fault === "bad") throw coded("bad_input");
    if (fresh.length && args.base_revision + done !== at) throw coded("conflict", { revision: at, annotations: [] });
    fresh.forEach((e, i) => known.set(`${args.client_id}:${e.seq}`, at + i + 1));
    revision.set(args.image_id, at + fresh.length);
    saves.push(args);
    if (fault === "after") throw coded("offline");
    return { revision: at + fresh.length, acknowledged: edits.map((e) => e.seq), annotation_count: 0 };
  }
  return {
    disk,
    saves,
    revision,
    set fault(value) {
      fault = value;
    },
    later(ms) {
      now += ms;
    },
    page(name) {
      const outbox = createOutbox(disk, name, () => now);
      return { outbox, ...pick(createSync({ call, outbox, clientId: name, clock })) };
    },
    async tick() {
      const due = [...timers.values()];
      timers.clear();
      for (const f of due) f();
      for (let i = 0; i < 10; i++) await null;
    },
  };
}
const pick = (sync) => ({ sync });

test("quick edits travel together and settle as saved", async () => {
  const w = world(),
    { sync } = w.page("p1");
  sync.opened(4, 0);
  for (const id of ["a", "b", "c"]) sync.push(edit(4, id));
  assert.equal(sync.state, "saving");
  await w.tick();
  assert.equal(w.saves.length, 1);
  assert.deepEqual(
    JSON.parse(w.saves[0].edits).map((e) => e.seq),
    [1, 2, 3],
  );
  assert.equal(sync.state, "saved");
  assert.equal(sync.revisionOf(4), 3);
  assert.equal(w.disk.length, 0);
});

test("offline edits are kept, sent once when the server is back", async () => {
  const w = world(),
    { sync } = w.page("p1");
  sync.opened(4, 0);
  w.fault = "before";
  sync.push(edit(4, "a"));
  await w.tick();
  assert.equal(sync.state, "offline");
  sync.push(edit(4, "b"));
  assert.equal(JSON.parse(w.disk.getItem("tator:edits:p1")).edits.length, 2);
  w.fault = null;
  sync.retry();
  await w.tick();
  assert.equal(sync.state, "saved");
  assert.equal(w.revision.get(4), 2);
});

test("an answer lost on the way does not save twice", async () => {
  const w = world(),
    { sync } = w.page("p1");
  sync.opened(4, 0);
  w.fault = "after";
  sync.push(edit(4, "a"));
  await w.tick();
  w.fault = null;
  sync.push(edit(4, "b"));
  sync.retry();
  await w.tick();
  assert.equal(w.revision.get(4), 2);
  assert.equal(sync.state, "saved");
});

test("what a crashed page left is sent by the next one under the old name; a living page keeps its own", async () => {
  const w = world(),
    first = w.page("p1");
  first.outbox.beat();
  first.sync.opened(4, 0);
  w.fault = "before";
  first.sync.push(edit(4, "a"));
  await w.tick();
  w.fault = null;
  const second = w.page("p2");
  second.sync.adopt();
  assert.equal(second.sync.waiting, 0);
  w.later(100_000);
  const third = w.page("p3");
  third.sync.adopt();
  assert.equal(third.sync.waiting, 1);
  await third.sync.flush();
  assert.equal(w.saves[0].client_id, "p1");
  assert.equal(w.disk.getItem("tator:edits:p1"), null);
});

test("a stale base is a conflict: nothing is sent or lost until it is settled, other images go on", async () => {
  const w = world(),
    { sync } = w.page("p1"),
    seen = [];
  sync.onConflict((c) => seen.push(c));
  sync.opened(4, 0);
  sync.opened(5, 0);
  w.revision.set(4, 9);
  sync.push(edit(4, "a"));
  sync.push(edit(5, "b"));
  await w.tick();
  await w.tick();
  assert.equal(sync.state, "conflict");
  assert.equal(seen[0].theirs.revision, 9);
  assert.equal(w.revision.get(5), 1);
  assert.equal(sync.pendingOf(4).length, 1);
  assert.equal(await sync.flush(4), false);
  assert.equal(w.revision.get(4), 9);
  const mine = sync.resolve(4, 9);
  assert.equal(mine.length, 1);
  sync.push(edit(4, "a"));
  await w.tick();
  assert.equal(w.revision.get(4), 10);
  assert.equal(sync.state, "saved");
});

test("edits the server refuses leave the queue by name instead of blocking it", async () => {
  const w = world(),
    { sync } = w.page("p1"),
    lost = [];
  sync.onRefused((r) => lost.push(r));
  sync.opened(4, 0);
  w.fault = "bad";
  sync.push(edit(4, "a"));
  await w.tick();
  assert.equal(lost[0].edits.length, 1);
  assert.equal(sync.waiting, 0);
  assert.equal(sync.state, "saved");
});

test("an image opened again with unsaved edits keeps the older base", () => {
  const w = world(),
    { sync } = w.page("p1");
  sync.opened(4, 2);
  sync.push(edit(4, "a"));
  sync.opened(4, 7);
  assert.equal(sync.revisionOf(4), 2);
  assert.equal(sync.parcels()[0].base_revision, 2);
});

test("flush waits until an image is saved, also while a request is in flight", async () => {
  const w = world(),
    { sync } = w.page("p1");
  sync.opened(4, 0);
  sync.push(edit(4, "a"));
  const first = sync.flush();
  sync.push(edit(4, "b"));
  assert.equal(await sync.flush(4), true);
  await first;
  assert.equal(w.revision.get(4), 2);
});

test("an answer for another image is dropped, and so is a cancelled one", async () => {
  const pending = createPending();
  let image = 1;
  const late = pending.run(
    { label: "x", imageId: 1 },
    async () => {
      image = 2;
      return "box";
    },
    () => image,
  );
  assert.equal(await late, null);
  const cancelled = pending.run(
    { label: "x", imageId: 2 },
    async () => {
      pending.list()[0].cancel();
      throw new Error("late");
    },
    () => image,
  );
  assert.equal(await cancelled, null);
  assert.equal(
    await pending.run(
      { label: "x", imageId: 2 },
      async () => "box",
      () => image,
    ),
    "box",
  );
  assert.equal(pending.size, 0);
});

test("a newer request of a group drops the older one", async () => {
  const pending = createPending();
  let answer;
  const first = pending.run(
    { label: "x", imageId: 1, group: "g" },
    () =>
      new Promise((done) => {
        answer = done;
      }),
    () => 1,
  );
  const second = pending.run(
    { label: "x", imageId: 1, group: "g" },
    async () => "new",
    () => 1,
  );
  answer("old");
  assert.equal(await first, null);
  assert.equal(await second, "new");
});

test("the image list reads pages as they come into sight and forgets them with the filter", async () => {
  const asked = [];
  const list = createImageList(async (op, { offset, limit, state }) => {
    asked.push([offset, state]);
    const total = state ? 10 : 100_000;
    return {
      total,
      images: Array.from({ length: Math.min(limit, total - offset) }, (_, i) => ({
        id: offset + i + 1,
        name: `${offset + i}.jpg`,
        state: "new",
      })),
    };
  });
  await list.reset("d");
  assert.equal(list.total, 100_000);
  assert.equal((await list.at(99_999)).id, 100_000);
  assert.equal(list.row(50_000), null);
  list.ensure(PAGE - 3, PAGE + 3);
  await list.at(PAGE);
  assert.deepEqual(
    asked.map(([offset]) => offset),
    [0, 99_500, 500],
  );
  list.update(100_000, { state: "reviewed" });
  assert.equal(list.row(99_999).state, "reviewed");
  await list.reset("d", { state: "new" });
  assert.equal(list.total, 10);
  assert.equal(list.whole, 100_000);
  assert.equal(list.indexOf(100_000), -1);
});

test("an undefined answer is a failed transport; a refusal carries its code and details", async () => {
  const offline = createRpc({ rpc: async () => undefined }, async () => coded("offline"));
  await assert.rejects(offline("image_open"), { code: "offline" });
  const refused = createRpc({
    rpc: async () => ({ ok: false, code: "conflict", message: "stale", details: { revision: 3 } }),
  });
  await assert.rejects(refused("annotations_save"), (e) => e.code === "conflict" && e.details.revision === 3);
  assert.equal(
    await createRpc({ rpc: async ({ m, p }) => ({ ok: true, result: `${m} ${p.x}` }) })("op", { x: 1 }),
    "op 1",
  );
});
