// The review: which candidates and in which order in the side panel, where one stands in a bar over the stage.

import { el, fill, icon } from "../shell/dom.js";
import { shown } from "../shell/keys.js";
import { FILTERS } from "../document/queue.js";
import { hintOf } from "./rail.js";

const SPLITS = { "": "All splits", train: "Train", val: "Val", test: "Test", none: "No split" };
const option = ([value, text]) => el("option", { value, text });

export function createReviewPanel({ queue, root: parent, session, classes, call, commands, confirm, toast, tell }) {
  const field = (label, control, ...more) => el("label.tc-field", {}, el("span", { text: label }), control, ...more);
  const choice = (label, options = []) =>
    el(
      "select.tc-input",
      { "aria-label": label, onchange: (event) => changed(event.currentTarget) },
      options.map(option),
    );
  const order = choice("Order of the review"),
    source = choice("Source of the candidates"),
    kind = choice("Class of the candidates"),
    split = choice("Split of the images", Object.entries(SPLITS));
  const attribute = el("input.tc-input", {
    type: "text",
    placeholder: "name=value",
    title: "A name, or name=value",
    "aria-label": "Attribute of the candidates",
    spellcheck: "false",
    onchange: () => begin(),
    onkeydown: (event) => event.key === "Enter" && attribute.blur(),
  });
  const conf = el("input", {
      type: "range",
      min: "0",
      max: "1",
      step: "0.01",
      value: "0",
      "aria-label": "Least confidence",
      oninput: () => showConf(),
      onchange: () => queue.isOpen && begin(),
    }),
    confText = el("output");
  const note = el("p.tc-note", { role: "status" }),
    bar = el("progress.tc-progress", { max: 1, "aria-label": "Progress of the review" });
  const button = (id, text, kind_ = "", hasKey = true) => {
    const action = commands.byId(id);
    return el(
      `button.tc-button${kind_}`,
      { type: "button", title: hintOf(action), dataset: { action: id }, onclick: () => commands.run(action) },
      text,
      hasKey ? el("kbd", { text: shown(action.keys[0]) }) : null,
    );
  };
  const start = el("button.tc-button.tc-primary", {
      type: "button",
      title: hintOf(commands.byId("review")),
      onclick: () => (queue.isOpen ? queue.close() : begin()),
    }),
    sheet = button("contact_sheet", "Contact sheet", "", false),
    all = el("button.tc-button.tc-wide", { type: "button", onclick: () => acceptAll().catch(tell) });
  const root = el(
    "details.tc-fold.tc-review",
    { name: "tc-fold", ontoggle: () => root.open && load().catch(tell) },
    el("summary", {}, "Review"),
    bar,
    note,
    field("Order", order),
    field("Source", source),
    field("Class", kind),
    field("Split", split),
    field("Attribute", attribute),
    field("Confidence", conf, confText),
    el("div.tc-field", {}, el("div.tc-buttons.tc-wide", {}, sheet, start)),
    el("div.tc-field", {}, all),
  );

  const chosen = () => ({
    order: order.value || FILTERS.order,
    source: source.value,
    class_name: kind.value,
    split: split.value,
    attribute: attribute.value.trim(),
    conf_min: Number(conf.value),
  });
  const begin = () => queue.open(chosen()).catch(tell);
  function changed(control) {
    control.blur(); // the keys are the canvas's again
    if (queue.isOpen) begin();
  }
  function showConf() {
    confText.textContent = Number(conf.value).toFixed(2);
    fill(all, document.createTextNode(`Accept all from ${confText.textContent}`));
  }

  async function acceptAll() {
    const choice = chosen(),
      names = [choice.class_name, choice.source && `of ${choice.source}`, SPLITS[choice.split]]
        .filter(Boolean)
        .join(", ");
    const { left } = await call("review_progress", { ...choice, order: undefined, dataset: session.dataset });
    if (!left) return toast("There is no candidate of this choice.");
    const question = `Accept ${left === 1 ? "1 candidate" : `${left.toLocaleString()} candidates`} from ${choice.conf_min.toFixed(2)}?`;
    if (
      !(await confirm(question, `${names}. They become labels, in all images; one undo takes it back.`, "Accept all"))
    )
      return null;
    const told = await queue.answerMany("accepted", null, choice);
    toast(
      `${told.boxes.toLocaleString()} accepted in ${told.images.toLocaleString()} images. Ctrl+Z takes it back.`,
      "ok",
    );
    return queue.follow();
  }

  /** Fill the choices with what there is now. */
  async function load() {
    const [orders, sources] = await Promise.all([
      call("review_orders_list"),
      session.dataset ? call("candidates_sources", { dataset: session.dataset }) : [],
    ]);
    choose(
      order,
      orders.map(({ name, label }) => [name, label]),
      queue.filters.order,
    );
    const waiting = sources.map((row) => [row.source, `${row.source} (${row.candidate.toLocaleString()})`]);
    choose(source, [["", "All sources"], ...waiting], queue.filters.source);
    choose(kind, [["", "All classes"], ...classes.list.map(({ name }) => [name, name])], queue.filters.class_name);
    show();
  }
  function choose(select, options, value) {
    select.replaceChildren(...options.map(option));
    select.value = value;
  }

  const position = el("b"),
    what = el("em.tc-reviewed");
  const bars = el(
    "div.tc-bar.tc-reviewbar",
    { role: "group", "aria-label": "Review", hidden: true },
    position,
    what,
    button("review_accept", "Accept", ".tc-primary"),
    button("review_reject", "Reject"),
    button("review_fix", "Fix"),
    button("review_nothing", "Nothing here"),
    el(
      "button.tc-mini",
      {
        type: "button",
        title: "End the review (Shift R)",
        "aria-label": "End the review",
        onclick: () => queue.close(),
      },
      icon("close"),
    ),
  );

  function told() {
    const { current, isAway, isFixing } = queue;
    if (!current) return "All answered. Undo with Ctrl+Z, or end the review.";
    if (isAway) return `On another image: Y goes back to ${current.image.split("/").at(-1)}`;
    if (isFixing) return "Move its edges, or Ctrl and a number; then Y";
    const sure = current.confidence === null ? "" : ` ${current.confidence.toFixed(2)}`;
    return `${classes.of(current.class_id).name}${sure}, ${current.source}`;
  }

  function show() {
    const { counts, isOpen, filters } = queue,
      total = counts.left + counts.done;
    bars.hidden = !isOpen;
    parent.classList.toggle("tc-reviewing", isOpen);
    start.textContent = isOpen ? "End review" : "Review";
    bar.hidden = note.hidden = !isOpen;
    showConf();
    if (!isOpen) return;
    bar.value = total ? counts.done / total : 1;
    note.textContent = `${counts.done.toLocaleString()} of ${total.toLocaleString()} answered, ${counts.left.toLocaleString()} left`;
    position.textContent = `${counts.left.toLocaleString()} left`;
    what.textContent = what.title = told();
    for (const [control, name] of [
      [order, "order"],
      [source, "source"],
      [kind, "class_name"],
      [split, "split"],
      [attribute, "attribute"],
    ])
      if (control !== document.activeElement) control.value = filters[name];
    if (conf !== document.activeElement) conf.value = String(filters.conf_min);
    showConf();
  }
  showConf();
  show();
  return { root, bar: bars, refresh: show };
}
