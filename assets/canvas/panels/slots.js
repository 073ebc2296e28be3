// Three small rings in the rail: how far the previous, the open and the next image are encoded.

import { el, fill } from "../shell/dom.js";

const ORDER = ["previous", "current", "next"];
const ROUND = 2 * Math.PI * 6;
const SAID = {
  waiting: "waits to be encoded",
  encoding: "is being encoded",
  ready: "is encoded: clicks are quick",
  failed: "could not be encoded",
};

export function createSlotRings({ cards, slots }) {
  const root = el("div.tc-slots", { role: "status", "aria-label": "Images encoded ahead", hidden: true });
  const ring = (slot) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    for (const part of ["tc-track", "tc-arc"]) {
      const circle = document.createElementNS(svg.namespaceURI, "circle");
      for (const [name, value] of Object.entries({ cx: 8, cy: 8, r: 6, class: part })) circle.setAttribute(name, value);
      if (part === "tc-arc") {
        const done = slot.state === "ready" || slot.state === "failed" ? 1 : slot.progress;
        circle.setAttribute("stroke-dasharray", `${done * ROUND} ${ROUND}`);
      }
      svg.append(circle);
    }
    const model = cards.find(slot.card)?.label ?? slot.card,
      share = slot.state === "encoding" ? ` (${Math.round(100 * slot.progress)} %)` : "";
    const title = `${slot.slot[0].toUpperCase()}${slot.slot.slice(1)} image ${SAID[slot.state]}${share}\n${slot.name}, ${model}`;
    return el(
      `span.tc-slot.${slot.slot}.${slot.state}`,
      { title, dataset: { slot: slot.slot, state: slot.state } },
      svg,
    );
  };
  slots.subscribe(() => {
    const rows = ORDER.map((name) => slots.rows.find((slot) => slot.slot === name)).filter(Boolean);
    root.hidden = !rows.length;
    fill(root, rows.map(ring));
  });
  return { root };
}
