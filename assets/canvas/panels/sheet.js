// The contact sheet: candidates of one class side by side, picked by mouse or keyboard and answered together.

import { el, fill } from "../shell/dom.js";
import { urls } from "../document/urls.js";

const PAGE = 100;

export function createSheet({ call, queue, session, classes, dialogs, toast, tell }) {
  /** What is shown while the sheet is open. */
  function build(box, end) {
    let items = [],
      cursors = [""], // of the pages up to the one in sight
      after = "",
      focus = 0,
      anchor = 0;
    const picked = new Set(),
      batches = [];
    const kind = el(
      "select.tc-input",
      { "aria-label": "Class", onchange: () => first() },
      classes.list.map(({ name }) => el("option", { value: name, text: name })),
    );
    const order = el(
      "select.tc-input",
      { "aria-label": "Order", onchange: () => first() },
      [
        ["confidence", "Most confident first"],
        ["doubt", "Least sure first"],
        ["image", "Image by image"],
      ].map(([value, text]) => el("option", { value, text })),
    );
    const grid = el("div.tc-crops", {
      role: "listbox",
      "aria-multiselectable": "true",
      "aria-label": "Candidates",
      tabindex: 0,
      autofocus: true,
    });
    const told = el("span.tc-note", { role: "status" });
    const button = (text, combo, run, kind_ = "") =>
      el(`button.tc-button${kind_}`, { type: "button", onclick: () => run() }, text, el("kbd", { text: combo }));
    const accept = button("Accept", "Y", () => answer("accepted"), ".tc-primary"),
      reject = button("Reject", "U", () => answer("rejected")),
      back = button("Undo", "Ctrl Z", () => undo()),
      previous = button("Before", "PgUp", () => turn(-1)),
      next = button("Next", "PgDn", () => turn(1));
    box.append(
      dialogs.head("Contact sheet", end),
      el("div.tc-sheettools", {}, kind, order, told, el("div.tc-grow"), previous, next),
      grid,
      el(
        "div.tc-sheettools",
        {},
        el("span.tc-note", {
          text: "Click or Space picks, Shift picks a range, Ctrl+A all. Without a pick, the answer is for all shown.",
        }),
        el("div.tc-grow"),
        back,
        reject,
        accept,
      ),
    );
    kind.value = queue.filters.class_name || classes.current.name;

    async function load() {
      const { source, split, attribute, conf_min } = queue.filters;
      const asked = { dataset: session.dataset, source, split, attribute, conf_min, class_name: kind.value };
      const page = await call("review_queue", { ...asked, order: order.value, after: cursors.at(-1), limit: PAGE });
      items = page.items;
      after = page.after;
      picked.clear();
      focus = anchor = 0;
      const { left } = await call("review_progress", asked);
      told.textContent = `${left.toLocaleString()} left, page ${cursors.length}`;
      draw();
    }
    const safely = (act) => Promise.resolve(act).catch(tell);
    const first = () => {
      cursors = [""];
      grid.focus();
      return safely(load());
    };
    function turn(by) {
      if (by > 0 && !after) return null;
      if (by < 0 && cursors.length === 1) return null;
      if (by > 0) cursors.push(after);
      else cursors.pop();
      return safely(load());
    }

    function draw() {
      fill(
        grid,
        items.length ? items.map(tile) : el("p.tc-hint", { text: "No candidate of this class waits for an answer." }),
      );
      mark();
    }
    function tile(item, index) {
      const sure = item.confidence === null ? "" : item.confidence.toFixed(2);
      return el(
        "div.tc-crop",
        {
          role: "option",
          title: `${item.image}\n${item.source} ${sure}\nDouble-click opens the image`,
          dataset: { id: item.id },
          onclick: (event) => click(event, index),
          ondblclick: () => {
            end(null);
            safely(session.openImage(item.image_id));
          },
        },
        el("img", { src: urls.crop(item), alt: item.image, loading: "lazy", decoding: "async", draggable: "false" }),
        el("span", { text: sure }),
      );
    }
    /** Show what is picked and where the keyboard is. */
    function mark() {
      [...grid.children].forEach((node, index) => {
        const isPicked = picked.has(items[index]?.id);
        node.classList.toggle("on", isPicked);
        node.classList.toggle("here", index === focus);
        node.setAttribute("aria-selected", String(isPicked));
      });
      grid.children[focus]?.scrollIntoView?.({ block: "nearest" });
      const n = picked.size || items.length;
      accept.firstChild.textContent = `Accept ${n}`;
      reject.firstChild.textContent = `Reject ${n}`;
      accept.disabled = reject.disabled = !items.length;
      back.disabled = !batches.length;
      previous.disabled = cursors.length === 1;
      next.disabled = !after;
    }

    function range(to) {
      const [from, last] = [Math.min(anchor, to), Math.max(anchor, to)];
      for (const { id } of items.slice(from, last + 1)) picked.add(id);
    }
    function click(event, index) {
      const { id } = items[index];
      if (event.shiftKey) range(index);
      else {
        if (!picked.delete(id)) picked.add(id);
        anchor = index;
      }
      focus = index;
      mark();
    }
    /** How many crops stand in a row. */
    const across = () => {
      const tops = [...grid.children].map((node) => node.offsetTop);
      return Math.max(1, tops.filter((top) => top === tops[0]).length);
    };
    function go(by, isRange) {
      const to = Math.min(Math.max(focus + by, 0), items.length - 1);
      if (to < 0) return;
      focus = to;
      if (isRange) range(to);
      else anchor = to;
      mark();
    }
    const KEYS = {
      ArrowRight: (event) => go(1, event.shiftKey),
      ArrowLeft: (event) => go(-1, event.shiftKey),
      ArrowDown: (event) => go(across(), event.shiftKey),
      ArrowUp: (event) => go(-across(), event.shiftKey),
      PageDown: () => turn(1),
      PageUp: () => turn(-1),
      " ": (event) => items[focus] && click(event, focus),
      y: () => answer("accepted"),
      u: () => answer("rejected"),
    };
    const WITH_CTRL = {
      a: () => {
        for (const { id } of items) picked.add(id);
        mark();
      },
      z: () => undo(),
    };
    box.addEventListener("keydown", key); // also from a button that was pressed last
    function key(event) {
      const isOwn =
        event.target.closest("select") || (event.target.closest("button") && [" ", "Enter"].includes(event.key));
      if (isOwn) return;
      const name = event.key.length === 1 ? event.key.toLowerCase() : event.key,
        act = (event.ctrlKey || event.metaKey ? WITH_CTRL : KEYS)[name];
      if (!act) return;
      event.preventDefault();
      act(event);
    }

    let busy = false; // one answer at a time, so that none is for what is not shown any more
    async function once(act) {
      if (busy) return;
      busy = true;
      try {
        await act();
      } catch (error) {
        tell(error);
      } finally {
        busy = false;
      }
    }
    const answer = (status) =>
      once(async () => {
        const ids = picked.size ? [...picked] : items.map(({ id }) => id);
        if (!ids.length) return;
        const { batch, boxes, left_out } = await queue.answerMany(status, ids);
        if (batch) batches.push(batch);
        toast(`${boxes} ${status}${left_out ? `, ${left_out} were answered before` : ""}.`);
        await load();
      });
    const undo = () =>
      once(async () => {
        if (batches.length) await queue.undoBatch(batches.pop());
        await load();
      });
    safely(load());
  }

  return {
    async open() {
      await dialogs.show("tc-sheet", "Contact sheet", build);
      await queue.follow();
    },
  };
}
