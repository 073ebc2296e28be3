import test from "node:test";
import assert from "node:assert/strict";
import { createStore } from "../../assets/canvas/document/store.js";
import { createOutbox } from "../../assets/canvas/document/outbox.js";
import { createSync } from "../../assets/canvas/document/sync.js";
import { createConflictPanel } from "../../assets/canvas/panels/conflict.js";
import { memory, opened, row } from "./parts.mjs";

/** An element as far as the panel needs it. */
class Element {
  dataset = {};
  hidden = false;
  children = [];
  attributes = {};
  listeners = {};
  append(...nodes) {
    this.children.push(...nodes);
  }
  replaceChildren(...nodes) {
    this.children = nodes;
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }
  find(choice) {
    if (this.dataset.choice === choice) return this;
    for (const child of this.children) {
      const found = child instanceof Element && child.find(choice);
      if (found) return found;
    }
    return null;
  }
}

/** A panel over the open image 4, which somebody else saved first; its edit "mine" waits. */
async function world() {
  globalThis.document = { createElement: () => new Element() };
  const theirs = opened([row("theirs")], { revision: 2 }),
    told = [],
    failing = new Set();
  const gates = [];
  const call = async (op) => {
    if (op === "annotations_save") throw Object.assign(new Error("conflict"), { code: "conflict", details: theirs });
    await new Promise((done) => gates.push(done));
    if (failing.has(op)) throw new Error("offline");
    return structuredClone(theirs);
  };
  const storage = memory();
  storage.length = 0;
  const store = createStore(),
    outbox = createOutbox(storage, "me"),
    clock = { set: () => 1, clear() {} }, // saves are sent by flush only
    sync = createSync({ call, outbox, clientId: "me", clock });
  const session = {
    imageId: 4,
    phase: "ready",
    async reload() {
      if (failing.has("reload")) throw new Error("offline");
      store.load(await call("image_open"));
    },
  };
  store.load(opened([], { revision: 1 }));
  sync.opened(4, 1);
  store.onEdit(sync.push);
  store.commit("Draw box", [{ op: "add", annotation: row("mine") }]);
  await sync.flush();
  let ids = 0;
  const panel = createConflictPanel({
    call,
    store,
    sync,
    outbox,
    session,
    stage: { setCompare() {} },
    newId: () => `parcel${(ids += 1)}`,
    tell: (error) => told.push(error.message),
    toast: (text) => told.push(text),
  });
  panel.refresh();
  return {
    panel,
    store,
    sync,
    outbox,
    session,
    told,
    failing,
    press: (choice) => panel.root.find(choice)?.listeners.click(),
    async answer() {
      for (let i = 0; i < 20; i++) {
        gates.splice(0).forEach((done) => done());
        await null;
      }
    },
  };
}
const steps = ({ outbox }) => outbox.aside().map(({ edits }) => edits.flatMap(({ ops }) => ops).map((op) => op.op));

for (const second of ["theirs", "mine"])
  test(`a double click on "Keep theirs" sets the version aside once, also with ${second} second`, async () => {
    const w = await world();
    w.press("theirs");
    w.press(second);
    await w.answer();
    assert.deepEqual(steps(w), [["add"]]);
    assert.deepEqual([...w.store.rows.keys()], ["theirs"]);
    assert.equal(w.panel.root.hidden, true);
    assert.deepEqual(w.sync.conflicted(), []);
  });

test('a double click on "Apply mine on top" makes the edits again once', async () => {
  const w = await world();
  w.press("mine");
  w.press("mine");
  await w.answer();
  assert.deepEqual([...w.store.rows.keys()], ["theirs", "mine"]);
  assert.deepEqual(steps(w), []);
  assert.equal(w.sync.waiting, 1);
});

test("a choice that could not be carried out can be made again", async () => {
  const w = await world();
  w.failing.add("image_open");
  w.press("theirs");
  await w.answer();
  assert.deepEqual([w.told, steps(w), w.panel.root.hidden], [["offline"], [], false]);
  w.failing.clear();
  w.press("theirs");
  await w.answer();
  assert.deepEqual([steps(w), w.panel.root.hidden], [[["add"]], true]);
});

test("edits are set aside when their version cannot be shown", async () => {
  const w = await world();
  w.failing.add("reload");
  w.press("mine");
  await w.answer();
  assert.deepEqual(steps(w), [["add"]]);
  assert.equal(w.told.at(-1), "offline");
});

test("edits are never applied to another image that was opened meanwhile", async () => {
  const w = await world();
  w.press("mine");
  w.session.imageId = 5;
  w.store.load(opened([row("other")], { image_id: 5 }));
  await w.answer();
  assert.deepEqual([...w.store.rows.keys()], ["other"]);
  assert.deepEqual(steps(w), [["add"]]);
});

test("nothing is set aside where there is nothing", async () => {
  const w = await world();
  w.panel.setAside(4, "a.jpg", []);
  assert.deepEqual(steps(w), []);
});
