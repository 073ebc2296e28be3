// A small map of the image while only a part of it is in sight, or while it is large. A click or drag moves the view.

import { el } from "../shell/dom.js";
import { clamp } from "../drawing/geometry.js";
import { isLarge } from "../drawing/bitmaps.js";
import { visibleBox } from "../drawing/view.js";

const WIDE = 168,
  HIGH = 132, // screen pixels at most
  STEP = 0.25; // of the screen that an arrow key moves the view

/** The size of the map of an image, and its screen pixels per image pixel. */
export function mapOf({ width, height }) {
  const scale = Math.min(WIDE / width, HIGH / height);
  return { scale, width: Math.max(Math.round(width * scale), 8), height: Math.max(Math.round(height * scale), 8) };
}

/** The part in sight of an image, in image pixels; null when that is all of it. */
export function partInSight(view, screen, { width, height }) {
  const [x1, y1, x2, y2] = visibleBox(view, screen);
  if (x1 <= 0 && y1 <= 0 && x2 >= width && y2 >= height) return null;
  return [clamp(x1, 0, width), clamp(y1, 0, height), clamp(x2, 0, width), clamp(y2, 0, height)];
}

export function createMinimap({ stage, settings }) {
  const map = el("canvas"),
    inView = el("div.tc-inview");
  const root = el(
    "div.tc-minimap",
    {
      hidden: true,
      tabindex: 0,
      role: "application",
      "aria-label": "Minimap: arrow keys move the view",
      title: "Minimap: click or drag moves the view (Shift K hides it)",
      dataset: { takes: "arrows" },
      onpointerdown(event) {
        root.setPointerCapture(event.pointerId);
        go(event);
      },
      onpointermove: (event) => root.hasPointerCapture(event.pointerId) && go(event),
      onkeydown: press,
    },
    map,
    inView,
  );
  let drawn = null; // the bitmap that the map shows

  function go({ clientX, clientY }) {
    const box = map.getBoundingClientRect(),
      { width, height } = stage.size;
    stage.centre([((clientX - box.left) / box.width) * width, ((clientY - box.top) / box.height) * height]);
  }

  function press(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const { view, screen } = stage,
      [x1, y1, x2, y2] = visibleBox(view, screen);
    stage.centre([(x1 + x2) / 2 + way[0] * STEP * (x2 - x1), (y1 + y2) / 2 + way[1] * STEP * (y2 - y1)]);
  }

  function paint() {
    const { bitmap, size } = stage,
      { width, height } = mapOf(size),
      dpr = window.devicePixelRatio || 1;
    map.width = Math.round(width * dpr);
    map.height = Math.round(height * dpr);
    map.style.width = `${width}px`;
    map.style.height = `${height}px`;
    const g = map.getContext("2d");
    g.imageSmoothingQuality = "high";
    g.drawImage(bitmap, 0, 0, map.width, map.height);
    drawn = bitmap;
  }

  function follow() {
    const { size, bitmap, view, screen } = stage,
      part = size && partInSight(view, screen, size);
    root.hidden = !bitmap || !settings.get("minimap") || !(part || isLarge(size));
    if (root.hidden) return;
    if (drawn !== bitmap) paint();
    const { scale } = mapOf(size),
      [x1, y1, x2, y2] = part ?? [0, 0, size.width, size.height];
    Object.assign(inView.style, {
      left: `${x1 * scale}px`,
      top: `${y1 * scale}px`,
      width: `${Math.max((x2 - x1) * scale, 4)}px`,
      height: `${Math.max((y2 - y1) * scale, 4)}px`,
    });
  }
  settings.subscribe(() => {
    map.style.filter = stage.filter;
    follow();
  });
  return {
    root,
    follow,
    /** Another image is open. */
    draw() {
      drawn = null;
      map.style.filter = stage.filter;
      follow();
    },
  };
}
