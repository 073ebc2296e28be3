// Addresses, all relative to where this module came from, so that share links and Space paths work.

const here = typeof document === "undefined" ? "http://localhost/assets/0/canvas/document/urls.js" : import.meta.url;
const root = new URL("../../../../", here); // <root>/assets/<version>/canvas/document/urls.js

export const urls = {
  image: (id) => new URL(`media/${encodeURIComponent(id)}`, root).href,
  /** A picture of one annotation; the address changes with its box, so that browsers keep it. */
  crop: ({ id, xyxy }) =>
    new URL(`crop/${encodeURIComponent(id)}?v=${xyxy.map((x) => x.toFixed(1)).join("_")}`, root).href,
  /** A tile of a large or deep image; with a window the values that are black and white. */
  tile(id, { level, x, y, version, low, high }) {
    const url = new URL(`tile/${encodeURIComponent(id)}/${level}/${x}/${y}?v=${version}`, root);
    if (low !== undefined) {
      url.searchParams.set("low", low);
      url.searchParams.set("high", high);
    }
    return url.href;
  },
  thumb: (id) => new URL(`thumb/${encodeURIComponent(id)}`, root).href,
  /** A picture of a large image for a whole screen, where one is quickly made; else its thumbnail. */
  preview: (id) => new URL(`thumb/${encodeURIComponent(id)}?of=large`, root).href,
  beacon: () => new URL("beacon", root).href,
  login: () => new URL("gradio_api/login_check", root).href,
};
