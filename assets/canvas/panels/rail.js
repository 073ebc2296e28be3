// The tool rail at the left, drawn from the action table.

import { el, icon } from "../shell/dom.js";
import { shown } from "../shell/keys.js";

export const hintOf = (action) =>
  [
    action.label,
    action.keys?.length ? `(${action.keys.map(shown).join(" or ")})` : "",
    action.hint ? `\n${action.hint}` : "",
  ]
    .join(" ")
    .trim();

/** What fits a tool's corner: a letter, with an arrow for Shift. */
const keyOf = ({ keys: [first] }) =>
  first.length === 1 ? shown(first) : /^shift\+.$/.test(first) ? `⇧${first.at(-1).toUpperCase()}` : "";

export function createRail({ commands }) {
  const button = (action) => {
    const node = el(
      "button.tc-tool",
      {
        type: "button",
        title: hintOf(action),
        "aria-label": action.label,
        dataset: { action: action.id },
        onclick: () => commands.run(action),
      },
      icon(action.icon),
      el("span.tc-toolkey", { text: keyOf(action), "aria-hidden": "true" }),
    );
    return { action, node };
  };
  const tools = commands.list.filter((a) => a.rail === true).map(button);
  const history = commands.list.filter((a) => a.rail === "history").map(button);
  const foot = commands.list.filter((a) => a.rail === "foot").map(button);
  const slots = el("div.tc-railslots");
  const root = el(
    "div.tc-rail",
    { role: "toolbar", "aria-label": "Tools", "aria-orientation": "vertical" },
    tools.map((t) => t.node),
    el("hr"),
    history.map((t) => t.node),
    el("div.tc-grow"),
    slots,
    foot.map((t) => t.node),
  );

  function refresh() {
    for (const { action, node } of [...tools, ...history, ...foot]) {
      if (action.isOn) {
        const isOn = action.isOn();
        node.classList.toggle("on", isOn);
        node.setAttribute("aria-pressed", String(isOn));
      }
      node.disabled = !commands.canRun(action);
      const detail = action.detail?.();
      node.title = detail ? `${hintOf(action)}\n${detail}` : hintOf(action);
    }
  }
  return { root, slots, refresh };
}
