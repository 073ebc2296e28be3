// The image's name and state on top of the stage, numbers in the line below.

import { el, icon, fill } from "../shell/dom.js";
import { STATES } from "./filmstrip.js";

const SAVE = {
  saved: ["check", "All changes saved"],
  saving: ["dot", "Saving"],
  offline: ["alert", "Offline: your work is kept here"],
  conflict: ["alert", "Conflict: click to see both versions"],
  login: ["alert", "Login needed: click to log in"],
  error: ["alert", "Not saved yet, trying again"],
};

export function createStatus({
  store,
  sync,
  selection,
  settings,
  session,
  stage,
  finds,
  tools,
  proposals,
  commands,
  tell,
}) {
  const name = el("span.tc-chip.tc-title"),
    state = el("button.tc-chip.tc-statechip", {
      type: "button",
      title: "Reviewed or in progress (R)",
      onclick: () => commands.runById("toggle_reviewed"),
    });
  const mode = el("span.tc-chip.tc-mode", { hidden: true }),
    others = el("span.tc-chip.tc-others", { hidden: true });
  const top = el("div.tc-top", {}, name, state, mode, el("div.tc-grow"), others);
  const zoom = el("button.tc-stat", {
    type: "button",
    title: "Zoom; click to fit (0)",
    onclick: () => commands.runById("fit"),
  });
  const cursor = el("span.tc-stat.tc-cursor"),
    boxes = el("span.tc-stat"),
    hint = el("span.tc-stat.tc-tip"),
    save = el("button.tc-stat.tc-save", { type: "button", "aria-live": "polite", onclick: mend });
  const line = el("div.tc-status", {}, zoom, cursor, boxes, el("div.tc-grow"), hint, el("div.tc-grow"), save);

  /** A click on the saving state does what helps. */
  function mend() {
    const [image] = sync.conflicted();
    if (image !== undefined) session.openImage(image).catch(tell);
    else if (sync.state === "login") location.reload();
    else sync.retry();
  }

  const modeText = () => {
    const text = proposals.current?.text;
    if (text) return text;
    const { id, isBusy } = tools.current;
    if (id === "draw_polygon" && isBusy) return "Enter or the first point closes it, ⌫ removes the last point, Esc drops it";
    if (id === "exemplar" && finds.exemplars.length) return "Enter finds all like it; Alt drag: not like this";
    if (tools.current.id === "multi_point")
      return `Next point ${tools.current.positive ? "on the object (F)" : "off the object (G)"}`;
    return settings.get("autoClass") ? "Auto class on" : "";
  };

  return {
    top,
    line,
    image() {
      const { image } = store;
      top.hidden = !image;
      if (!image) return;
      name.textContent = image.name ?? "";
      name.title = `${image.name}\n${image.width} × ${image.height} pixels`;
      fill(state, el(`u.tc-state.${image.state}`), STATES[image.state] ?? image.state);
      const text = modeText();
      mode.hidden = !text;
      mode.textContent = text;
      others.hidden = !session.others.length;
      others.textContent = session.others.length
        ? `Also open: ${session.others.map((o) => o.user || "another window").join(", ")}`
        : "";
    },
    view() {
      zoom.textContent = stage.size ? `${(stage.view.zoom * 100).toFixed(stage.view.zoom < 0.1 ? 1 : 0)} %` : "";
    },
    cursor(at) {
      const { size } = stage;
      cursor.textContent =
        at && size ? `${Math.floor(at[0])}, ${Math.floor(at[1])}` : size ? `${size.width} × ${size.height}` : "";
    },
    boxes() {
      const n = store.rows.size,
        picked = selection.size;
      boxes.textContent = store.image
        ? `${n.toLocaleString()} ${n === 1 ? "box" : "boxes"}${picked ? `, ${picked} selected` : ""}`
        : "";
      hint.textContent = store.canUndo ? `Last: ${store.nextUndo}` : "";
    },
    save() {
      const [sign, text] = SAVE[sync.state];
      save.className = `tc-stat tc-save ${sync.state}`;
      save.dataset.state = sync.state;
      const waiting = sync.waiting && sync.state !== "saving" ? ` (${sync.waiting} waiting)` : "";
      fill(save, icon(sign), text + waiting);
    },
  };
}
