// A long list that only holds the rows in sight, down or across.

import { el, eachFrame } from "../shell/dom.js";

const SPARE = 4; // rows drawn beyond each end

/**
 * @param {{step: number, across?: boolean, render: (index: number) => HTMLElement, onSight?: (from: number, to: number) => void,
 *   className: string, label: string}} options  `step`: pixels from one row to the next
 */
export function virtualList({ step, across = false, render, onSight, className, label }) {
  const inner = el("div.tc-vinner");
  const root = el(`div.tc-vlist.${className}`, { role: "listbox", "aria-label": label, tabindex: -1 }, inner);
  const shown = new Map(); // index -> node
  let count = 0,
    isStale = false, // also while it is hidden, and then drawn when it is seen again
    wanted = -1; // row to scroll to as soon as the list is seen

  const sight = () => {
    const [at, room] = across ? [root.scrollLeft, root.clientWidth] : [root.scrollTop, root.clientHeight];
    return [Math.max(0, Math.floor(at / step) - SPARE), Math.min(count - 1, Math.ceil((at + room) / step) + SPARE)];
  };

  function draw(again = false) {
    isStale ||= again;
    if (!root.clientHeight) return;
    if (wanted >= 0) scrollTo(wanted);
    const [from, to] = sight();
    for (const [index, node] of shown)
      if (isStale || index < from || index > to) {
        node.remove();
        shown.delete(index);
      }
    isStale = false;
    const fresh = document.createDocumentFragment();
    for (let index = from; index <= to; index++) {
      if (shown.has(index)) continue;
      const node = render(index);
      node.style[across ? "left" : "top"] = `${index * step}px`;
      shown.set(index, node);
      fresh.append(node);
    }
    inner.append(fresh);
    onSight?.(from, to);
  }
  function scrollTo(index) {
    const side = across ? "scrollLeft" : "scrollTop",
      room = across ? root.clientWidth : root.clientHeight;
    const at = index * step;
    wanted = -1;
    if (at < root[side] + step || at + 2 * step > root[side] + room)
      root[side] = Math.max(0, at - room / 2 + step / 2);
  }

  const redraw = eachFrame(() => draw(true));
  root.addEventListener(
    "scroll",
    eachFrame(() => draw(false)),
    { passive: true },
  );
  new ResizeObserver(() => draw(false)).observe(root);
  if (across)
    root.addEventListener(
      "wheel",
      (event) => {
        if (event.deltaX || !event.deltaY) return;
        event.preventDefault();
        root.scrollLeft += event.deltaY;
      },
      { passive: false },
    );

  return {
    root,
    /** Show this many rows, all drawn anew. */
    update(next) {
      if (next !== count) {
        count = next;
        inner.style[across ? "width" : "height"] = `${count * step}px`;
      }
      redraw();
    },
    /** Scroll a row into sight, to the middle when it was out of it. */
    reveal(index) {
      wanted = index;
      if (index >= 0 && root.clientHeight) scrollTo(index);
    },
  };
}
