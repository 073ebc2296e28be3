// Keyboard help, drawn from the action table.

import { el } from "../shell/dom.js";
import { GROUPS } from "../actions/index.js";
import { shown } from "../shell/keys.js";

const POINTER = [
  ["Wheel", "Zoom at the cursor"],
  ["Space drag, middle or right drag", "Pan"],
  ["Minimap click or drag", "Move the view"],
  ["Shift click", "Add to the selection"],
  ["Ctrl drag", "Select and move with any tool"],
  ["Alt click a key point", "Hide or show it"],
  ["Drag the round handle", "Turn the box; Shift in steps of 15°"],
  ["Alt click", "Point of the other kind (mask from points)"],
];

export function createHelp({ commands, dialogs }) {
  const line = (keys, label) => el("div.tc-helprow", {}, el("span", { text: label }), el("span.tc-keys", {}, keys));
  const keysOf = (action) => action.keys.flatMap((combo, i) => [i ? " or " : "", el("kbd", { text: shown(combo) })]);
  const isNumber = (action) => /^(give_)?class_[2-9]$/.test(action.id);
  return {
    open: () =>
      dialogs.show("tc-help", "Keyboard help", (box, end) => {
        box.append(
          dialogs.head("Keyboard", end),
          el(
            "div.tc-helpgrid",
            {},
            GROUPS.map((group) =>
              el(
                "section",
                {},
                el("h3", { text: group }),
                commands.list
                  .filter((action) => action.group === group)
                  .map((action) => {
                    const row = line(keysOf(action), action.label);
                    row.dataset.action = action.id;
                    row.classList.toggle("tc-dense", isNumber(action));
                    return row;
                  }),
              ),
            ),
            el(
              "section",
              {},
              el("h3", { text: "Pointer" }),
              POINTER.map(([how, what]) => line([el("kbd", { text: how })], what)),
            ),
          ),
        );
      }),
  };
}
