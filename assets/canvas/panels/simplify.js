// The slider of "simplify", over the stage while it is open.

import { el } from "../shell/dom.js";

const STEPS = 100,
  LEAST = 0.25,
  MOST = 50; // pixels; the slider is logarithmic between them
const toPixels = (step) => LEAST * (MOST / LEAST) ** (step / STEPS);
const toStep = (pixels) => (STEPS * Math.log(pixels / LEAST)) / Math.log(MOST / LEAST);

export function createSimplifyBar({ settings, simplify }) {
  const slider = el("input", {
    type: "range",
    min: "0",
    max: String(STEPS),
    step: "1",
    "aria-label": "Tolerance in pixels",
    oninput: () => simplify.setTolerance(Math.round(100 * toPixels(Number(slider.value))) / 100),
  });
  const text = el("span"),
    points = el("em");
  const button = (label, key, run, kind = "") =>
    el(`button.tc-button${kind}`, { type: "button", onclick: run }, label, el("kbd", { text: key }));
  const root = el(
    "div.tc-bar",
    { role: "group", "aria-label": "Simplify", hidden: true },
    el("b", { text: "Simplify" }),
    slider,
    text,
    points,
    button("Drop", "Esc", () => simplify.drop()),
    button("Take", "Enter", () => simplify.take(), ".tc-primary"),
  );
  simplify.subscribe(() => {
    const { isOpen, counts } = simplify,
      tolerance = settings.get("simplify");
    root.hidden = !isOpen;
    if (!isOpen) return;
    slider.value = String(Math.round(toStep(tolerance)));
    text.textContent = `${tolerance < 10 ? tolerance.toFixed(1) : Math.round(tolerance)} px`;
    points.textContent = `${counts[0]} → ${counts[1]} points`;
  });
  return { root };
}
