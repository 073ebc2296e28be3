// The dataset's images along the bottom: lazy thumbnails, state dots, search and state filter.

import { el, icon } from "../shell/dom.js";
import { urls } from "../document/urls.js";
import { virtualList } from "./virtual_list.js";

const STEP = 114,
  SEARCH_MS = 250,
  PICTURES = 300;
const LETTERS = 17; // of a name that fit below a thumbnail
export const STATES = { new: "New", in_progress: "In progress", reviewed: "Reviewed" };

/** A name cut in the middle: images of one series differ at their end. */
export function shortened(name, letters = LETTERS) {
  const all = [...name],
    tail = Math.ceil((letters - 1) * 0.6);
  return all.length <= letters ? name : `${all.slice(0, letters - 1 - tail).join("")}…${all.slice(-tail).join("")}`;
}

export function createFilmstrip({ images, session, tell }) {
  const list = virtualList({
    step: STEP,
    across: true,
    className: "tc-film",
    label: "Images",
    render: thumb,
    onSight: (from, to) => images.ensure(from, to),
  });
  let timer = null;
  const search = el("input.tc-input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search images",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(filter, SEARCH_MS);
    },
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") search.blur(); // the keys are the canvas's again
    if (event.key === "Escape") {
      search.value = "";
      search.blur();
      filter();
    }
  });
  const state = el(
    "select.tc-input",
    { "aria-label": "Show images of state", onchange: () => filter(state.blur()) }, // the keys are the canvas's again
    el("option", { value: "", text: "All states" }),
    Object.entries(STATES).map(([value, text]) => el("option", { value, text })),
  );
  const summary = el("div.tc-filmcount", { role: "status" });
  const nothing = el("p.tc-hint.tc-filmempty", { text: "No image matches.", hidden: true });
  const controls = el("div.tc-filmtools", {}, el("div.tc-search", {}, icon("search"), search), state, summary);
  const root = el("div.tc-filmbar", {}, controls, list.root, nothing);

  async function filter() {
    if (!session.dataset) return;
    try {
      await images.reset(session.dataset, { state: state.value, search: search.value.trim() });
      if (session.imageId) await session.locate(session.imageId);
    } catch (error) {
      tell(error);
    }
    api.draw();
    api.reveal();
  }

  const pictures = new Map(); // image id -> <img>, so that a redraw fetches nothing
  function picture(id) {
    const kept = pictures.get(id) ?? el("img", { src: urls.thumb(id), alt: "", decoding: "async", draggable: "false" });
    pictures.delete(id);
    pictures.set(id, kept);
    if (pictures.size > PICTURES) pictures.delete(pictures.keys().next().value);
    return kept;
  }

  function thumb(index) {
    const image = images.row(index),
      current = index === session.index;
    if (!image) return el("div.tc-thumb.tc-waiting");
    const name = image.name.split("/").at(-1);
    const node = el(
      "button.tc-thumb",
      {
        type: "button",
        role: "option",
        "aria-selected": String(current),
        "aria-label": `${image.name}, ${STATES[image.state] ?? image.state}`,
        title: [
          image.name,
          image.problem ?? `${image.width} × ${image.height}, ${image.annotation_count} boxes`,
          STATES[image.state],
        ]
          .filter(Boolean)
          .join("\n"),
        tabindex: -1,
        dataset: { imageId: image.id },
        onclick: () => session.openImage(image.id),
      },
      image.problem ? el("div.tc-bad", {}, icon("alert")) : picture(image.id),
      el("span", { text: shortened(name) }),
      el(`u.tc-state.${image.state}`),
    );
    node.classList.toggle("on", current);
    return node;
  }

  const api = {
    root,
    draw() {
      const { total, isFiltered, whole } = images,
        at = session.index;
      summary.textContent = !session.dataset
        ? ""
        : isFiltered
          ? `${total.toLocaleString()} of ${(whole ?? total).toLocaleString()}`
          : `${at >= 0 ? (at + 1).toLocaleString() : "–"} / ${total.toLocaleString()}`;
      nothing.hidden = total > 0 || !isFiltered;
      list.update(total);
    },
    reveal() {
      list.reveal(session.index);
    },
    search() {
      search.focus();
      search.select();
    },
    /** Another dataset starts unfiltered. */
    clear() {
      search.value = "";
      state.value = "";
      list.root.scrollLeft = 0;
    },
  };
  return api;
}
