// Settings of the assists: which segmenter, what it reaches, the guard of auto class; and the buttons.

import { el, fill } from "../dom.js";
import { shown } from "../keys.js";

export function createAssistPanel(app, actionById) {
  const select = (name, label) =>
    el("select.tc-input", {
      "aria-label": label,
      onchange: (event) => {
        app.settings.set(name, event.target.value);
        describe();
      },
    });
  const segmenter = select("segmenter", "Box assist"),
    masker = select("masker", "Mask assist");
  const note = el("p.tc-note");
  const margin = el("input", {
    type: "range",
    min: "0",
    max: "1",
    step: "0.05",
    "aria-label": "Least gap between the two likeliest classes",
    oninput: (event) => {
      app.settings.set("minMargin", Number(event.target.value));
      show();
    },
  });
  const marginText = el("output");
  const auto = el("input", {
    type: "checkbox",
    onchange: async () => {
      auto.checked = app.settings.get("autoClass");
      await app.assist.toggleAutoClass().catch(app.tell);
      show();
    },
  });
  const button = (id, text, kind = "") => {
    const action = actionById(id);
    return el(
      `button.tc-button${kind}`,
      {
        type: "button",
        title: `${action.label} (${action.keys.map(shown).join(" or ")})`,
        dataset: { action: id },
        onclick: () => app.run(action),
      },
      text,
      el("kbd", { text: shown(action.keys[0]) }),
    );
  };
  const buttons = [
    button("tweak", "Tweak"),
    button("auto_class", "Auto class"),
    button("reviewed_next", "Reviewed, next", ".tc-primary"),
  ];
  const fold = el(
    "details.tc-fold",
    {},
    el("summary", {}, "Assists"),
    el("label.tc-field", {}, el("span", { text: "Boxes by" }), segmenter),
    el("label.tc-field", {}, el("span", { text: "Masks by" }), masker),
    note,
    el("label.tc-check", {}, auto, "Auto class for new boxes"),
    el(
      "label.tc-field",
      { title: "A class is given only when the likeliest class leads the second by at least this" },
      el("span", { text: "Least class gap" }),
      margin,
      marginText,
    ),
  );
  const root = el("section.tc-assist", {}, fold, el("div.tc-buttons", {}, buttons));
  let cards = [];

  const card = (id) => cards.find((c) => c.id === id);
  function describe() {
    note.textContent = card(segmenter.value)?.expects ?? "";
    note.hidden = !note.textContent;
  }
  function options(node, chosen) {
    fill(
      node,
      cards.map((c) =>
        el("option", {
          value: c.id,
          text: c.state === "ready" ? c.label : `${c.label} (${c.state})`,
          disabled: c.state !== "ready",
          selected: c.id === chosen,
        }),
      ),
    );
    if (card(chosen)) node.value = chosen;
  }
  function show() {
    marginText.textContent = app.settings.get("minMargin").toFixed(2);
    margin.value = String(app.settings.get("minMargin"));
    auto.checked = app.settings.get("autoClass");
  }
  show();
  app.settings.subscribe(show);

  return {
    root,
    async load() {
      const answer = await app.call("models_list", { task: "segment" });
      cards = answer.models ?? answer;
      options(segmenter, app.settings.get("segmenter") || "ridge_box");
      options(masker, app.settings.get("masker") || "grabcut");
      describe();
    },
    refresh() {
      for (const node of buttons) {
        const action = actionById(node.dataset.action);
        node.disabled = Boolean(action.when && !action.when(app));
      }
    },
  };
}
