// Tiles of a large image, or of a deep one through a window: fetched as they come into sight, few at a time, some kept.
// Tiles lie over the small picture that is shown meanwhile; where one is missing, what a coarser level has stands in.

import { signal } from "../document/signal.js";
import { urls } from "../document/urls.js";
import { clamp } from "./geometry.js";
import { visibleBox } from "./view.js";

const AT_ONCE = 4, // requests: a browser has six for a server, and saving must not wait
  KEEP = 192, // tiles of a megabyte each, unless more are in sight
  AGAIN_MS = 5_000; // a tile that failed is asked for again

/** @typedef {{tile: number, levels: number, width: number, height: number, version: string}} Facts  from image_pyramid */

/** The coarsest level that has a pixel for each of the screen's. `scale` = the screen's pixels per image pixel. */
export const levelFor = (scale, levels) => clamp(Math.floor(Math.log2(1 / scale)), 0, levels - 1);

/** The tiles of a level that meet a box of image pixels, those near its middle first. @returns {[number, number, number][]} level, x, y */
export function tilesIn([x1, y1, x2, y2], { tile, width, height }, level) {
  const span = tile * 2 ** level,
    last = [Math.ceil(width / span) - 1, Math.ceil(height / span) - 1];
  const [left, top] = [Math.max(Math.floor(x1 / span), 0), Math.max(Math.floor(y1 / span), 0)];
  const [right, bottom] = [
    Math.min(Math.ceil(x2 / span) - 1, last[0]),
    Math.min(Math.ceil(y2 / span) - 1, last[1]),
  ];
  const [mx, my] = [(x1 + x2) / 2 / span - 0.5, (y1 + y2) / 2 / span - 0.5],
    found = [];
  for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) found.push([level, x, y]);
  return found.sort((a, b) => Math.hypot(a[1] - mx, a[2] - my) - Math.hypot(b[1] - mx, b[2] - my));
}

/** What stands in for a tile: the nearest of coarser levels, and where in it the tile lies. Null when there is none. */
export function standIn([level, x, y], levels, find) {
  for (let up = 1; level + up < levels; up++) {
    const found = find([level + up, x >> up, y >> up]);
    if (found) return { found, share: 2 ** -up, at: [x - ((x >> up) << up), y - ((y >> up) << up)] };
  }
  return null;
}

async function fetchBitmap(url, stop) {
  const answer = await fetch(url, { signal: stop });
  if (!answer.ok) throw new Error(`The server did not give a part of the picture (${answer.status}).`);
  return createImageBitmap(await answer.blob());
}

/**
 * @param {{tell: (error: Error) => void, fetchTile?: (url: string, stop: AbortSignal) => Promise<ImageBitmap>}} parts
 */
export function createTiles({ tell, fetchTile = fetchBitmap }) {
  const changed = signal(),
    held = new Map(), // "level/x/y" -> {bitmap, window}, newest last
    asked = new Map(), // "level/x/y" -> AbortController
    failed = new Map(); // "level/x/y" -> when
  let open = null, // {id, facts, window: ?{low, high}}
    wanted = [],
    hasTold = false;

  const nameOf = (place) => place.join("/");
  const windowName = () => (open.window ? `${open.window.low}..${open.window.high}` : "");
  const find = (place) => held.get(nameOf(place));
  const isThere = (place) => find(place)?.window === windowName();
  const isPut = (name) => performance.now() - (failed.get(name) ?? -Infinity) < AGAIN_MS;

  function close() {
    for (const stop of asked.values()) stop.abort();
    for (const { bitmap } of held.values()) bitmap.close();
    for (const map of [held, asked, failed]) map.clear();
    open = null;
    wanted = [];
    hasTold = false;
  }

  /** Ask for what is wanted and not here, and no more for what is not wanted. */
  function ask() {
    const names = new Set(wanted.map(nameOf));
    for (const [name, stop] of asked)
      if (!names.has(name)) {
        asked.delete(name);
        stop.abort();
      }
    for (const place of wanted) {
      if (asked.size >= AT_ONCE) return;
      const name = nameOf(place);
      if (!isThere(place) && !asked.has(name) && !isPut(name)) fetchOne(name, place);
    }
  }

  async function fetchOne(name, [level, x, y]) {
    const mine = open,
      stop = new AbortController(),
      window = windowName();
    asked.set(name, stop);
    try {
      const bitmap = await fetchTile(urls.tile(mine.id, { level, x, y, ...mine.facts, ...mine.window }), stop.signal);
      if (open !== mine || stop.signal.aborted) return bitmap.close();
      keep(name, { bitmap, window });
      changed.emit();
    } catch (error) {
      if (stop.signal.aborted || open !== mine) return;
      failed.set(name, performance.now());
      if (!hasTold) tell(error);
      hasTold = true;
    } finally {
      if (asked.get(name) === stop) asked.delete(name);
      if (open === mine) ask();
    }
  }

  function keep(name, entry) {
    held.get(name)?.bitmap.close();
    held.delete(name);
    held.set(name, entry);
    const needed = new Set(wanted.map(nameOf));
    for (const [old, { bitmap }] of held) {
      if (held.size <= KEEP) break;
      if (needed.has(old)) continue;
      bitmap.close();
      held.delete(old);
    }
  }

  return {
    subscribe: changed.subscribe,
    close() {
      if (!open) return;
      close();
      changed.emit();
    },
    get isOpen() {
      return open !== null;
    },
    get held() {
      return held.size;
    },
    /** Are all tiles in sight here? */
    get isSharp() {
      return open !== null && wanted.length > 0 && wanted.every(isThere);
    },
    /** Show the tiles of an image. @param {Facts} facts @param {?{low: number, high: number}} window  null is its own */
    open(id, facts, window = null) {
      if (open?.id !== id || open.facts.version !== facts.version) close();
      else for (const stop of asked.values()) stop.abort();
      asked.clear();
      open = { id, facts, window };
      changed.emit();
    },
    /** Paint what is here of the part in sight, and ask for the rest. `scene` = {view, screen, dpr, size} */
    paint(g, { view, screen, dpr, size }) {
      if (!open) return;
      const { facts } = open,
        scale = view.zoom * dpr;
      const all = tilesIn([0, 0, size.width, size.height], facts, facts.levels - 1);
      const sight = tilesIn(visibleBox(view, screen), facts, levelFor(scale, facts.levels));
      wanted = all.length <= AT_ONCE ? [...all, ...sight] : sight; // the coarsest stands in for all others
      const paper = { facts, view, dpr, scale, levels: facts.levels, find };
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.save();
      g.beginPath();
      g.rect(view.x * dpr, view.y * dpr, size.width * scale, size.height * scale);
      g.clip();
      for (const place of sight) paintTile(g, paper, place);
      g.restore();
      ask();
    },
  };
}

/** Paint one tile or what stands in for it. Its edges lie on whole pixels of the screen, so that none shows a seam. */
function paintTile(g, { facts, view, dpr, scale, levels, find }, place) {
  const [level, x, y] = place,
    { tile } = facts,
    span = tile * 2 ** level;
  const across = (at) => Math.round(view.x * dpr + at * scale),
    down = (at) => Math.round(view.y * dpr + at * scale);
  const own = find(place),
    other = own ? null : standIn(place, levels, find);
  const { bitmap } = own ?? other?.found ?? {};
  if (!bitmap) return;
  const side = own ? tile : tile * other.share,
    [sx, sy] = own ? [0, 0] : other.at.map((at) => at * side);
  const [sw, sh] = [Math.min(side, bitmap.width - sx), Math.min(side, bitmap.height - sy)];
  if (sw <= 0 || sh <= 0) return;
  const [left, top] = [across(x * span), down(y * span)];
  const [right, bottom] = [across((x + sw / side) * span), down((y + sh / side) * span)];
  g.drawImage(bitmap, sx, sy, sw, sh, left, top, right - left, bottom - top);
}
