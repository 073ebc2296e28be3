// The window of the open image: the values that are shown black and white. Deep images are shown by the server, over their
// stored values; 8 bits by the browser. A window is remembered for the dataset's images of a kind, or for one image.

import { signal } from "../document/signal.js";
import { isLarge } from "./bitmaps.js";
import { countsOf, nearlyAll } from "./histogram.js";

const SOON_MS = 80, // after the last change of a window: what is dragged changes it with every move
  MOST_IMAGES = 500; // windows of single images that are remembered

/**
 * @typedef {{kind: string, lowest: number, highest: number, low: number, high: number, counts: number[], isDeep: boolean, isOwn: boolean}} Shown
 *
 * @param {object} parts
 * @param {object} parts.tiles  shows what is too large or too deep for one bitmap
 * @param {object} parts.pending  lists what takes a while
 */
export function createWindows({ call, settings, images, tiles, pending, tell }) {
  const changed = signal();
  let image = null, // {id, width, height}
    bitmap = null,
    facts = null, // from image_pyramid
    counts = null, // of an image of 8 bits
    asking = null, // the image that the server is asked about
    isWatched = false,
    soon = 0;

  const kept = () => settings.get("windows");
  const keys = () => ({ image: `i:${image.id}`, dataset: `d:${images.dataset}:${facts.kind ?? "uint8"}` });
  /** Must the server say what the open image holds? */
  const isAsked = () =>
    image !== null &&
    (isLarge(image) ||
    isWatched ||
    Object.keys(kept()).some((key) => key === `i:${image.id}` || key.startsWith(`d:${images.dataset}:`)));
  const chosen = () => {
    if (!facts) return null;
    const { image: one, dataset: all } = keys(),
      found = kept()[one] ?? kept()[all];
    return found ? { low: found[0], high: found[1] } : null;
  };

  async function load(must = isAsked()) {
    if (!image || facts || asking === image || !must) return;
    const mine = image, // as it was opened now: an earlier request for it may have been cancelled
      { id } = mine,
      ask = () => call("image_pyramid", { image_id: id }),
      slow = { label: "Preparing the large image", imageId: id, group: "tiles" };
    asking = mine;
    try {
      const found = await (isLarge(image) ? pending.run(slow, ask, () => image?.id) : ask());
      if (image !== mine || !found) return;
      facts = found;
      apply();
    } catch (error) {
      if (image === mine) tell(error);
    } finally {
      if (asking === mine) asking = null;
    }
  }

  function apply() {
    if (!image || !facts) return;
    const window = facts.depth ? chosen() : null;
    if (facts.tile && (window || isLarge(image))) tiles.open(image.id, facts, window);
    else tiles.close();
    changed.emit();
  }

  /** Remember a window, or forget it: null. */
  function keep(window) {
    const { image: one, dataset: all } = keys(),
      { [one]: _, ...rest } = kept();
    const isOfAll = settings.get("windowFor") === "dataset";
    if (isOfAll || !window) delete rest[all];
    if (window) rest[isOfAll ? all : one] = window;
    const ofImages = Object.keys(rest).filter((key) => key.startsWith("i:"));
    for (const key of ofImages.slice(0, Math.max(ofImages.length - MOST_IMAGES, 0))) delete rest[key];
    settings.set("windows", rest);
  }

  settings.subscribe((name) => {
    if (name !== "windows") return;
    clearTimeout(soon);
    soon = setTimeout(apply, SOON_MS);
    load();
    changed.emit();
  });

  return {
    subscribe: changed.subscribe,
    /** Another image is open; null for none. */
    show(next, nextBitmap) {
      clearTimeout(soon);
      tiles.close();
      [image, bitmap, facts, counts] = [next, nextBitmap, null, null];
      changed.emit();
      load();
    },
    /** Somebody looks at the values, or no longer. */
    watch(watches) {
      isWatched = watches;
      load();
    },
    /** What is shown of an image of 8 bits: {low, high}, or nothing where that is everything. */
    get ofEightBits() {
      return facts && !facts.depth ? (chosen() ?? {}) : {};
    },
    /** @returns {?Shown} null while nothing is known */
    get shown() {
      if (!facts || !image) return null;
      const now = chosen();
      if (facts.depth) return { kind: facts.kind, isDeep: true, isOwn: !now, ...facts.depth, ...now };
      counts ??= countsOf(bitmap);
      return { kind: "uint8", isDeep: false, isOwn: !now, lowest: 0, highest: 255, low: 0, high: 255, counts, ...now };
    },
    /** Show values from low to high; two numbers in order, else nothing changes. */
    set(low, high) {
      if (facts && Number.isFinite(high - low) && low < high) keep([low, high]);
    },
    /** Show what nearly all values lie in: a deep image's own range, and of 8 bits what was counted. */
    async auto() {
      await load(true);
      if (facts) keep(facts.depth ? null : nearlyAll(this.shown.counts));
    },
    /** Show every value that is there. */
    full() {
      if (!facts) return;
      const { isDeep, lowest, highest } = this.shown;
      keep(isDeep && lowest < highest ? [lowest, highest] : null);
    },
  };
}
