// The two stacked canvases: size, view, pointer, wheel, and when to paint which.

import { el, eachFrame } from "../shell/dom.js";
import { createRenderer } from "./render.js";
import { paintOverlay } from "./overlay.js";
import { createIndex } from "./hit.js";
import { signal } from "../document/signal.js";
import * as views from "./view.js";

const REST_MS = 120; // the view is at rest this long after its last change

/** @param {object} app  the parts of the canvas, see main.js; reads store, classes, selection, settings, tools */
export function createStage(app) {
  const base = el("canvas.tc-base"),
    over = el("canvas.tc-over", { tabindex: 0, role: "application", "aria-label": "Image with annotations" });
  const root = el("div.tc-stage", {}, base, over);
  const renderer = createRenderer(base),
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
    baseView = null;
  let palette = { stage: "#0e1016", accent: "#4f8cff" };
  let cursor = null,
    panning = null,
    held = false,
    moving = 0,
    index = null,
    indexed = -1;
  let moved = new Map(),
    compare = null;
  const stats = { frames: [], basePaints: 0 };

  const scene = () => ({
    view,
    screen,
    dpr,
    bitmap,
    palette,
    classes: app.classes,
    rows: app.store.rows.values(),
    labels: app.settings.get("labels"),
    fill: app.settings.get("fill"),
    hides,
    compare,
    cursor,
    tool: app.tools.current,
    draft: app.assist.draft,
    found: app.finds.shown(),
    foundHover: app.finds.hover,
    foundColor: app.classes.current.color,
    preview: app.preview.isOpen ? app.preview : null,
    simplified: app.simplify.isOpen,
    selected: app.selection
      .rows()
      .map((row) => moved.get(row.id) ?? row)
      .filter((row) => !app.classes.isHidden(row.class_id)),
    hover: hovered(),
    crosshair: app.settings.get("crosshair") && app.tools.current.crosshair && !panning && !held,
  });
  const hides = (row) => row.status === "rejected" || app.classes.isHidden(row.class_id) || moved.has(row.id);
  const hovered = () => {
    const row =
      app.selection.hover && !app.selection.has(app.selection.hover) && app.store.rows.get(app.selection.hover);
    return row && !hides(row) ? row : null;
  };

  const frame = eachFrame(() => {
    const started = performance.now(),
      now = scene();
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
    for (const canvas of [base, over]) {
      canvas.width = Math.round(box.width * dpr);
      canvas.height = Math.round(box.height * dpr);
    }
    if (size && !fitted) api.fit();
    else if (size) setView(view, { rest: true });
    paintBase();
  }

  const screenAt = (event) => {
    const r = over.getBoundingClientRect();
    return [event.clientX - r.left, event.clientY - r.top];
  };
  const pointer = (event) => {
    const at = screenAt(event);
    return {
      screen: at,
      time: event.timeStamp,
      at: views.toImage(view, at),
      shift: event.shiftKey,
      ctrl: event.ctrlKey || event.metaKey,
      alt: event.altKey,
    };
  };

  function down(event) {
    over.focus({ preventScroll: true });
    if (!size) return;
    over.setPointerCapture(event.pointerId);
    if (event.button === 1 || event.button === 2 || held || app.tools.current.id === "pan") {
      panning = { from: screenAt(event), view };
      cursorStyle();
      return;
    }
    if (event.button === 0) app.tools.down(pointer(event));
    frame();
  }
  function move(event) {
    if (!size) return;
    const now = pointer(event);
    cursor = now.at;
    if (panning) setView(views.panBy(panning.view, now.screen[0] - panning.from[0], now.screen[1] - panning.from[1]));
    else app.tools.move(now);
    pointed.emit(cursor);
    cursorStyle(now);
    frame();
  }
  function up(event) {
    if (panning) {
      panning = null;
      cursorStyle();
    } else if (event.button === 0) app.tools.up(pointer(event));
    frame();
  }
  function lost() {
    panning = null;
    app.tools.cancel();
    frame();
  }
  function cursorStyle(now = null) {
    over.style.cursor = panning
      ? "grabbing"
      : held || app.tools.current.id === "pan"
        ? "grab"
        : (app.tools.current.cursor?.(now) ?? "crosshair");
  }
  function wheel(event) {
    event.preventDefault();
    if (!size) return;
    if (event.altKey && app.tools.current.onWheel) {
      app.tools.current.onWheel(event);
      return;
    }
    if (event.shiftKey && !event.ctrlKey) return setView(views.panBy(view, -(event.deltaX || event.deltaY), 0));
    setView(views.zoomAt(view, screenAt(event), views.wheelFactor(event)));
  }

  over.addEventListener("pointerdown", down);
  over.addEventListener("pointermove", move);
  over.addEventListener("pointerup", up);
  over.addEventListener("pointercancel", lost);
  over.addEventListener("pointerleave", () => {
    cursor = null;
    app.selection.setHover(null);
    pointed.emit(null);
    frame();
  });
  over.addEventListener("contextmenu", (event) => event.preventDefault());
  over.addEventListener("mousedown", (event) => {
    if (event.button === 1) event.preventDefault();
  }); // no autoscroll
  over.addEventListener("auxclick", (event) => event.preventDefault());
  over.addEventListener("wheel", wheel, { passive: false });
  const watcher = new ResizeObserver(resize);
  watcher.observe(root);

  const api = {
    root,
    stats,
    frame,
    paintBase,
    cursorStyle,
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
    get drawn() {
      return renderer.drawn;
    },
    /** Show a decoded image; the view stays when asked and the size is the same. */
    show(nextBitmap, nextSize, keepView) {
      const stay =
        keepView && size && fitted && nextSize && size.width === nextSize.width && size.height === nextSize.height;
      bitmap = nextBitmap;
      size = nextSize;
      moved = new Map();
      compare = null;
      cursor = null;
      if (size && !stay) {
        fitted = false;
        if (screen.width) api.fit();
      }
      paintBase();
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
    focus(box) {
      if (size) setView(views.around(box, screen));
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
    hold(isHeld) {
      if (held !== isHeld) {
        held = isHeld;
        cursorStyle();
        frame();
      }
    },
    get isPanning() {
      return panning !== null;
    },
    /** The smallest visible annotation at an image point. */
    hit(at) {
      if (indexed !== app.store.version) {
        index = createIndex(app.store.rows.values());
        indexed = app.store.version;
      }
      return index.at(at, (row) => !hides(row));
    },
    inside(box) {
      api.hit([0, 0]);
      return index.inside(box, (row) => !hides(row));
    },
    destroy() {
      watcher.disconnect();
      clearTimeout(moving);
    },
  };
  return api;
}
