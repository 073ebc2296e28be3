// A list of models to choose from; those that lack something are shown with what they need.

import { el, fill } from "../shell/dom.js";

export const picker = (app, role, label) =>
  el("select.tc-input", { "aria-label": label, onchange: (event) => app.settings.set(role, event.target.value) });

/** Show the models of a role and which one is chosen; "" means the best one here. */
export function fillPicker(app, role, node) {
  const best = app.cards.automatic(role),
    cards = app.cards.of(role);
  fill(
    node,
    el("option", { value: "", text: best ? `Automatic: ${best.label}` : "None is ready" }),
    cards.map((card) =>
      el("option", {
        value: card.id,
        text: app.cards.isReady(card) ? card.label : `${card.label} (${card.state})`,
        title: card.message || card.expects,
        disabled: !app.cards.isReady(card),
      }),
    ),
  );
  const wanted = app.settings.get(role);
  node.value = app.cards.isReady(app.cards.find(wanted)) ? wanted : "";
  node.title = cards
    .filter((card) => !app.cards.isReady(card))
    .map((card) => `${card.label} ${card.state}`)
    .join("\n");
}
