// Find objects by phrases or by examples: what to ask, how sure they must be, which class they get.

import { el, fill } from "../shell/dom.js";
import { shown } from "../shell/keys.js";
import { LOWEST } from "../assist/finds.js";
import { picker } from "./picker.js";

const CLASSES = { current: "Current class", phrase: "Named like the phrase", head: "By the class head" };

export function createFindPanel({ store, settings, cards, finds, commands, tell }) {
  const text = el("input.tc-input.tc-findtext", {
    type: "text",
    placeholder: "car, traffic light",
    "aria-label": "Phrases, separated by commas",
    maxlength: 1000,
    spellcheck: "false",
    onkeydown(event) {
      if (event.key === "Escape") text.blur();
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      run();
    },
  });
  text.value = settings.get("findText");
  const go = el("button.tc-button.tc-find", { type: "button", onclick: run }, "Find");
  const finder = picker({ cards, settings }, "finder", "Model that finds");
  const conf = el("input", {
    type: "range",
    min: String(LOWEST),
    max: "1",
    step: "0.01",
    "aria-label": "Least confidence shown",
    oninput() {
      settings.set("findConf", Number(conf.value));
      finds.refresh();
    },
  });
  const confText = el("output");
  const classes = el(
    "select.tc-input",
    { "aria-label": "Class of what is taken", onchange: () => settings.set("findClass", classes.value) },
    Object.entries(CLASSES).map(([value, label]) => el("option", { value, text: label })),
  );
  const like = commands.byId("tool_exemplar");
  const likeButton = el(
    "button.tc-button.tc-wide",
    { type: "button", title: like.hint, onclick: () => commands.run(like) },
    "Find all like it",
    el("kbd", { text: shown(like.keys[0]) }),
  );
  const result = el("p.tc-note"),
    note = el("p.tc-note");
  const all = el("button.tc-button.tc-primary", { type: "button", onclick: () => trying(() => finds.take()) }),
    none = el("button.tc-button", { type: "button", onclick: () => finds.drop() }, "Drop", el("kbd", { text: "Esc" }));
  const answer = el("div.tc-found", { hidden: true }, result, el("div.tc-buttons", {}, none, all));
  const root = el(
    "details.tc-fold.tc-finder",
    { name: "tc-fold" },
    el("summary", {}, "Find"),
    el("div.tc-field", {}, text, go),
    el("label.tc-field", {}, el("span", { text: "Found by" }), finder.root),
    note,
    el("label.tc-field", {}, el("span", { text: "Class" }), classes),
    el(
      "label.tc-field",
      { title: "Filters what was found, without asking the model again" },
      el("span", { text: "Confidence" }),
      conf,
      confText,
    ),
    answer,
    el("div.tc-field", {}, likeButton),
  );

  const trying = (ask) => Promise.resolve(ask()).catch(tell);
  function run() {
    settings.set("findText", text.value.trim());
    settings.set("findUsed", true);
    text.blur();
    trying(() => finds.byPhrases(text.value));
  }

  function show() {
    conf.value = String(settings.get("findConf"));
    confText.textContent = settings.get("findConf").toFixed(2);
    classes.value = settings.get("findClass");
    answer.hidden = !finds.isOpen;
    if (answer.hidden) return;
    const count = finds.shown().length,
      { total, labelled } = finds;
    result.textContent = `${count} of ${total} shown${labelled ? `, ${labelled} labelled already` : ""}`;
    fill(all, document.createTextNode(`Take ${count}`), el("kbd", { text: "Enter" }));
    all.disabled = count === 0;
  }
  function models() {
    finder.show();
    const card = cards.card("finder");
    go.disabled = likeButton.disabled = !card;
    note.textContent =
      card?.expects ?? (cards.of("finder").length ? "None is ready; the Models tab says how to get one." : "");
    note.hidden = !note.textContent;
  }
  for (const part of [finds, settings, store]) part.subscribe(show);
  cards.subscribe(models);
  settings.subscribe((name) => name === "finder" && models());
  show();
  models();
  return {
    root,
    /** Open the panel and write in it. */
    open() {
      root.open = true;
      text.focus();
      text.select();
    },
  };
}
