// Choices a person makes in the canvas, kept in this browser.

import { signal } from "./signal.js";

const KEY = "tator:settings";
const DEFAULTS = {
  keepZoom: false, // next image at the same place and zoom
  labels: "auto", // class names on boxes: auto (when few are in sight), always, never
  fill: true, // tint boxes
  crosshair: true,
  autoClass: false, // the active head names each new box
  minMargin: 0.2, // a class is given when top-1 minus top-2 is at least this
  segmenter: "", // for the tweak and the point; "" = the server's default
  masker: "", // for masks from boxes and points
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
    /** The last image open in a dataset. */
    lastImage: (dataset) => (values.last ?? {})[dataset] ?? null,
    rememberImage(dataset, id) {
      values.last = { ...values.last, [dataset]: id };
      save();
    },
  };
}
