// Find objects by phrases or by examples: what to ask, how sure they must be, which class they get.

import { el, fill } from "../shell/dom.js";
import { shown } from "../shell/keys.js";
import { LOWEST } from "../assist/finds.js";
import { fillPicker, picker } from "./picker.js";

const CLASSES = { current: "Current class", phrase: "Named like the phrase", head: "By the class head" };

export function createFindPanel(app, actionById) {
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
  text.value = app.settings.get("findText");
  const go = el("button.tc-button.tc-find", { type: "button", onclick: run }, "Find");
  const finder = picker(app, "finder", "Model that finds");
  const conf = el("input", {
    type: "range",
    min: String(LOWEST),
    max: "1",
    step: "0.01",
    "aria-label": "Least confidence shown",
    oninput() {
      app.settings.set("findConf", Number(conf.value));
      app.finds.refresh();
    },
  });
  const confText = el("output");
  const classes = el(
    "select.tc-input",
    { "aria-label": "Class of what is taken", onchange: () => app.settings.set("findClass", classes.value) },
    Object.entries(CLASSES).map(([value, label]) => el("option", { value, text: label })),
  );
  const like = actionById("tool_exemplar");
  const likeButton = el(
    "button.tc-button.tc-wide",
    { type: "button", title: like.hint, onclick: () => app.run(like) },
    "Find all like it",
    el("kbd", { text: shown(like.keys[0]) }),
  );
  const result = el("p.tc-note"),
    note = el("p.tc-note");
  const all = el("button.tc-button.tc-primary", { type: "button", onclick: () => run_(() => app.finds.take()) }),
    none = el(
      "button.tc-button",
      { type: "button", onclick: () => app.finds.drop() },
      "Drop",
      el("kbd", { text: "Esc" }),
    );
  const answer = el("div.tc-found", { hidden: true }, result, el("div.tc-buttons", {}, none, all));
  const root = el(
    "details.tc-fold.tc-finder",
    { name: "tc-fold" },
    el("summary", {}, "Find"),
    el("div.tc-field", {}, text, go),
    el("label.tc-field", {}, el("span", { text: "Found by" }), finder),
    note,
    el("label.tc-field", {}, el("span", { text: "Class" }), classes),
    el(
      "label.tc-field",
      { title: "Filters what was found; nothing runs again" },
      el("span", { text: "Confidence" }),
      conf,
      confText,
    ),
    answer,
    el("div.tc-field", {}, likeButton),
  );

  const run_ = (ask) => Promise.resolve(ask()).catch(app.tell);
  function run() {
    app.settings.set("findText", text.value.trim());
    app.settings.set("findUsed", true);
    text.blur();
    run_(() => app.finds.byPhrases(text.value));
  }

  function show() {
    conf.value = String(app.settings.get("findConf"));
    confText.textContent = app.settings.get("findConf").toFixed(2);
    classes.value = app.settings.get("findClass");
    answer.hidden = !app.finds.isOpen;
    if (answer.hidden) return;
    const count = app.finds.shown().length,
      { total, labelled } = app.finds;
    result.textContent = `${count} of ${total} shown${labelled ? `, ${labelled} labelled already` : ""}`;
    fill(all, document.createTextNode(`Take ${count}`), el("kbd", { text: "Enter" }));
    all.disabled = count === 0;
  }
  function models() {
    fillPicker(app, "finder", finder);
    const card = app.cards.card("finder");
    go.disabled = likeButton.disabled = !card;
    note.textContent =
      card?.expects ?? (app.cards.of("finder").length ? "None is ready; the Models tab says how to get one." : "");
    note.hidden = !note.textContent;
  }
  for (const part of [app.finds, app.settings, app.store]) part.subscribe(show);
  app.cards.subscribe(models);
  app.settings.subscribe((name) => name === "finder" && models());
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
