// The key points of a class: their names, and which are joined.

import { PERSON, edgesText, namesText, skeletonOf } from "../document/skeletons.js";
import { el } from "../shell/dom.js";

const ROWS = 9;

export function createSkeletonDialog({ call, classes, session, dialogs, toast }) {
  const field = (label, value) => {
    const input = el("textarea.tc-input", { rows: ROWS, "aria-label": label, spellcheck: "false" });
    input.value = value;
    return input;
  };

  async function save(class_id, skeleton) {
    await call("class_skeleton", {
      dataset: session.dataset,
      class_id,
      names: skeleton.names,
      edges: skeleton.edges.flat(),
    });
    await session.refreshClasses();
    toast(
      skeleton.names.length ? `${skeleton.names.length} key points are named.` : "The class has no key points any more.",
    );
  }

  function build(box, end, { class_id, name, skeleton }) {
    const now = skeleton ?? { names: [], edges: [] };
    const names = field("Names, one a line", namesText(now)),
      edges = field("Edges, one a line", edgesText(now)),
      problem = el("p.tc-problem", { role: "alert" });
    async function done() {
      try {
        await save(class_id, skeletonOf(names.value, edges.value));
        end(true);
      } catch (error) {
        problem.textContent = error.message;
      }
    }
    const button = (text, onclick, more = "") => el(`button.tc-button${more}`, { type: "button", onclick }, text);
    names.setAttribute("autofocus", "");
    box.append(
      dialogs.head(`Key points of ${name}`, end),
      el("p", {
        text: "Objects list their points in this order. Add names at the end; a name taken out or moved changes what the points of existing objects mean.",
      }),
      el(
        "div.tc-skeleton",
        {},
        el("label", {}, "Names, one a line", names),
        el("label", {}, "Edges, one a line: nose - left_eye", edges),
      ),
      problem,
      el(
        "div.tc-buttons",
        {},
        button("Fill in COCO's person", () => {
          names.value = namesText(PERSON);
          edges.value = edgesText(PERSON);
        }),
        button("Cancel", () => end(null)),
        button("Save", done, ".tc-primary"),
      ),
    );
  }

  return {
    open(class_id) {
      const found = classes.of(class_id);
      return dialogs.show("tc-skeletonbox", `Key points of ${found.name}`, (box, end) => build(box, end, found));
    },
  };
}
