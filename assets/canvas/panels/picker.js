// A list of models to choose from; those that lack something are shown with what they need.

import { el, fill } from "../shell/dom.js";

/** @returns {{root: HTMLSelectElement, show: () => void}} `show` lists the models of the role and which one is chosen */
export function picker({ cards, settings }, role, label) {
  const root = el("select.tc-input", { "aria-label": label, onchange: () => settings.set(role, root.value) });

  const option = (card) =>
    el("option", {
      value: card.id,
      text: cards.isReady(card) ? card.label : `${card.label} (${card.state})`,
      title: card.message || card.expects,
      disabled: !cards.isReady(card),
    });

  function show() {
    const best = cards.automatic(role), // what "" means
      all = cards.of(role),
      wanted = settings.get(role);
    fill(root, el("option", { value: "", text: best ? `Automatic: ${best.label}` : "None is ready" }), all.map(option));
    root.value = cards.isReady(cards.find(wanted)) ? wanted : "";
    root.title = all
      .filter((card) => !cards.isReady(card))
      .map((card) => `${card.label} ${card.state}`)
      .join("\n");
  }
  return { root, show };
}
