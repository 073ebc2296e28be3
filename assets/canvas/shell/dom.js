// Elements without innerHTML: class names, paths and messages are other people's text.

/**
 * @param {string} tag  "div.class.other"
 * @param {object} props  attributes; on<event> are listeners, `text` the text, dataset an object
 */
export function el(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") node.textContent = value;
    else if (key === "dataset") Object.assign(node.dataset, value);
    else if (key === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && typeof value !== "string") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** A 24-pixel line icon by name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("tc-icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? ICONS.dot);
  svg.append(path);
  return svg;
}

const ICONS = {
  select: "M6 3.5l12.5 8.200-5.700 1.300-2.600 6z",
  draw_box: "M4 7h16v10H4zM2.5 5.5h3v3h-3zM18.5 5.5h3v3h-3zM2.5 15.5h3v3h-3zM18.5 15.5h3v3h-3z",
  smart_box:
    "M4 4h4M4 4v4M20 4h-4M20 4v4M4 20h4M4 20v-4M20 20h-4M20 20v-4M12 7.5l1.300 3.200 3.200 1.300-3.200 1.300L12 16.5l-1.300-3.200L7.5 12l3.200-1.300z",
  point: "M12 9.200a2.800 2.800 0 1 0 .01 0M12 2.5v4M12 17.5v4M2.5 12h4M17.5 12h4",
  multi_point: "M7 5.5v5M4.5 8h5M14.5 8h5M7 17.5a1 1 0 1 0 .01 0M17 16.5c-1 3-5 3.5-6 1M13.5 12.5c3-1 5.5 1 5 3",
  draw_polygon: "M5 8.5L13 4l6.500 6.500-3 8.500-10-1.500zM13 4v.1M5 8.500v.1",
  edit_polygon:
    "M6.500 15.500L5.500 10M8 7.500l4-2M15.500 6.500l3 3M18.500 12.500l-1.500 4.500M14 19l-5.500-1.500M4 7.500h3v3H4zM12.500 3.500h3v3h-3zM18 9.500h3v3h-3zM14 17.500h3v3h-3zM5.500 15.500h3v3h-3z",
  draw_turned: "M4.500 11L12 4l7.500 9-7.500 7zM17 4.500a4 4 0 0 1 3 4",
  key_points:
    "M12 4.500a1.800 1.800 0 1 0 .01 0M5.500 15a1.800 1.800 0 1 0 .01 0M18.500 15a1.800 1.800 0 1 0 .01 0M11 8l-4.500 6.500M13 8l4.500 6.500M7.500 17h9",
  brush:
    "M20 4c-3 1-8 5.500-9.500 8l1.500 1.500C14.500 12 19 7 20 4zM9.500 13.500c-3 0-3.500 2-3.500 4 0 1-1 2-2.500 2 4 1.500 8.500.5 8.500-3.500z",
  eraser: "M14 5l6 6-8.500 8.500H8L4 15.500zM9 10l6 6M11.500 19.500H20",
  exemplar: "M4 4h7v7H4zM13 13h7v7h-7zM15 6.500h4M17 4.500v4M6.500 14.500v4M4.500 16.500h4",
  pan: "M12 3v18M3 12h18M12 3L9.5 5.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5",
  undo: "M8.5 5L4 9.5 8.5 14M4 9.5h10a5.5 5.5 0 0 1 0 11h-3",
  redo: "M15.5 5L20 9.5 15.5 14M20 9.5H10a5.5 5.5 0 0 0 0 11h3",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  help: "M9 9.5a3 3 0 1 1 4.5 2.600c-1 .6-1.5 1.200-1.5 2.400M12 18.200v.1",
  command: "M5 7l4 5-4 5M12 17h7",
  eye: "M2.5 12s3.5-6.5 9.5-6.5S21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 1 0 .01 0",
  eye_off:
    "M4 4l16 16M9.900 5.800A9.5 9.5 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a16 16 0 0 1-3 3.700M6 7.5A15.5 15.5 0 0 0 2.5 12s3.5 6.5 9.5 6.5a9 9 0 0 0 4-.9",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  search: "M10.5 4a6.5 6.5 0 1 0 .01 0M15.5 15.5L20.5 20.5",
  check: "M4.5 12.5l5 5L19.5 7",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  prev: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  skip: "M5 5l7 7-7 7M14 5v14M19 5v14",
  copy: "M8 8h12v12H8zM4 16V4h12",
  wand: "M4 20L14.5 9.5M17 3v4M15 5h4M19.5 10.5v3M18 12h3M9.5 3v3M8 4.5h3",
  tag: "M3.5 11.5v-8h8l9 9-8 8zM8 8v.1",
  mask: "M12 4c5 0 8 2.5 8 7.5S16 20 12 20s-8-3.5-8-8.5S7 4 12 4zM8 11c1.5-1 3-1 4 0M13 15c1-.8 2-.8 3 0",
  images: "M4 6h16v12H4zM4 15l5-4 4 3 3-2 4 3M9 9.200v.1",
  alert: "M12 4l9 16H3zM12 10v4.5M12 17.300v.1",
  review: "M4 6h9v9H4zM16 6.500h4.500M16 10.500h4.500M7 18.500l2.500 2.500L15 15.500",
  trash: "M5 7h14M9.5 7V4.5h5V7M7 7l1 13h8l1-13",
  dot: "M12 11v2",
};

/** Replace what an element holds. */
export const fill = (node, ...children) => {
  node.replaceChildren(...children.flat().filter(Boolean));
  return node;
};

const DOUBLE_MS = 400;

/**
 * A test for the second click on the same thing; the browser forgets the first one when a redraw came between.
 * `at` is the event's time: when it happened, not when a busy page got to it.
 */
export function doubleClick() {
  let last = null,
    before = 0;
  return (id, at) => {
    const twice = id === last && at - before < DOUBLE_MS;
    last = twice ? null : id;
    before = at;
    return twice;
  };
}

/** Run `f` once per frame however often it is asked for. */
export function eachFrame(f) {
  let waiting = 0;
  return () => {
    if (!waiting)
      waiting = requestAnimationFrame(() => {
        waiting = 0;
        f();
      });
  };
}
