// How the picture and its shapes are shown. Nothing here touches the file or a coordinate.

import { el } from "../shell/dom.js";
import { shown } from "../shell/keys.js";
import { createFields } from "./fields.js";
import { createWindowField } from "./window.js";

export function createViewPanel({ settings, windows, commands, tell }) {
  const { slider, check, list } = createFields({ settings, tell });
  const percent = { min: "-100", max: "100", step: "1", unit: " %", digits: 0 };
  const parts = [
    slider("brightness", "Brightness", { ...percent, hint: "Lighter or darker picture, -100 to 100 percent" }),
    slider("contrast", "Contrast", { ...percent, hint: "25 percent double the contrast, -25 halve it" }),
    slider("gamma", "Gamma", {
      min: "0.2",
      max: "4",
      step: "0.05",
      hint: "Above 1 lifts what is dark, below 1 what is bright stands out",
    }),
    slider("opacity", "Shapes", {
      min: "10",
      max: "100",
      step: "5",
      unit: " %",
      digits: 0,
      hint: "Opacity of the shapes, 10 to 100 percent",
    }),
    slider("lineWidth", "Line width", {
      min: "0.4",
      max: "6",
      step: "0.2",
      unit: " px",
      hint: "Width of outlines in screen pixels",
    }),
    list(
      "labels",
      "Class names",
      [
        ["auto", "While few"],
        ["always", "Always"],
        ["never", "Never"],
      ],
      "Class names on boxes (L)",
    ),
    check("fill", "Tint boxes", "Fill shapes with a little of their colour (T)"),
    check("minimap", "Minimap", "A small map while a part of the image is in sight (Shift K)"),
  ];
  const action = commands.byId("reset_look"),
    reset = el(
      "button.tc-button",
      { type: "button", title: action.label, onclick: () => commands.run(action) },
      "Reset",
      el("kbd", { text: shown(action.keys[0]) }),
    );
  const window = createWindowField({ windows, settings, commands, tell });
  const root = el(
    "details.tc-fold.tc-viewpanel",
    { name: "tc-fold", ontoggle() {
        windows.watch(root.open);
        window.show();
      },
    },
    el("summary", { title: "View settings (Shift B)" }, "View"),
    window.root,
    parts.map((part) => part.root),
    el("div.tc-buttons", {}, reset),
  );

  function show() {
    for (const part of parts) part.show();
    reset.disabled = !commands.canRun(action);
  }
  settings.subscribe(show);
  show();
  return {
    root,
    /** Open or close the panel; open, its first slider has the keyboard, closed the canvas. */
    open() {
      root.open = !root.open;
      if (!root.open) return document.activeElement?.blur();
      parts[0].root.querySelector("input").focus({ preventScroll: true });
      root.parentElement.scrollTop = root.offsetTop - root.parentElement.offsetTop;
    },
  };
}
