// What panels of the tabs tell the server: presses on `data-act` elements, and what fields hold. See h.panel in tabs/_parts/html.py.
(() => {
  const listen = (element, trigger) => {
    const picked = (node, extra) => trigger("begins" in node.dataset ? "begin" : "pick", { ...node.dataset, ...extra });
    const reach = (event) => event.target.closest?.("[data-act]");
    const isField = (node) => node.matches("input, select, textarea");
    const place = (node, event) => {
      if (!node.hasAttribute("data-place")) return {};
      const box = node.getBoundingClientRect();
      return { across: (event.clientX - box.left) / box.width, down: (event.clientY - box.top) / box.height };
    };
    element.addEventListener("click", (event) => {
      const node = reach(event);
      const field = node && node.dataset.field && element.querySelector(node.dataset.field);
      if (node && !isField(node) && !node.hasAttribute("disabled")) picked(node, field ? { value: field.value } : place(node, event));
    });
    // What is drawn anew between press and release gets no click from the browser: the same button in its place gets it then.
    let pressed = null;
    const button = (event) => event.target.closest?.("button, [data-act]");
    element.addEventListener("pointerdown", (event) => {
      const node = button(event);
      pressed = node && { node, drawn: node.outerHTML };
    });
    element.addEventListener("pointerup", (event) => {
      const node = button(event);
      if (pressed && node && !pressed.node.isConnected && node.outerHTML === pressed.drawn) node.click();
      pressed = null;
    });
    element.addEventListener("change", (event) => {
      const node = reach(event);
      if (node && isField(node)) picked(node, { value: node.type === "checkbox" ? String(node.checked) : node.value });
    });
    const keepInSight = () => {
      const row = element.querySelector(".t-table tr.on"), box = row && row.closest(".t-table");
      if (!box) return;
      const head = box.querySelector("thead")?.offsetHeight ?? 0, above = row.offsetTop - head;
      if (above < box.scrollTop || row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = above;
    };
    new MutationObserver(keepInSight).observe(element, { childList: true, subtree: true });
    element.addEventListener("keydown", (event) => {
      const node = reach(event);
      if (node && event.key === "Enter" && node.matches("tr, g")) picked(node, {});
    });
  };
  window.tator = Object.assign(window.tator || {}, { listen });
})();
