// The window's own script: theme, page identity, and buttons that show another tab or image.
(() => {
  const KEY = "tator-theme";
  const asked = new URLSearchParams(location.search).get("__theme");
  const recall = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* private mode: not remembered */ } };
  let theme = ["dark", "light"].includes(asked) ? asked : recall() || "dark";

  const paint = () => {
    document.documentElement.dataset.theme = theme;
    if (document.body && document.body.classList.contains("dark") !== (theme === "dark")) {
      document.body.classList.toggle("dark", theme === "dark");
    }
  };
  const setTheme = (next) => { theme = next; keep(next); paint(); };

  const tabButton = (name) => [...document.querySelectorAll(`#tab-${CSS.escape(name)}-button`)].find((node) => node.offsetParent);
  // In a narrow window Gradio folds tabs into a menu, whose buttons have titles and no names.
  const foldedButton = (name) => {
    const folded = [...(document.querySelector(".tab-wrapper")?.querySelectorAll(".overflow-dropdown button") ?? [])];
    return folded.find((node) => node.textContent.trim() === window.tator.tabs[name]);
  };
  const showTab = (name) => { const button = tabButton(name) ?? foldedButton(name); button?.click(); return Boolean(button); };
  const later = (ready, act, tries = 100) => {
    if (ready()) act(); else if (tries > 0) setTimeout(later, 50, ready, act, tries - 1);
  };
  const openImage = (dataset, imageId) => {
    showTab("label");
    later(() => window.tator.openImage, () => window.tator.openImage(dataset, Number(imageId)));  // the canvas puts it there
  };

  window.tator = Object.assign(window.tator || {}, { showImage: openImage, pageId: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()), showTab, setTheme });
  paint();
  document.addEventListener("DOMContentLoaded", () => {
    paint();
    new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  });
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("[data-theme-switch]")) setTheme(theme === "dark" ? "light" : "dark");
    const goto = event.target.closest("[data-goto]");
    if (goto) showTab(goto.dataset.goto);
    const focus = event.target.closest("[data-focus]");
    if (focus) document.querySelector(focus.dataset.focus)?.focus();
    const press = event.target.closest("[data-press]");
    if (press) document.querySelector(press.dataset.press)?.click();
    const image = event.target.closest("[data-open-image]");
    if (image) openImage(image.dataset.dataset, image.dataset.openImage);
  });
})();
