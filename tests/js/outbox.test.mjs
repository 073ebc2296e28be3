import test from "node:test";
import assert from "node:assert/strict";
import { createAhead } from "../../assets/canvas/document/ahead.js";
import { createLease } from "../../assets/canvas/document/lease.js";
import { createOutbox } from "../../assets/canvas/document/outbox.js";
import { createImageList } from "../../assets/canvas/document/images.js";
import { createSettings } from "../../assets/canvas/document/settings.js";
import { createSync } from "../../assets/canvas/document/sync.js";

/** A browser's storage that can be full. */
class Disk {
  map = new Map();
  isFull = false;
  get length() {
    return this.map.size;
  }
  key(i) {
    return [...this.map.keys()][i] ?? null;
  }
  getItem(key) {
    return this.map.get(key) ?? null;
  }
  setItem(key, value) {
    if (this.isFull) throw new Error("quota");
    this.map.set(key, String(value));
  }
  removeItem(key) {
    this.map.delete(key);
  }
}
const edit = (client_id, image_id, seq = 1) => ({ client_id, seq, image_id, kind: "edit", label: "Draw box", ops: [] });
const coded = (code) => Object.assign(new Error(code), { code });

test("a page adopts what pages left that are silent or said goodbye, once, and not its own", () => {
  const disk = new Disk();
  let now = 1e6;
  const page = (id) => createOutbox(disk, id, () => now);
  const [crashed, left, living, mine] = ["crashed", "left", "living", "mine"].map(page);
  for (const [box, name] of [
    [crashed, "crashed"],
    [left, "left"],
    [living, "living"],
    [mine, "mine"],
  ]) {
    box.beat();
    box.keep([edit(name, 4)], { 4: 1 });
  }
  left.rest();
  assert.deepEqual(
    mine.adopt().edits.map((one) => one.client_id),
    ["left"],
  );
  now += 89_000;
  living.beat();
  now += 2000;
  assert.deepEqual(
    mine.adopt().edits.map((one) => one.client_id),
    ["crashed"],
  );
  assert.deepEqual(mine.adopt().edits, []);
});

test("of two dead pages that edited an image, the older base counts, so that a conflict shows", () => {
  for (const order of [
    [3, 5],
    [5, 3],
  ]) {
    const disk = new Disk();
    order.forEach((revision, i) =>
      createOutbox(disk, `page${i}`).keep([edit(`page${i}`, 4)], { 4: revision, 9: revision }),
    );
    assert.deepEqual(createOutbox(disk, "mine").adopt().base, { 4: 3, 9: 3 });
  }
});

test("edits adopted while their image is open here keep the base that they were made on", async () => {
  const disk = new Disk(),
    bodies = [];
  const sync = createSync({
    call: async (op, args) => {
      bodies.push(args);
      throw coded("conflict");
    },
    outbox: createOutbox(disk, "mine"),
    clientId: "mine",
  });
  sync.opened(4, 6);
  sync.opened(9, 6);
  createOutbox(disk, "dead").keep([edit("dead", 4)], { 4: 3, 9: 2 });
  sync.adopt();
  await sync.flush();
  assert.deepEqual(
    bodies.map(({ image_id, base_revision }) => [image_id, base_revision]),
    [[4, 3]],
  );
  assert.deepEqual(sync.conflicted(), [4]);
  assert.equal(sync.revisionOf(9), 6); // nothing of it was adopted
});

test("what a crash left half-written costs nothing else", () => {
  const disk = new Disk();
  disk.setItem("tator:edits:torn", '{"edits":[{"cli');
  createOutbox(disk, "whole").keep([edit("whole", 4)], { 4: 2 });
  disk.setItem("tator:aside", "[{");
  const box = createOutbox(disk, "mine");
  assert.deepEqual(
    box.adopt().edits.map((one) => one.client_id),
    ["whole"],
  );
  assert.deepEqual(box.aside(), []);
});

test("a full storage is said, and takes nothing away", () => {
  const disk = new Disk(),
    box = createOutbox(disk, "mine");
  assert.equal(box.keep([edit("mine", 4)], {}), true);
  assert.equal(box.setAside({ id: 1, edits: [] }), true);
  disk.isFull = true;
  assert.equal(box.keep([edit("mine", 4), edit("mine", 4, 2)], {}), false);
  assert.equal(box.setAside({ id: 2, edits: [edit("mine", 4)] }), false);
  assert.deepEqual(
    box.aside().map(({ id }) => id),
    [1, 2],
  ); // the second as long as this page lasts
  disk.isFull = false;
  box.dropAside(2);
  box.dropAside(1);
  assert.deepEqual(box.aside(), []);
  assert.equal(box.keep([], {}), true);
  assert.equal(disk.getItem("tator:edits:mine"), null);
});

test("twenty parcels are set aside, the newest ones", () => {
  const disk = new Disk(),
    box = createOutbox(disk, "mine");
  for (let id = 0; id < 25; id++) box.setAside({ id });
  assert.deepEqual(
    createOutbox(disk, "other")
      .aside()
      .map(({ id }) => id),
    Array.from({ length: 20 }, (_, i) => i + 5),
  );
});

test("settings are kept for the next page, told of once, and fall back on what they were made with", () => {
  const disk = new Disk(),
    settings = createSettings(disk),
    told = [];
  settings.subscribe((name, value) => told.push([name, value]));
  settings.set("labels", "never");
  settings.set("labels", "never");
  assert.equal(settings.toggle("keepZoom"), true);
  assert.deepEqual(told, [
    ["labels", "never"],
    ["keepZoom", true],
  ]);
  const next = createSettings(disk);
  assert.deepEqual([next.get("labels"), next.get("keepZoom"), next.get("brush")], ["never", true, 12]);
  for (const torn of ['{"lab', "null", '""']) {
    disk.setItem("tator:settings", torn);
    assert.equal(createSettings(disk).get("labels"), "auto");
  }
  disk.isFull = true;
  settings.set("brush", 20);
  assert.equal(settings.get("brush"), 20);
});

test("the last image is remembered for each dataset, whatever its name", () => {
  const disk = new Disk(),
    settings = createSettings(disk);
  for (const name of ["streets", "constructor", "toString"]) assert.equal(settings.lastImage(name), null, name);
  settings.rememberImage("streets", 4);
  settings.rememberImage("constructor", 7);
  const next = createSettings(disk);
  assert.deepEqual([next.lastImage("streets"), next.lastImage("constructor"), next.lastImage("fields")], [4, 7, null]);
});

/** A lease on image 4, with answers that the test gives. */
function leased(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.document = { hidden: false };
  const asked = [],
    world = { imageId: 4, changes: 0 };
  const lease = createLease({
    call: (op, args) => new Promise((give, fail) => asked.push({ op, args, give, fail })),
    clientId: "me",
    imageId: () => world.imageId,
    changed: () => (world.changes += 1),
  });
  const answered = async (i, others) => {
    asked[i].give({ others });
    for (let k = 0; k < 5; k++) await null;
  };
  return { lease, asked, world, answered, tick: (ms) => t.mock.timers.tick(ms) };
}

test("who else is there is asked every 20 seconds, and told when it is somebody else", async (t) => {
  const { lease, asked, world, answered, tick } = leased(t);
  lease.renew();
  await answered(0, [{ user: "ada" }]);
  tick(20_000);
  await answered(1, [{ user: "ada" }]);
  assert.deepEqual([asked.length, world.changes], [2, 1]);
  tick(20_000);
  await answered(2, [{ user: "bob" }]);
  assert.deepEqual([lease.others, world.changes], [[{ user: "bob" }], 2]);
});

test("images opened in a row leave one beat, and none after the end", async (t) => {
  const { lease, asked, world, answered, tick } = leased(t);
  lease.renew();
  world.imageId = 5;
  lease.renew();
  await answered(0, [{ user: "ada" }]);
  assert.deepEqual(lease.others, []); // of the image before
  await answered(1, []);
  tick(20_000);
  assert.equal(asked.length, 3);
  lease.stop(); // while the third is under way
  await answered(2, []);
  tick(60_000);
  assert.equal(asked.length, 3);
});

test("nobody is asked from a hidden tab or without an image", async (t) => {
  const { lease, asked, world, tick } = leased(t);
  document.hidden = true;
  await lease.renew();
  document.hidden = false;
  world.imageId = null;
  tick(20_000);
  assert.equal(asked.length, 0);
});

/** Neighbours of eight images, two of which cannot be fetched ahead. */
async function walking() {
  const asked = [],
    stored = new Map();
  const rows = Array.from({ length: 8 }, (_, i) => ({ id: i + 1, problem: i === 3 ? "broken" : null }));
  const call = async (op, { image_id }) => {
    if (op === "images_list") return { total: rows.length, images: rows };
    asked.push(image_id);
    return { image_id, revision: stored.get(image_id) ?? 1 };
  };
  const images = createImageList(call);
  await images.reset("d");
  const sync = createSync({ call, outbox: createOutbox(new Disk(), "me"), clientId: "me", delay: 1e6 });
  const ahead = createAhead({ call, images, sync, bitmaps: { get: async () => ({}) } });
  return { ahead, sync, asked, stored };
}

test("both neighbours are fetched, the one ahead first, broken images and the ends left out", async () => {
  const { ahead, asked } = await walking();
  await ahead.fetch(1, 1);
  assert.deepEqual(asked, [3, 1]);
  await ahead.fetch(0, -1);
  assert.deepEqual(asked, [3, 1, 2]);
  await ahead.fetch(2, 1);
  assert.deepEqual(asked, [3, 1, 2]);
  await ahead.take(3);
  assert.deepEqual(asked, [3, 1, 2]);
  await ahead.take(3); // used once
  assert.deepEqual(asked, [3, 1, 2, 3]);
});

test("few are kept, the oldest go, and none of an image saved since is used", async () => {
  const { ahead, asked, sync } = await walking();
  for (const index of [1, 5, 6]) await ahead.fetch(index, 1);
  assert.ok([1, 3, 5, 6, 7, 8].filter(ahead.has).length <= 4);
  assert.equal(ahead.has(asked[0]), false);
  sync.opened(8, 9);
  const before = asked.length;
  await ahead.take(8);
  assert.equal(asked.length, before + 1);
});
