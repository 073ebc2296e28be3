// Decoded images, a few kept: the open one and its neighbours.

import { urls } from "../document/urls.js";

const KEEP = 5;
const LARGE = 50_000_000; // pixels; a browser would take four bytes for each

/** Is an image shown by tiles, as its pixels are too many for the browser to hold? */
export const isLarge = ({ width, height }) => width * height > LARGE;

export function createBitmaps() {
  const held = new Map(); // image id -> Promise<HTMLImageElement>

  const load = ({ id, width, height }) => decoded(isLarge({ width, height }) ? urls.thumb(id) : urls.image(id));

  function decoded(url) {
    const image = new Image();
    image.decoding = "async";
    image.src = url;
    return image.decode().then(() => image);
  }

  return {
    /** Decode an image, of a large one a small picture, or return it from before. Rejects when it cannot be read. */
    get(row) {
      const { id } = row,
        ready = held.get(id) ?? load(row);
      held.delete(id);
      held.set(id, ready); // newest last
      ready.catch(() => held.delete(id));
      for (const old of held.keys()) {
        if (held.size <= KEEP) break;
        held.delete(old);
      }
      return ready;
    },
    /** A sharper picture of a large image, for as long as its tiles are not here. */
    preview: (id) => decoded(urls.preview(id)),
  };
}
