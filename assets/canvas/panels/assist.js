// Settings of the assists: which models, how their masks become polygons, the guard of auto class; and the buttons.

import { el } from "../shell/dom.js";
import { shown } from "../shell/keys.js";
import { createFields } from "./fields.js";
import { picker } from "./picker.js";

export function createAssistPanel({ settings, cards, naming, commands, tell }) {
  const segmenter = picker({ cards, settings }, "segmenter", "Box assist"),
    masker = picker({ cards, settings }, "masker", "Mask assist");
  const note = el("p.tc-note"),
    lacking = el("p.tc-note");
  const { slider, check } = createFields({ settings, tell });
  const parts = [
    check(
      "keepMasks",
      "Keep masks as polygons",
      "Tight boxes, points and found objects keep the model's mask, not only its box",
    ),
    check("fillHoles", "Fill holes in masks", "Masks of models lose their holes"),
    slider("tolerance", "Mask detail", {
      max: "5",
      step: "0.5",
      unit: " px",
      hint: "How far a polygon may lie from the mask's edge, in pixels; 0 follows every pixel",
    }),
    check("autoClass", "Auto class for new boxes", "The active class head names what you draw or a model finds", () =>
      naming.toggle(),
    ),
    slider("minMargin", "Least class gap", {
      max: "1",
      step: "0.05",
      hint: "A class is given only when the likeliest class leads the second by at least this",
    }),
  ];
  const button = (id, text, kind = "") => {
    const action = commands.byId(id);
    return el(
      `button.tc-button${kind}`,
      {
        type: "button",
        title: `${action.label} (${action.keys.map(shown).join(" or ")})`,
        dataset: { action: id },
        onclick: () => commands.run(action),
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
  const root = el(
    "details.tc-fold",
    { name: "tc-fold" },
    el("summary", {}, "Assists"),
    el("label.tc-field", {}, el("span", { text: "Boxes by" }), segmenter.root),
    el("label.tc-field", {}, el("span", { text: "Masks by" }), masker.root),
    note,
    lacking,
    parts.map((part) => part.root),
  );

  function models() {
    segmenter.show();
    masker.show();
    note.textContent = cards.card("segmenter")?.expects ?? "";
    note.hidden = !note.textContent;
    const missing = cards.of("segmenter").filter((card) => !cards.isReady(card));
    lacking.hidden = !missing.length;
    lacking.textContent = `${missing.length} more are not ready; the list and the Models tab say what they need.`;
    lacking.title = missing.map((card) => `${card.label}: ${card.message || card.state}`).join("\n");
  }
  function show() {
    for (const part of parts) part.show();
  }
  show();
  settings.subscribe((name) => {
    show();
    if (name === "segmenter" || name === "masker") models();
  });
  cards.subscribe(models);

  return {
    root,
    buttons: el("div.tc-assist", {}, el("div.tc-buttons", {}, buttons)),
    refresh() {
      for (const node of buttons) node.disabled = !commands.canRun(commands.byId(node.dataset.action));
    },
  };
}
