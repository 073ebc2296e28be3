// Ctrl K: type a few letters of what you want.

import { el, fill, icon } from "../shell/dom.js";
import { shown } from "../shell/keys.js";

/** Do the letters of `wanted` appear in order in `text`? Lower is better, -1 no. */
export function rank(text, wanted) {
  const lower = text.toLowerCase(),
    whole = lower.indexOf(wanted);
  if (whole >= 0) return whole;
  let at = -1;
  for (const letter of wanted) if ((at = lower.indexOf(letter, at + 1)) < 0) return -1;
  return 100 + at;
}

export function createPalette({ classes, selecting, commands, dialogs }) {
  /** Actions that can run now, and every class by name. */
  function entries() {
    const can = commands.list
      .filter((a) => a.id !== "palette" && commands.canRun(a) && !/^(give_)?class_\d$/.test(a.id))
      .map((a) => ({ label: a.label, group: a.group, key: a.keys[0], icon: a.icon, run: () => commands.run(a) }));
    return [...can, ...named()];
  }

  /** Every class by its number in the list and its name. */
  const named = () =>
    classes.list.map((c, i) => ({
      label: c.name,
      sought: `${i + 1} ${c.name}`,
      group: `Class ${i + 1}`,
      color: c.color,
      run: () => selecting.chooseClass(c.class_id),
    }));

  async function show(title, placeholder, all) {
    let found = all,
      at = 0;
    const input = el("input.tc-input.tc-palinput", {
      type: "text",
      placeholder,
      "aria-label": title,
      autofocus: true,
      spellcheck: "false",
    });
    const list = el("div.tc-pallist", { role: "listbox", "aria-label": `${title}, matches` });
    const picked = await dialogs.show("tc-palette", title, (box, end) => {
      const draw = () => {
        const wanted = input.value.trim().toLowerCase();
        found = wanted
          ? all
              .map((e) => [rank(e.sought ?? e.label, wanted), e])
              .filter(([r]) => r >= 0)
              .sort((a, b) => a[0] - b[0])
              .map(([, e]) => e)
          : all;
        at = Math.min(at, Math.max(found.length - 1, 0));
        fill(
          list,
          found.slice(0, 60).map((entry, i) => {
            const node = el(
              "div.tc-palrow",
              { role: "option", "aria-selected": String(i === at), onclick: () => end(entry) },
              entry.color ? el("i.tc-dot", { style: { background: entry.color } }) : icon(entry.icon ?? "dot"),
              el("span.tc-name", { text: entry.label }),
              el("em", { text: entry.group }),
              entry.key ? el("kbd", { text: shown(entry.key) }) : null,
            );
            node.classList.toggle("on", i === at);
            return node;
          }),
          found.length ? null : el("p.tc-hint", { text: "Nothing matches." }),
        );
        list.querySelector(".on")?.scrollIntoView({ block: "nearest" });
      };
      input.addEventListener("input", () => {
        at = 0;
        draw();
      });
      input.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) {
          event.preventDefault();
          at = Math.min(Math.max(at + step, 0), Math.min(found.length, 60) - 1);
          draw();
        }
        if (event.key === "Enter" && !event.isComposing) {
          event.preventDefault();
          if (found[at]) end(found[at]);
        }
      });
      box.append(input, list);
      draw();
    });
    picked?.run();
  }
  return {
    open: () => show("Command palette", "Type a command or a class", entries()),
    chooseClass: () => show("Class", "Type a class's name or number", named()),
  };
}
