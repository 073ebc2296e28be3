// The classes: colour, name, count on this image, number key, visibility; add and rename in place.

import { doubleClick, el, icon, fill } from "../shell/dom.js";

const MANY = 12; // a search box above this

export function createClassPanel({ editSkeleton, call, classes, session, selecting, tell }) {
  const list = el("div.tc-classlist", { role: "listbox", "aria-label": "Classes" });
  const search = el("input.tc-input.tc-classsearch", {
    type: "search",
    placeholder: "Find class",
    "aria-label": "Find class",
    hidden: true,
    oninput: draw,
  });
  const addButton = el(
    "button.tc-mini",
    { type: "button", title: "Add a class (Shift C)", "aria-label": "Add a class", onclick: () => api.add() },
    icon("plus"),
  );
  const head = el("div.tc-head", {}, el("span", { text: "Classes" }), addButton);
  const root = el("section.tc-classes", {}, head, search, list);
  const twice = doubleClick();
  let editing = null; // class id being renamed, or "new"

  function field(value, label, done) {
    const input = el("input.tc-input", { value, "aria-label": label, maxlength: 200, spellcheck: "false" });
    input.value = value;
    let over = false;
    const end = (keep) => {
      if (over) return;
      over = true;
      editing = null;
      if (keep && input.value.trim()) done(input.value.trim());
      else draw();
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        end(true);
      }
      if (event.key === "Escape") {
        event.preventDefault();
        end(false);
      }
      event.stopPropagation();
    });
    input.addEventListener("blur", () => end(true));
    queueMicrotask(() => {
      input.focus();
      input.select();
    });
    return input;
  }

  async function change(op, args) {
    try {
      const answer = await call(op, { dataset: session.dataset, ...args });
      await session.refreshClasses();
      if (op === "class_add") classes.choose(answer.class_id); // it was made to be drawn next
    } catch (error) {
      tell(error);
      draw();
    }
  }

  function row(item) {
    const { class_id, name, color } = item,
      number = classes.numberOf(class_id),
      hidden = classes.isHidden(class_id);
    if (editing === class_id)
      return el(
        "div.tc-row",
        {},
        el("i.tc-dot", { style: { background: color } }),
        field(name, `Name of class ${name}`, (text) => change("class_rename", { class_id, name: text })),
      );
    const colour = el("input.tc-colour", {
      type: "color",
      value: color,
      "aria-label": `Colour of ${name}`,
      title: "Change colour",
      onchange: (event) => change("class_recolor", { class_id, color: event.target.value }),
      onclick: (event) => event.stopPropagation(),
    });
    colour.value = color;
    const node = el(
      "div.tc-row",
      {
        role: "option",
        tabindex: -1,
        title: `${name}${number ? ` (${number})` : ""}\nDouble-click to rename`,
        dataset: { classId: class_id },
        onclick: (event) => (twice(class_id, event.timeStamp) ? api.rename(class_id) : selecting.chooseClass(class_id)),
      },
      el("label.tc-dot", { style: { background: color }, onclick: (event) => event.stopPropagation() }, colour),
      el("span.tc-name", { text: name }),
      item.skeleton
        ? el(
            "button.tc-eye",
            {
              type: "button",
              title: `${item.skeleton.names.length} key points: ${item.skeleton.names.join(", ")}`.slice(0, 400),
              "aria-label": `Key points of ${name}`,
              onclick: (event) => {
                event.stopPropagation();
                editSkeleton(class_id);
              },
            },
            icon("key_points"),
          )
        : null,
      el("em", { text: String(classes.count(class_id)), dataset: { classId: class_id } }),
      number ? el("kbd", { text: String(number) }) : el("kbd.tc-blank"),
      el(
        "button.tc-eye",
        {
          type: "button",
          title: hidden ? "Show" : "Hide",
          "aria-label": `${hidden ? "Show" : "Hide"} ${name}`,
          "aria-pressed": String(hidden),
          onclick: (event) => {
            event.stopPropagation();
            classes.toggleHidden(class_id);
          },
        },
        icon(hidden ? "eye_off" : "eye"),
      ),
    );
    const on = classes.current.class_id === class_id;
    node.classList.toggle("on", on);
    node.classList.toggle("off", hidden);
    node.setAttribute("aria-selected", String(on));
    return node;
  }

  function draw() {
    if (editing !== null && list.querySelector("input.tc-input:focus")) return; // a person types in here
    const wanted = search.value.trim().toLowerCase();
    search.hidden = classes.list.length <= MANY;
    const rows = classes.list.filter((c) => !wanted || c.name.toLowerCase().includes(wanted)).map(row);
    if (editing === "new")
      rows.push(
        el(
          "div.tc-row",
          {},
          el("i.tc-dot.tc-dashed"),
          field("", "Name of the new class", (text) => change("class_add", { name: text })),
        ),
      );
    if (!rows.length && session.dataset)
      rows.push(el("p.tc-hint", { text: wanted ? "No class matches." : "No classes yet. Add one to start drawing." }));
    fill(list, rows);
    list.querySelector(".tc-row.on")?.scrollIntoView({ block: "nearest" });
  }

  const api = {
    root,
    draw,
    /** Only the counts have changed. */
    counts() {
      for (const em of list.querySelectorAll("em[data-class-id]"))
        em.textContent = String(classes.count(Number(em.dataset.classId)));
    },
    rename(class_id) {
      editing = class_id;
      draw();
    },
    add() {
      if (session.dataset) {
        editing = "new";
        draw();
        list.scrollTop = list.scrollHeight;
      }
    },
  };
  return api;
}
