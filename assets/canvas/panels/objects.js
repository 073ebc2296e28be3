// The annotations of the open image, one line each.

import { doubleClick, el, icon } from "../shell/dom.js";
import { height, width } from "../drawing/geometry.js";
import { virtualList } from "./virtual_list.js";

const STEP = 26;

export function createObjectPanel(app) {
  const count = el("span.tc-count");
  const hint = el("p.tc-hint", { text: "No boxes yet. Drag on the image to draw one." });
  const twice = doubleClick();
  let rows = [],
    anchor = null;
  const list = virtualList({ step: STEP, className: "tc-objects", label: "Annotations", render: line });
  const root = el(
    "section.tc-objectpanel",
    {},
    el("div.tc-head", {}, el("span", { text: "Boxes" }), count),
    hint,
    list.root,
  );

  function click(event, index) {
    const { id, xyxy } = rows[index];
    if (twice(id, event.timeStamp)) return app.stage.focus(xyxy);
    if (event.shiftKey && anchor !== null) {
      const [from, to] = [Math.min(anchor, index), Math.max(anchor, index)];
      return app.selection.set(rows.slice(from, to + 1).map((row) => row.id));
    }
    anchor = index;
    return event.ctrlKey || event.metaKey ? app.selection.toggle(id) : app.selection.set([id]);
  }

  function line(index) {
    const row = rows[index],
      { name, color } = app.classes.of(row.class_id);
    const machine = row.source !== "human",
      candidate = row.status === "candidate";
    const node = el(
      "div.tc-row.tc-object",
      {
        role: "option",
        "aria-selected": String(app.selection.has(row.id)),
        dataset: { id: row.id },
        title: `${name}, ${machine ? row.source : "drawn by a person"}${candidate ? ", candidate" : ""}\nDouble-click to zoom to it`,
        onclick: (event) => click(event, index),
        onpointerenter: () => {
          if (app.selection.setHover(row.id)) app.stage.frame();
        },
        onpointerleave: () => {
          if (app.selection.setHover(null)) app.stage.frame();
        },
      },
      el("i.tc-dot", { style: { background: color } }),
      el("span.tc-name", { text: name }),
      row.polygons ? icon("mask") : null,
      machine ? el("b.tc-src", { text: row.confidence ? row.confidence.toFixed(2) : "auto" }) : null,
      el("em", { text: `${Math.round(width(row.xyxy))}×${Math.round(height(row.xyxy))}` }),
    );
    node.classList.toggle("on", app.selection.has(row.id));
    node.classList.toggle("cand", candidate);
    node.classList.toggle("off", app.classes.isHidden(row.class_id));
    return node;
  }

  return {
    root,
    draw() {
      rows = [...app.store.rows.values()].filter((row) => row.status !== "rejected");
      count.textContent = String(rows.length);
      hint.hidden = rows.length > 0 || !app.store.image;
      list.update(rows.length);
    },
    /** Scroll to the selection when it was made on the image. */
    follow() {
      const id = app.selection.only()?.id;
      if (id && !root.matches(":hover")) list.reveal(rows.findIndex((row) => row.id === id));
      list.update(rows.length);
    },
  };
}
