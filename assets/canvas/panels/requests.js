// Every request to a model that is under way, with cancel.

import { el, icon, fill } from "../shell/dom.js";

export function createRequestPanel({ pending }) {
  const list = el("div.tc-requests", { role: "status", "aria-label": "Requests under way", hidden: true });
  let ticker = null;
  function draw() {
    const open = pending.list();
    list.hidden = open.length === 0;
    clearTimeout(ticker);
    if (open.length) ticker = setTimeout(draw, 500);
    fill(
      list,
      open.map((entry) =>
        el(
          "div.tc-request",
          {},
          el("i.tc-spin"),
          el("span", { text: entry.label }),
          entry.progress ? el("em", { text: entry.progress }) : null,
          el("em", { text: `${((Date.now() - entry.started) / 1000).toFixed(1)} s` }),
          el(
            "button.tc-mini",
            { type: "button", title: "Cancel", "aria-label": `Cancel ${entry.label}`, onclick: entry.cancel },
            icon("close"),
          ),
        ),
      ),
    );
  }
  pending.subscribe(draw);
  return { root: list };
}
