// Sliders, boxes to tick and lists that show a setting and change it.

import { el } from "../shell/dom.js";

/** @param {{settings: object, tell: (error: Error) => void}} parts */
export function createFields({ settings, tell }) {
  return {
    /** @returns {{root: HTMLElement, show: () => void}} `digits` after the point; without them two, one with a unit */
    slider(name, label, { min = "0", max, step, unit = "", digits = unit ? 1 : 2, hint }) {
      const input = el("input", {
        type: "range",
        min,
        max,
        step,
        "aria-label": hint,
        oninput: () => settings.set(name, Number(input.value)),
      });
      const text = el("output");
      const show = () => {
        input.value = String(settings.get(name));
        text.textContent = `${settings.get(name).toFixed(digits)}${unit}`;
      };
      return { show, root: el("label.tc-field", { title: hint }, el("span", { text: label }), input, text) };
    },
    check(name, label, hint, change = () => settings.toggle(name)) {
      const show = () => (input.checked = settings.get(name));
      const input = el("input", {
        type: "checkbox",
        onchange: async () => {
          show();
          await Promise.resolve(change()).catch(tell);
          show();
        },
      });
      return { show, root: el("label.tc-check", { title: hint }, input, label) };
    },
    /** @param {[string, string][]} choices  value and text */
    list(name, label, choices, hint) {
      const input = el(
        "select.tc-input",
        { "aria-label": hint, onchange: () => settings.set(name, input.value) },
        choices.map(([value, text]) => el("option", { value, text })),
      );
      const show = () => (input.value = settings.get(name));
      return { show, root: el("label.tc-field", { title: hint }, el("span", { text: label }), input) };
    },
  };
}
