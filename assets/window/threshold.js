// The slider of an evaluation: the counts of every class at every score stand in the page, so moving it asks nobody.
(() => {
  const known = new WeakMap();
  const number = (value) => value.toLocaleString("en");
  const percent = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "–");

  function move(frame, slider) {
    if (!known.has(frame)) known.set(frame, JSON.parse(frame.dataset.counts));
    const { counts, steps } = known.get(frame), step = Number(slider.value), score = (step / steps).toFixed(2);
    frame.querySelector("[data-value]").textContent = score;
    for (const button of frame.querySelectorAll("[data-at]")) button.dataset.at = score;
    frame.querySelectorAll("tbody tr").forEach((row, at) => {
      const { gt, tp, pred } = counts[at], right = tp[step], all = pred[step];
      const shown = [number(gt), number(all), number(right), number(all - right), number(gt - right),
        percent(right, all), percent(right, gt), percent(2 * right, gt + all)];
      shown.forEach((text, cell) => { row.cells[cell + 1].textContent = text; });
    });
    for (const mark of frame.querySelectorAll("[data-mark]")) {
      const x = Number(mark.dataset.left) + (step / steps) * Number(mark.dataset.span);
      mark.setAttribute("x1", x);
      mark.setAttribute("x2", x);
    }
  }

  // Drawn anew, the frame may keep its slider where it was dragged to.
  const redrawn = (changes) => {
    for (const { target } of changes) {
      known.delete(target);
      const slider = target.querySelector("[data-slider]");
      slider.value = slider.getAttribute("value");
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(redrawn).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-counts"] });
  });

  document.addEventListener("input", (event) => {
    const slider = event.target.closest?.("[data-slider]"), frame = slider?.closest("[data-counts]");
    if (frame) move(frame, slider);
  });
})();
