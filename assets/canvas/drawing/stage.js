// The stacked canvases, picture, annotations and what is in hand: size, view, and when to paint which.

import { el, eachFrame } from "../shell/dom.js";
import { signal } from "../document/signal.js";
import { createIndex } from "./hit.js";
import { createFilter } from "./look.js";
import { paintOverlay } from "./overlay.js";
import { paintPicture } from "./picture.js";
import { createPointer } from "./pointer.js";
import { createRenderer } from "./render.js";
import * as views from "./view.js";

const REST_MS = 120; // the view is at rest this long after its last change

/**
 * @param {object} parts
 * @param {object} parts.tiles  of what is too large or too deep for one bitmap
 * @param {object} parts.windows  which values are shown black and white
 * @param {() => object} parts.tools  the tools, which are made after the stage
 * @param {() => object} parts.proposed  what models propose, as fields of the overlay's scene
 */
export function createStage({ store, classes, selection, settings, tiles, windows, tools, proposed }) {
  const picture = el("canvas.tc-picture"),
    base = el("canvas.tc-base"),
    over = el("canvas.tc-over", { tabindex: 0, role: "application", "aria-label": "Image with annotations" });
  const look = createFilter(),
    root = el("div.tc-stage", {}, look.root, picture, base, over);
  const renderer = createRenderer(base),
    pictureContext = picture.getContext("2d"),
    overContext = over.getContext("2d");
  const viewed = signal(),
    pointed = signal();
  const screen = { width: 0, height: 0 };
  let view = { zoom: 1, x: 0, y: 0 },
    dpr = 1,
    bitmap = null,
    size = null,
    fitted = false,
    baseDirty = true,
    pictureDirty = true,
    baseView = null;
  let palette = { accent: "#4f8cff" };
  let moving = 0, // a timer: the view changed and is not at rest yet
    index = null,
    indexed = -1;
  let moved = new Map(),
    compare = null;
  const stats = { frames: [], basePaints: 0 };

  const hides = (row) => row.status === "rejected" || classes.isHidden(row.class_id) || moved.has(row.id);
  const hovered = () => {
    const row = selection.hover && !selection.has(selection.hover) && store.rows.get(selection.hover);
    return row && !hides(row) ? row : null;
  };
  const selected = () =>
    selection
      .rows()
      .map((row) => moved.get(row.id) ?? row)
      .filter((row) => !classes.isHidden(row.class_id));
  const scene = () => ({
    view,
    screen,
    dpr,
    bitmap,
    size,
    tiles,
    palette,
    classes,
    rows: store.rows.values(),
    labels: settings.get("labels"),
    fill: settings.get("fill"),
    line: settings.get("lineWidth"),
    hides,
    compare,
    cursor: pointer.cursor,
    tool: tools().current,
    selected: selected(),
    hover: hovered(),
    crosshair: settings.get("crosshair") && tools().current.crosshair && !pointer.isTaken,
    ...proposed(),
  });

  const frame = eachFrame(() => {
    const started = performance.now(),
      now = scene();
    if (pictureDirty || baseView !== view) paintPicture(pictureContext, picture, now);
    pictureDirty = false;
    if (baseDirty || baseView !== view) {
      renderer.paint(now, !baseDirty && moving !== 0);
      baseDirty = false;
      baseView = view;
      stats.basePaints += 1;
    }
    paintOverlay(overContext, over, now);
    stats.frames.push(performance.now() - started);
    if (stats.frames.length > 1000) stats.frames.splice(0, 500);
  });
  const paintBase = () => {
    baseDirty = true;
    frame();
  };

  function setView(next, { rest = false } = {}) {
    view = size ? views.keepInSight(next, size, screen) : next;
    clearTimeout(moving);
    moving = rest
      ? 0
      : setTimeout(() => {
          moving = 0;
          paintBase();
        }, REST_MS);
    viewed.emit(view);
    frame();
  }

  function resize() {
    const box = root.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) return; // hidden tab: keep the last size
    dpr = window.devicePixelRatio || 1;
    screen.width = box.width;
    screen.height = box.height;
    for (const canvas of [picture, base, over]) {
      canvas.width = Math.round(box.width * dpr);
      canvas.height = Math.round(box.height * dpr);
    }
    pictureDirty = true;
    if (size && !fitted) api.fit();
    else if (size) setView(view, { rest: true });
    paintBase();
  }

  /** The annotations by place, made anew when the document has changed. */
  function placed() {
    if (indexed !== store.version) {
      index = createIndex(store.rows.values());
      indexed = store.version;
    }
    return index;
  }
  const isShown = (row) => !hides(row);

  /** Show picture and annotations as the settings say. */
  function dress() {
    const [brightness, contrast, gamma] = ["brightness", "contrast", "gamma"].map(settings.get);
    picture.style.filter = look.of({ brightness, contrast, gamma, ...windows.ofEightBits });
    base.style.opacity = String(settings.get("opacity") / 100);
  }
  const stops = [
    settings.subscribe(dress),
    windows.subscribe(dress),
    tiles.subscribe(() => {
      pictureDirty = true;
      frame();
    }),
  ];
  dress();

  const watcher = new ResizeObserver(resize);
  watcher.observe(root);

  const api = {
    root,
    stats,
    frame,
    paintBase,
    setView,
    viewChanged: viewed.subscribe,
    pointerMoved: pointed.subscribe,
    get view() {
      return view;
    },
    get screen() {
      return screen;
    },
    get size() {
      return size;
    },
    get bitmap() {
      return bitmap;
    },
    /** The CSS filter that shows the picture as the person set it. */
    get filter() {
      return picture.style.filter;
    },
    get drawn() {
      return renderer.drawn;
    },
    /** Show a decoded image; the view stays when asked and the size is the same. */
    show(nextBitmap, nextSize, keepView) {
      const stay =
        keepView && size && fitted && nextSize && size.width === nextSize.width && size.height === nextSize.height;
      bitmap = nextBitmap;
      size = nextSize;
      pictureDirty = true;
      moved = new Map();
      compare = null;
      pointer.forget();
      if (size && !stay) {
        fitted = false;
        if (screen.width) api.fit();
      }
      paintBase();
    },
    /** Show a sharper picture of the same image. */
    sharpen(better) {
      bitmap = better;
      pictureDirty = true;
      frame();
    },
    setPalette(next) {
      palette = next;
      paintBase();
    },
    fit() {
      if (size) {
        fitted = true;
        setView(views.fit(size, screen), { rest: true });
        paintBase();
      }
    },
    zoomTo(zoom) {
      if (!size) return;
      const middle = [screen.width / 2, screen.height / 2];
      setView(views.zoomAt(view, middle, zoom / view.zoom));
    },
    zoomBy(factor) {
      api.zoomTo(view.zoom * factor);
    },
    /** Bring an image point into the middle. */
    centre(at) {
      if (size) setView(views.centred(size, screen, view.zoom, at));
    },
    focus(box) {
      if (size) setView(views.around(box, screen));
    },
    /** Bring a box into sight; the view stays where it shows the box, large enough. */
    reveal(box) {
      if (!size || views.shows(view, box, screen)) return;
      const near = views.around(box, screen, views.REVEALED);
      if (near.zoom > views.fit(size, screen).zoom) setView(near);
      else api.fit();
    },
    /** Annotations as they are while being dragged; they leave the base layer until `moveEnds`. */
    setMoved(rows) {
      const first = moved.size === 0;
      moved = new Map(rows.map((row) => [row.id, row]));
      if (first) baseDirty = true;
      frame();
    },
    moveEnds() {
      if (moved.size) {
        moved = new Map();
        paintBase();
      }
    },
    setCompare(rows) {
      compare = rows;
      frame();
    },
    cursorStyle: () => pointer.style(),
    hold: (isHeld) => pointer.hold(isHeld),
    /** Is an image point on the open image? */
    isInside: ([x, y]) => Boolean(size) && x >= 0 && y >= 0 && x <= size.width && y <= size.height,
    /** The smallest visible annotation at an image point. */
    hit: (at) => placed().at(at, isShown),
    /** The visible annotations that meet a box. */
    inside: (box) => placed().inside(box, isShown),
    destroy() {
      watcher.disconnect();
      for (const stop of stops) stop();
      clearTimeout(moving);
    },
  };
  const pointer = createPointer(over, { look: api, tools, selection, pointed: pointed.emit });
  return api;
}
