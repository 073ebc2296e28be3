import test from "node:test";
import assert from "node:assert/strict";
import { createPointer } from "../../assets/canvas/drawing/pointer.js";
import * as views from "../../assets/canvas/drawing/view.js";
import { canvasWithTools, row, SIZE } from "./parts.mjs";

/** The layer that takes the events: 100 x 80 pixels, 10 to the right and 20 down in the window. */
class Layer extends EventTarget {
  style = {};
  focus() {}
  setPointerCapture() {}
  getBoundingClientRect() {
    return { left: 10, top: 20 };
  }
}

/** A hand on the layer, at positions of the layer. */
async function pointing(annotations = [row("a")], tool = "select") {
  const c = await canvasWithTools(annotations),
    over = new Layer(),
    look = c.stage,
    seen = [];
  look.setView = (next) => (look.view = next);
  c.tools.use(tool);
  const pointer = createPointer(over, {
    look,
    tools: () => c.tools,
    selection: c.selection,
    pointed: (at) => seen.push(at),
  });
  const send = (type, x, y, more = {}) => {
    const facts = { clientX: x + 10, clientY: y + 20, button: 0, pointerId: 1, ...more };
    const event = Object.assign(new Event(type, { cancelable: true }), facts);
    over.dispatchEvent(event);
    return event;
  };
  const drag = (from, to, more) => {
    send("pointerdown", ...from, more);
    send("pointermove", ...to, more);
    send("pointerup", ...to, more);
  };
  return { ...c, over, look, seen, pointer, send, drag };
}

test("what is under the pointer is the same place of the image at any view", async () => {
  const c = await pointing();
  c.look.view = { zoom: 4, x: -30, y: 8 };
  c.send("pointermove", 50, 48);
  assert.deepEqual([c.pointer.cursor, c.seen], [[20, 10], [[20, 10]]]);
  c.drag([50, 88], [58, 92]); // two pixels right and one down on the image
  assert.deepEqual(c.rows()[0].xyxy, [12, 11, 32, 31]);
});

test("the middle and the right button pan whatever the tool; the tool hears nothing of it", async () => {
  for (const button of [1, 2]) {
    const c = await pointing([row("a")], "draw_box");
    c.drag([20, 20], [50, 15], { button });
    assert.deepEqual(c.look.view, { zoom: 1, x: 30, y: -5 });
    assert.deepEqual([c.rows().length, c.selection.size], [1, 0]);
  }
});

test("dragging pans while Space is held, and draws again after it", async () => {
  const c = await pointing([], "draw_box");
  c.pointer.hold(true);
  assert.deepEqual([c.over.style.cursor, c.pointer.isTaken], ["grab", true]);
  c.drag([20, 20], [40, 20]);
  assert.equal(c.look.view.x, 20);
  c.pointer.hold(false);
  c.drag([40, 20], [80, 60]);
  assert.deepEqual(c.rows()[0].xyxy, [20, 20, 60, 60]);
});

test("Space let go during a pan does not end it; the pan ends with the button", async () => {
  const c = await pointing();
  c.pointer.hold(true);
  c.send("pointerdown", 10, 10);
  c.pointer.hold(false);
  c.send("pointermove", 30, 10);
  assert.equal(c.over.style.cursor, "grabbing");
  c.send("pointerup", 30, 10);
  c.send("pointermove", 60, 60);
  assert.deepEqual(c.look.view, { zoom: 1, x: 20, y: 0 });
});

test("the wheel zooms about the pointer, with Shift it goes sideways, with Alt it sizes the brush", async () => {
  const c = await pointing([], "brush");
  const before = views.toImage(c.look.view, [40, 30]);
  const event = c.send("wheel", 40, 30, { deltaX: 0, deltaY: -200, deltaMode: 0 });
  assert.equal(event.defaultPrevented, true); // the page would scroll
  assert.ok(c.look.view.zoom > 1);
  views.toImage(c.look.view, [40, 30]).forEach((v, i) => assert.ok(Math.abs(v - before[i]) < 1e-9));
  const { zoom, x } = c.look.view;
  c.send("wheel", 40, 30, { deltaX: 0, deltaY: 25, shiftKey: true });
  assert.deepEqual([c.look.view.zoom, c.look.view.x], [zoom, x - 25]);
  c.send("wheel", 40, 30, { deltaX: 0, deltaY: -1, altKey: true });
  assert.equal(c.look.view.zoom, zoom);
  assert.ok(c.settings.get("brush") > 12);
});

test("a pointer that the system takes away drops the drag", async () => {
  const c = await pointing();
  c.send("pointerdown", 20, 20);
  c.send("pointermove", 60, 60);
  c.send("pointercancel", 60, 60);
  c.send("pointerup", 60, 60);
  assert.deepEqual([c.rows()[0].xyxy, c.stage.moved], [[10, 10, 30, 30], []]);
});

test("leaving the layer forgets the pointer and what it was over", async () => {
  const c = await pointing();
  c.send("pointermove", 20, 20);
  assert.equal(c.selection.hover, "a");
  c.send("pointerleave", 0, 0);
  assert.deepEqual([c.selection.hover, c.pointer.cursor, c.seen.at(-1)], [null, null, null]);
});

test("without an image nothing is drawn, panned or zoomed", async () => {
  const c = await pointing([], "draw_box");
  c.look.size = null;
  c.drag([20, 20], [60, 60]);
  c.send("wheel", 20, 20, { deltaX: 0, deltaY: -100 });
  assert.deepEqual([c.rows().length, c.look.view, c.seen], [0, { zoom: 1, x: 0, y: 0 }, []]);
  c.look.size = SIZE;
  c.drag([20, 20], [60, 60]);
  assert.equal(c.rows().length, 1);
});
