// The annotations of the open image, one line each.

import { doubleClick, el, icon } from "../shell/dom.js";
import { height, width } from "../drawing/geometry.js";
import { virtualList } from "./virtual_list.js";

const STEP = 26;

export function createObjectPanel({ classes, selection, stage, store }) {
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
    if (twice(id, event.timeStamp)) return stage.focus(xyxy);
    if (event.shiftKey && anchor !== null) {
      const [from, to] = [Math.min(anchor, index), Math.max(anchor, index)];
      return selection.set(rows.slice(from, to + 1).map((row) => row.id));
    }
    anchor = index;
    return event.ctrlKey || event.metaKey ? selection.toggle(id) : selection.set([id]);
  }

  function line(index) {
    const row = rows[index],
      { name, color } = classes.of(row.class_id);
    const machine = row.source !== "human",
      candidate = row.status === "candidate";
    const node = el(
      "div.tc-row.tc-object",
      {
        role: "option",
        "aria-selected": String(selection.has(row.id)),
        dataset: { id: row.id },
        title: `${name}, ${machine ? row.source : "drawn by a person"}${candidate ? ", candidate" : ""}\nDouble-click to zoom to it`,
        onclick: (event) => click(event, index),
        onpointerenter: () => {
          if (selection.setHover(row.id)) stage.frame();
        },
        onpointerleave: () => {
          if (selection.setHover(null)) stage.frame();
        },
      },
      el("i.tc-dot", { style: { background: color } }),
      el("span.tc-name", { text: name }),
      row.polygons ? icon("mask") : null,
      machine ? el("b.tc-src", { text: row.confidence ? row.confidence.toFixed(2) : "auto" }) : null,
      el("em", { text: `${Math.round(width(row.xyxy))}×${Math.round(height(row.xyxy))}` }),
    );
    node.classList.toggle("on", selection.has(row.id));
    node.classList.toggle("cand", candidate);
    node.classList.toggle("off", classes.isHidden(row.class_id));
    return node;
  }

  return {
    root,
    draw() {
      rows = [...store.rows.values()].filter((row) => row.status !== "rejected");
      count.textContent = String(rows.length);
      hint.hidden = rows.length > 0 || !store.image;
      list.update(rows.length);
    },
    /** Scroll to the selection when it was made on the image. */
    follow() {
      const id = selection.only()?.id;
      if (id && !root.matches(":hover")) list.reveal(rows.findIndex((row) => row.id === id));
      list.update(rows.length);
    },
  };
}
