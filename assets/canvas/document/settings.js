// Choices a person makes in the canvas, kept in this browser.

import { signal } from "./signal.js";

const KEY = "tator:settings";
const DEFAULTS = {
  keepZoom: false, // next image at the same place and zoom
  labels: "auto", // class names on boxes: auto (when few are in sight), always, never
  fill: true, // tint boxes
  crosshair: true,
  brightness: 0, // of the picture as it is shown, in percent; its file stays as it is
  contrast: 0, // in percent; 25 double the slope
  gamma: 1,
  opacity: 100, // of the shapes, in percent
  lineWidth: 1.6, // of outlines, in screen pixels
  windows: {}, // values shown black and white: "d:<dataset>:<kind>" or "i:<image id>" -> [low, high]
  windowFor: "dataset", // what a new window is remembered for: dataset or image
  minimap: true, // a small map of the image while a part of it is in sight
  autoClass: false, // the active head names each new box
  minMargin: 0.2, // a class is given when top-1 minus top-2 is at least this
  segmenter: "", // model for the tweak, the tight box and the point; "" = the best one here
  masker: "", // model for masks from boxes and points
  keepMasks: false, // tight boxes, points and found objects keep the model's mask as polygons
  tolerance: 1, // how far polygons may lie from a mask's edge, in pixels
  fillHoles: false, // masks of models lose their holes
  simplify: 2, // how far simplified polygons may lie from what they were, in pixels
  brush: 12, // radius in image pixels
  finder: "", // model for phrases and examples
  findText: "", // the phrases asked for last
  findConf: 0.4, // candidates below are not shown
  findClass: "current", // class of what is taken: current, phrase (named like it), head
  findUsed: false, // phrases or examples were asked for: their model is worth encoding ahead
};

/** @param {Storage} storage */
export function createSettings(storage) {
  const changed = signal();
  let kept = {};
  try {
    kept = JSON.parse(storage.getItem(KEY) ?? "{}");
  } catch {
    kept = {};
  }
  const values = { ...DEFAULTS, ...kept };
  const save = () => {
    try {
      storage.setItem(KEY, JSON.stringify(values));
    } catch {
      /* private mode: kept for this page */
    }
  };
  return {
    get: (name) => values[name],
    set(name, value) {
      if (values[name] !== value) {
        values[name] = value;
        save();
        changed.emit(name, value);
      }
    },
    toggle(name) {
      this.set(name, !values[name]);
      return values[name];
    },
    subscribe: changed.subscribe,
    isDefault: (name) => JSON.stringify(values[name]) === JSON.stringify(DEFAULTS[name]),
    /** Give settings back what they were at first. @param {string[]} names */
    reset(names) {
      for (const name of names) if (!this.isDefault(name)) this.set(name, DEFAULTS[name]);
    },
    /** The last image open in a dataset. */
    lastImage: (dataset) => new Map(Object.entries(values.last ?? {})).get(dataset) ?? null,
    rememberImage(dataset, id) {
      values.last = { ...values.last, [dataset]: id };
      save();
    },
  };
}
