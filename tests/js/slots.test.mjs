import test from "node:test";
import assert from "node:assert/strict";
import { createSlots } from "../../assets/canvas/assist/slots.js";
import { createImageList } from "../../assets/canvas/document/images.js";
import { canvas, until } from "./parts.mjs";

const CARDS = {
  segment: [
    { id: "ridge_box", label: "Ridge", state: "ready", weights: "trained" },
    { id: "sam", label: "SAM", state: "ready", weights: "hub", is_default: true },
  ],
  find: [{ id: "owl", label: "OWL", state: "ready", weights: "hub", is_default: true }],
};
const IMAGES = [1, 2, 3, 4].map((id) => ({ id, name: `${id}.jpg`, problem: id === 1 ? "broken" : null }));

/** Slots of an open image, with a server that encodes one step a question. */
async function encoding({ cards = CARDS, at = 1, status = null } = {}) {
  globalThis.document = { hidden: false };
  const slots = new Map();
  const c = await canvas([], {
    models_list: ({ task }) => cards[task],
    images_list: () => ({ total: IMAGES.length, images: IMAGES }),
    slots_preload: ({ slot, image_id, segmenter }) =>
      void slots.set(slot, { slot, image_id, card: segmenter, state: "waiting" }),
    slots_status:
      status ??
      (() => {
        const now = [...slots.values(), { slot: "spare", state: "empty" }];
        for (const one of slots.values())
          slots.set(one.slot, { ...one, state: one.state === "waiting" ? "encoding" : "ready" });
        return { slots: now };
      }),
  });
  const images = createImageList(c.call);
  await images.reset("d");
  c.asked.length = 0;
  const session = { phase: "ready", imageId: at + 1, index: at, direction: 1 }; // where the person is
  return { ...c, session, part: createSlots({ ...c, clientId: "me", images, session }) };
}
const preloads = (c) =>
  c.asked.filter(([op]) => op === "slots_preload").map(([, args]) => [args.slot, args.image_id, args.segmenter]);

test("the open image is encoded first, then the one ahead, then the one behind; broken ones are left out", async () => {
  const c = await encoding({ at: 2 });
  await c.part.follow();
  c.part.stop();
  assert.deepEqual(preloads(c), [
    ["current", 3, "sam"],
    ["next", 4, "sam"],
    ["previous", 2, "sam"],
  ]);
  const first = await encoding({ at: 1 });
  first.session.direction = -1;
  await first.part.follow();
  first.part.stop();
  assert.deepEqual(preloads(first), [
    ["current", 2, "sam"],
    ["previous", 3, "sam"],
  ]);
});

test("it asks until all is encoded, and shows the slots in use", async () => {
  const c = await encoding();
  await c.part.follow();
  assert.deepEqual(
    c.part.rows.map(({ state }) => state),
    ["waiting", "waiting"],
  );
  await until(() => c.part.rows.every(({ state }) => state === "ready"));
  const count = c.asked.length;
  await new Promise((done) => setTimeout(done, 350));
  assert.equal(c.asked.length, count);
});

test("models that answer without an encoder need nothing ahead; a finder counts once it was used", async () => {
  const light = { segment: [{ ...CARDS.segment[0], is_default: true }], find: CARDS.find };
  const c = await encoding({ cards: light });
  await c.part.follow();
  assert.deepEqual([c.asked, c.part.rows], [[], []]);
  c.settings.set("findUsed", true);
  await c.part.follow();
  c.part.stop();
  assert.deepEqual(preloads(c)[0], ["current", 2, "owl"]);
});

test("nothing is encoded while an image is being opened", async () => {
  const c = await encoding();
  c.session.phase = "loading";
  await c.part.follow();
  assert.deepEqual(c.asked, []);
});

test("a person who goes on leaves the requests of the image before", async () => {
  const c = await encoding();
  const first = c.part.follow();
  Object.assign(c.session, { imageId: 3, index: 2 });
  await Promise.all([first, c.part.follow()]);
  c.part.stop();
  assert.deepEqual(
    preloads(c).map(([slot, id]) => [slot, id]),
    [
      ["current", 3],
      ["next", 4],
      ["previous", 2],
    ],
  );
});

test("a server that goes away leaves no ring standing still", async () => {
  let asked = 0;
  const c = await encoding({
    status() {
      if ((asked += 1) > 1) throw Object.assign(new Error("away"), { code: "offline" });
      return { slots: [{ slot: "current", state: "encoding", progress: 0.4 }] };
    },
  });
  await c.part.follow();
  assert.equal(c.part.rows.length, 1);
  await until(() => c.part.rows.length === 0);
  assert.deepEqual(c.told, []);
});

test("a light model learns from a dataset once, a moment after its first image is shown", async () => {
  const light = { segment: [{ ...CARDS.segment[0], is_default: true }], find: CARDS.find };
  const c = await encoding({ cards: light });
  await c.part.follow();
  await until(() => preloads(c).length === 1);
  assert.deepEqual(preloads(c), [["current", 2, "ridge_box"]]);
  await c.part.follow();
  await new Promise((done) => setTimeout(done, 800));
  assert.equal(preloads(c).length, 1);
});
