// The canvas's neighbours in the page: theme, free height, being on screen.

export const isDark = () => document.body.classList.contains("dark");

/** Call back when the theme changes. @returns {() => void} stop */
export function watchTheme(f) {
  const watcher = new MutationObserver(f);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  return () => watcher.disconnect();
}

/** Call back whenever an element comes back on screen after its tab was hidden. @returns {() => void} stop */
export function onReturn(element, f) {
  let away = false;
  const watcher = new ResizeObserver(([{ contentRect }]) => {
    if (away && contentRect.width > 0) f();
    away = contentRect.width === 0;
  });
  watcher.observe(element);
  return () => watcher.disconnect();
}

const LEAST = 420;

/** Let an element fill the window below its own top edge; it has no height of its own, so this cannot loop. */
export function fillHeight(element) {
  const size = () => {
    const { top, width } = element.getBoundingClientRect();
    if (width > 0) element.style.height = `${Math.max(LEAST, Math.floor(window.innerHeight - Math.max(0, top)))}px`;
  };
  const watcher = new ResizeObserver(size);
  watcher.observe(element.parentElement);
  window.addEventListener("resize", size);
  size();
  return () => {
    watcher.disconnect();
    window.removeEventListener("resize", size);
  };
}
